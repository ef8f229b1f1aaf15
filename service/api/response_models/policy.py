"""Versions of the policy and the turns of its taxonomy, as the API takes and answers them."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from deskyard.domain.taxonomy import TaxonomyChange, parse_change
from deskyard.policy.versions import PolicyVersion


class PolicyResponse(BaseModel):
    """A version of the policy. `text` is its TOML; number 0 is the one of a fresh install, which nobody wrote."""

    number: int
    digest: str
    at: datetime | None
    actor: str
    text: str

    @classmethod
    def from_version(cls, version: PolicyVersion) -> "PolicyResponse":
        """The same, for JSON."""
        return cls(
            number=version.number,
            digest=version.policy.digest,
            at=version.at,
            actor=version.actor,
            text=version.text,
        )


class PolicyVersionList(BaseModel):
    """The newest versions, newest first."""

    items: list[PolicyResponse]


class TaxonomyChangeRequest(BaseModel):
    """A turn of the taxonomy, as the policy's TOML writes it: one of `rename`, `merge`, `split`, `retire`, and what it
    becomes. `on`: the day (UTC) from which it holds; today where none is said."""

    model_config = {"extra": "forbid"}

    on: date | None = None
    target: str
    rename: str | None = None
    merge: list[str] | None = None
    split: str | None = None
    retire: str | None = None
    to: str | list[str] | None = None
    why: str = Field(default="", max_length=1000, description="Why, for the audit log.")

    def to_change(self, today: date) -> TaxonomyChange:
        """The turn that is meant. Raises BadInput where it says none."""
        said = self.model_dump(mode="json", exclude_none=True, exclude={"why"})
        return parse_change({"on": today.isoformat(), **said})


class TaxonomyChangeResponse(BaseModel):
    """A turn of the taxonomy: from the day `on`, `labels` of a target are `to` (nothing where they are retired)."""

    on: date
    target: str
    kind: Literal["rename", "merge", "split", "retire"]
    labels: list[str]
    to: list[str]

    @classmethod
    def from_change(cls, change: TaxonomyChange) -> "TaxonomyChangeResponse":
        """The same, for JSON."""
        return cls(on=change.on, target=change.target, kind=change.kind, labels=list(change.labels), to=list(change.to))


class SplitTask(BaseModel):
    """What a split leaves to people: the newest tickets that still bear the old label (those the caller may see), how
    many do, and how often people have chosen each of the new ones since."""

    turn: TaxonomyChangeResponse
    tickets: list[str]
    waiting: int
    chosen: dict[str, int]


class TaxonomyResponse(BaseModel):
    """The turns, in the order of their days, and what splits leave to people."""

    turns: list[TaxonomyChangeResponse]
    tasks: list[SplitTask]
