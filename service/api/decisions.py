"""`/v1/decisions`: what was decided, and all that it hung on."""

from typing import Final

from fastapi import APIRouter

from deskyard.errors import NotThere
from deskyard.journal.journal import Journal
from deskyard.text.record_numbers import is_record_number
from service.api.response_models.decisions import Decision
from service.http.dependencies import InYard
from service.http.problem_details import problems

router: Final = APIRouter(tags=["decisions"])


@router.get("/v1/decisions/{id}", responses=problems(400, 404, 422, 503))
def look(id: str, yard: InYard) -> Decision:  # noqa: A002 - the address calls it so
    """A decision as the journal keeps it; `deskyard verify` computes it again and compares."""
    with yard.database.reading() as conn:
        entry = Journal.decision(conn, int(id)) if is_record_number(id) else None
    if entry is None:
        raise NotThere(f"there is no decision {id[:50]!r} in the journal")
    return Decision.of(entry)
