"""`/v1/erasures`: what a requester wrote is erased, as `deskyard forget` does."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from deskyard.privacy import erasure
from deskyard.settings import settings
from service.api.request_models import Text
from service.http.dependencies import CallerDep, ContextDep
from service.http.problem_details import problem_responses

if TYPE_CHECKING:
    from deskyard.privacy.model_exposure import ModelExposure

router: Final = APIRouter(tags=["erasures"])


class ErasureRequest(BaseModel):
    """Whose tickets, and whether they are only counted."""

    requester: Text = Field(min_length=1, max_length=1000, description="The address or name, as it stands there.")
    dry_run: bool = Field(False, description="Say what would be erased, and change nothing.")


class ModelExposureResponse(BaseModel):
    """A bundle that has learnt from some of the tickets: of `seen`, at most; of `remembered` it holds the id and the
    weights of the strongest words. `names`: it knows the requester's name, or its hash."""

    name: str
    seen: int
    remembered: int
    names: bool

    @classmethod
    def from_exposure(cls, one: "ModelExposure") -> "ModelExposureResponse":
        """The same, for JSON."""
        return cls(name=one.name, seen=one.seen_tickets, remembered=one.remembered_tickets, names=one.knows_requester)


class ErasureResponse(BaseModel):
    """What was erased, or would be.

    `unsolved`: tickets that stay in their queues without a text. `comments` are those on tickets of others, and
    `kept_comments` such as one of the desk's own people wrote. `elsewhere`: how many tickets live in which help desk,
    where they have to be erased, too. `is_clean`: whether the bytes have left SQLite's file; if not, ask once more.
    """

    dry_run: bool
    tickets: int
    unsolved: int
    comments: int
    kept_comments: int
    elsewhere: dict[str, int]
    bundles: list[ModelExposureResponse]
    is_clean: bool


@router.post("/v1/erasures", responses=problem_responses(400, 413, 415, 422, 503))
def erase_requester(asked: ErasureRequest, yard: ContextDep, caller: CallerDep) -> ErasureResponse:
    """Erase a requester's tickets and comments: texts, fields and names. It can't be undone; asked again, it goes on.

    The tickets stay with their labels and decisions. Writers wait while SQLite's file is written anew.
    """
    from deskyard.privacy.model_exposure import (
        find_exposed_models,  # only here: the service starts without a learning library
    )

    with yard.database.reading() as conn:
        found = erasure.find_by_requester(conn, asked.requester)
    bundles = find_exposed_models(yard.models.folder, found.tickets, found.requester_names)
    clean = not asked.dry_run
    if not asked.dry_run:
        if found:
            why = erasure.pseudonymise_requester(asked.requester)
            erasure.apply_erasure(yard.database, found, why, caller.actor, lambda: datetime.now(UTC))
        yard.explanations.forget()
        clean = erasure.clean_up_files(yard.database, settings().state, time.time())
    return ErasureResponse(
        dry_run=asked.dry_run,
        tickets=len(found.tickets),
        unsolved=found.unsolved_count,
        comments=len(found.comments),
        kept_comments=found.kept_comments,
        elsewhere=dict(found.mirrored_counts),
        bundles=[ModelExposureResponse.from_exposure(one) for one in bundles],
        is_clean=clean,
    )
