"""`/v1/decisions`: what was decided, and all that it hung on."""

from typing import Final

from fastapi import APIRouter

from deskyard.errors import NotFound
from deskyard.journal.journal import Journal
from deskyard.text.record_numbers import is_record_number
from service.api.response_models.decisions import DecisionResponse
from service.http.dependencies import ContextDep
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["decisions"])


@router.get("/v1/decisions/{id}", responses=problem_responses(400, 404, 422, 503))
def get_decision(id: str, yard: ContextDep) -> DecisionResponse:  # noqa: A002 - the address calls it so
    """A decision as the journal keeps it; `deskyard verify` computes it again and compares."""
    with yard.database.reading() as conn:
        entry = Journal.find_decision(conn, int(id)) if is_record_number(id) else None
    if entry is None:
        raise NotFound(f"there is no decision {id[:50]!r} in the journal")
    return DecisionResponse.from_entry(entry)
