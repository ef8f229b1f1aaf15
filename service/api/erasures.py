"""`/v1/erasures`: erase what a requester wrote, as `deskyard forget` does."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from pydantic import Field

from deskyard.privacy import erasure
from deskyard.settings import settings
from service.api.api_model import ApiModel
from service.api.request_models import Text
from service.http.dependencies import CallerDep, ContextDep
from service.http.problem_details import problem_responses

if TYPE_CHECKING:
    from deskyard.privacy.model_exposure import ModelExposure

router: Final = APIRouter(tags=["erasures"])


class ErasureRequest(ApiModel):
    """Whose tickets to erase, and whether only to count them."""

    requester: Text = Field(min_length=1, max_length=1000, description="The address or name as the tickets show it.")
    dry_run: bool = Field(False, description="Return what would be erased, and change nothing.")


class ModelExposureResponse(ApiModel):
    """A bundle that was trained on some of the tickets."""

    name: str
    """Name of the bundle."""

    seen_tickets: int
    """Number of the tickets that it was trained on, at most."""

    remembered_tickets: int
    """Number of tickets of which it holds the id and the weights of the strongest words."""

    knows_requester: bool
    """Whether it holds the requester's name or its hash."""

    @classmethod
    def from_exposure(cls, exposure: "ModelExposure") -> "ModelExposureResponse":
        """The response for what a bundle knows of the tickets."""
        return cls(
            name=exposure.name,
            seen_tickets=exposure.seen_tickets,
            remembered_tickets=exposure.remembered_tickets,
            knows_requester=exposure.knows_requester,
        )


class ErasureResponse(ApiModel):
    """What was erased, or would be erased."""

    dry_run: bool
    """Whether nothing was changed."""

    tickets: int
    """Number of tickets of the requester."""

    unsolved: int
    """Number of tickets that stay in their queues without a text."""

    comments: int
    """Number of comments on other people's tickets."""

    kept_comments: int
    """Number of those comments that an agent of the desk wrote, which are kept."""

    external: dict[str, int]
    """Number of tickets by connected help desk, where they must be erased as well."""

    bundles: list[ModelExposureResponse]
    """Bundles that were trained on some of the tickets."""

    is_scrubbed: bool
    """Whether the bytes are gone from SQLite's file; if not, send the request again."""


@router.post("/v1/erasures", responses=problem_responses(400, 413, 415, 422, 503))
def erase_requester(body: ErasureRequest, context: ContextDep, caller: CallerDep) -> ErasureResponse:
    """Erase the texts, fields and names of a requester's tickets and comments. This can't be undone. Sent again after
    an interruption, it continues.

    The tickets keep their labels and decisions. Other writers wait while SQLite's file is rewritten.
    """
    # Imported here so that the service starts without machine-learning libraries.
    from deskyard.privacy.model_exposure import find_exposed_models

    with context.database.reading() as conn:
        found = erasure.find_by_requester(conn, body.requester)
    bundles = find_exposed_models(context.models.folder, found.tickets, found.requester_names)
    is_scrubbed = not body.dry_run
    if not body.dry_run:
        if found:
            reason = erasure.pseudonymise_requester(body.requester)
            erasure.apply_erasure(context.database, found, reason, caller.actor, lambda: datetime.now(UTC))
        context.explanations.forget()
        is_scrubbed = erasure.clean_up_files(context.database, settings().state, time.time())
    return ErasureResponse(
        dry_run=body.dry_run,
        tickets=len(found.tickets),
        unsolved=found.unsolved_count,
        comments=len(found.comments),
        kept_comments=found.kept_comments,
        external=dict(found.mirrored_counts),
        bundles=[ModelExposureResponse.from_exposure(one) for one in bundles],
        is_scrubbed=is_scrubbed,
    )
