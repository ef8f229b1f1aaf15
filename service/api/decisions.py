"""`/v1/decisions`: one decision with everything that it depended on."""

from typing import Annotated, Final

from fastapi import APIRouter, Path

from deskyard.errors import NotFound
from deskyard.journal.journal import Journal
from deskyard.text.record_numbers import is_record_number
from service.api.response_models.decisions import DecisionResponse
from service.http.dependencies import ContextDep
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["decisions"])

DecisionId = Annotated[str, Path(description="The number of the decision.")]


@router.get("/v1/decisions/{id}", responses=problem_responses(400, 404, 422, 503))
def get_decision(id: DecisionId, context: ContextDep) -> DecisionResponse:  # noqa: A002 - the name of the path parameter
    """A decision as recorded in the journal; `deskyard verify` computes it again and compares."""
    with context.database.reading() as conn:
        entry = Journal.find_decision(conn, int(id)) if is_record_number(id) else None
    if entry is None:
        raise NotFound(f"there is no decision {id[:50]!r} in the journal")
    return DecisionResponse.from_entry(entry)
