"""Request and response models of the policy and its taxonomy changes."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from deskyard.domain.taxonomy import TaxonomyChange, parse_change
from deskyard.policy.versions import PolicyVersion
from service.api.api_model import ApiModel


class PolicyResponse(ApiModel):
    """A version of the policy."""

    number: int
    """Number of the version; 0 is the default of a new installation."""

    digest: str
    """Digest of the policy."""

    at: datetime | None
    """When it was put in force; null for version 0."""

    actor: str
    """Who put it in force."""

    text: str
    """The policy as TOML."""

    @classmethod
    def from_version(cls, version: PolicyVersion) -> "PolicyResponse":
        """The response for a version of the policy."""
        return cls(
            number=version.number,
            digest=version.policy.digest,
            at=version.at,
            actor=version.actor,
            text=version.text,
        )


class PolicyVersionList(ApiModel):
    """The newest versions of the policy."""

    items: list[PolicyResponse]
    """Versions, newest first."""


class TaxonomyChangeRequest(ApiModel, extra="forbid"):
    """A taxonomy change as in the policy's TOML: one of `rename`, `merge`, `split` and `retire`."""

    on: date | None = None
    """Day (UTC) from which it applies; today if it is left out."""

    target: str
    """Target whose labels change: category, queue or assignee."""

    rename: str | None = None
    """Label that is renamed."""

    merge: list[str] | None = None
    """Labels that become one label."""

    split: str | None = None
    """Label that is replaced by several."""

    retire: str | None = None
    """Label that is no longer used."""

    to: str | list[str] | None = None
    """New label, or labels of a split."""

    reason: str = Field(default="", max_length=1000, description="The reason, for the audit log.")

    def to_change(self, today: date) -> TaxonomyChange:
        """The taxonomy change. Raises BadInput if it is none or more than one."""
        fields = self.model_dump(mode="json", exclude_none=True, exclude={"reason"})
        return parse_change({"on": today.isoformat(), **fields})


class TaxonomyChangeResponse(ApiModel):
    """A taxonomy change."""

    on: date
    """Day (UTC) from which it applies."""

    target: str
    """Target whose labels change."""

    kind: Literal["rename", "merge", "split", "retire"]
    """Kind of change."""

    labels: list[str]
    """Labels before."""

    to: list[str]
    """Labels after; empty if they are retired."""

    @classmethod
    def from_change(cls, change: TaxonomyChange) -> "TaxonomyChangeResponse":
        """The response for a taxonomy change."""
        return cls(on=change.on, target=change.target, kind=change.kind, labels=list(change.labels), to=list(change.to))


class SplitTask(ApiModel):
    """What a split leaves to people."""

    change: TaxonomyChangeResponse
    """The split."""

    tickets: list[str]
    """Numbers of the newest tickets that still have the old label, as far as the caller may see them."""

    waiting: int
    """Number of tickets that still have the old label."""

    chosen: dict[str, int]
    """How often people have chosen each of the new labels since."""


class TaxonomyResponse(ApiModel):
    """The taxonomy changes."""

    changes: list[TaxonomyChangeResponse]
    """Changes in the order of their days."""

    tasks: list[SplitTask]
    """What splits leave to people."""
