"""Response models of models, their comparison, and retraining."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from deskyard.domain.ticket import Target
from deskyard.registry.comparison import Comparison
from service.api.api_model import ApiModel

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle
    from deskyard.registry.listing import BundleSummary
    from deskyard.registry.retraining_requests import RetrainingRequest

BundleState = Literal["in_use", "challenger", "kept", "broken"]


class ModelSummary(ApiModel):
    """The model in use."""

    name: str
    """Name of its bundle."""

    digest: str
    """Digest of its bundle."""

    targets: list[str]
    """Targets that it predicts."""


class ModelCardResponse(ModelSummary):
    """The model in use with its card."""

    card: dict[str, Any]
    """Model card: what it was trained on, and its evaluation."""

    made: dict[str, Any]
    """When and where it was trained."""

    @classmethod
    def from_bundle(cls, bundle: "Bundle") -> "ModelCardResponse":
        """The response for a bundle."""
        return cls(
            name=bundle.name,
            digest=bundle.digest,
            targets=list(bundle.targets),
            card=bundle.card,
            made=bundle.build_info,
        )


class BundleResponse(ApiModel):
    """A bundle in the models folder."""

    name: str
    """Name of its folder."""

    digest: str
    """Digest of its content."""

    trained_at: str
    """When it was trained (ISO 8601); empty if it does not say."""

    targets: list[Target]
    """Targets that it predicts."""

    state: BundleState
    """Whether it is in use, the challenger, kept, or broken."""

    error: str
    """Why it can't be read; empty if it can."""

    @classmethod
    def from_summary(cls, bundle: "BundleSummary", state: BundleState) -> "BundleResponse":
        """The response for a bundle and what it is used for."""
        return cls(
            name=bundle.name,
            digest=bundle.digest,
            trained_at=bundle.trained_at,
            targets=list(bundle.targets),
            state=state,
            error=bundle.error,
        )


class BundleList(ApiModel):
    """All bundles."""

    items: list[BundleResponse]
    """Bundles, newest first."""


class ComparisonResponse(ApiModel):
    """Two models on the same tickets."""

    promote: bool
    """Whether the second should replace the first."""

    verdict: str
    """Why, in a sentence."""

    comparison: Comparison
    """Figures of the comparison."""

    @classmethod
    def from_comparison(cls, comparison: Comparison | None) -> "ComparisonResponse | None":
        """The response for a comparison; None for None."""
        if comparison is None:
            return None
        return cls(promote=comparison.promote, verdict=comparison.verdict, comparison=comparison)


class ChallengerResponse(ApiModel):
    """The challenger: a model that scores each new ticket beside the one in use."""

    name: str
    """Name of its bundle."""

    digest: str
    """Digest of its bundle."""

    since: datetime
    """Since when it scores new tickets."""

    actor: str
    """Who made it the challenger."""

    scored_tickets: int
    """Number of tickets that it has scored."""

    past_comparison: ComparisonResponse | None
    """Comparison on tickets that neither model was trained on."""

    live_comparison: ComparisonResponse | None
    """Comparison on new tickets, by the labels that people gave them."""


class ChallengerRequest(ApiModel):
    """The bundle to use as the challenger."""

    name: str = Field(min_length=1, max_length=255)
    """Name of a bundle, as `GET /v1/models` lists it."""


class RetrainingRequestResponse(ApiModel):
    """A request to train again, and what came of it."""

    at: datetime
    """When it was requested."""

    reason: Literal["schedule", "corrections", "drift", "person"]
    """Why."""

    detail: str
    """Why, in a sentence."""

    started_at: datetime | None
    """When the training started; null before."""

    ended_at: datetime | None
    """When it ended; null before."""

    bundle: str
    """Name of the bundle that was trained; empty if none was."""

    outcome: str
    """What came of it, in a sentence; empty before it ended."""

    @classmethod
    def from_request(cls, request: "RetrainingRequest") -> "RetrainingRequestResponse":
        """The response for a retraining request."""
        return cls(
            at=request.at,
            reason=request.reason,
            detail=request.detail,
            started_at=request.started_at,
            ended_at=request.ended_at,
            bundle=request.bundle,
            outcome=request.outcome,
        )


class RetrainingStatus(ApiModel):
    """Retraining on this machine."""

    pending: list[RetrainingRequestResponse]
    """Requests that have not ended."""

    last: RetrainingRequestResponse | None
    """Request that ended last; null if none has."""

    running: bool
    """Whether a training is running in this home folder."""
