"""Models, how two of them compare, and retraining, as the API answers them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from deskyard.domain.ticket import Target
from deskyard.registry.comparison import Comparison

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle


class ModelSummary(BaseModel):
    """The model in use."""

    name: str
    digest: str
    targets: list[str]


class ModelCardResponse(ModelSummary):
    """The model in use with its card: what it learnt from, and how well it was judged. `made`: when and where."""

    card: dict[str, Any]
    made: dict[str, Any]

    @classmethod
    def from_bundle(cls, bundle: "Bundle") -> "ModelCardResponse":
        """The same, for JSON."""
        seen = {"name": bundle.name, "digest": bundle.digest, "targets": list(bundle.targets)}
        return cls.model_validate({**seen, "card": bundle.card, "made": bundle.build_info})


class BundleResponse(BaseModel):
    """A bundle in the folder of models. `at`: when it was trained ("" where nobody said); `trouble`: why it can't be
    read."""

    name: str
    digest: str
    at: str
    targets: list[Target]
    state: Literal["in use", "challenger", "kept", "broken"]
    trouble: str


class BundleList(BaseModel):
    """All bundles, the newest first."""

    items: list[BundleResponse]


class ComparisonResponse(BaseModel):
    """Two models on the same tickets; `promote`: the second has earned the first one's place, `verdict` says why."""

    promote: bool
    verdict: str
    comparison: Comparison

    @classmethod
    def from_comparison(cls, found: Comparison | None) -> "ComparisonResponse | None":
        """The same, for JSON."""
        return cls(promote=found.promote, verdict=found.verdict, comparison=found) if found else None


class ChallengerResponse(BaseModel):
    """The model that is asked about each new ticket beside the one in use, since when, and about how many (`asked`).
    `past`: as they were compared on tickets that neither had learnt from; `live`: by what people made of new ones."""

    name: str
    digest: str
    since: datetime
    actor: str
    asked: int
    past: ComparisonResponse | None
    live: ComparisonResponse | None


class ChallengerRequest(BaseModel):
    """A bundle by its name, as `GET /v1/models` lists it."""

    name: str = Field(min_length=1, max_length=255)


class RetrainingRequestResponse(BaseModel):
    """Why a retraining is or was wanted, and what came of it: a bundle's name and a sentence."""

    model_config = {"from_attributes": True}

    at: datetime
    why: Literal["schedule", "corrections", "drift", "person"]
    text: str
    begun_at: datetime | None
    ended_at: datetime | None
    bundle: str
    outcome: str


class RetrainingStatus(BaseModel):
    """What is wanted and has not ended, the retraining that ended last, and whether a training is under way in this
    home."""

    wanted: list[RetrainingRequestResponse]
    last: RetrainingRequestResponse | None
    running: bool
