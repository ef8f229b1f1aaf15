"""`/v1/score`: what would be decided on tickets, without storing anything."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from service.api.request_models import ScoreRequest
from service.api.response_models.decisions import ScoreResponse
from service.http.dependencies import ContextDep
from service.http.problem_details import problem_responses
from service.tickets import routing

router: Final = APIRouter(tags=["score"])

Explain = Annotated[
    bool, Query(description="Also return the words for and against each label, and similar past tickets.")
]


INLINE_CHARACTERS: Final = 20_000
"""Most characters that are scored in the event loop. Longer requests run in a thread, so that they block no others."""

INLINE_CHARACTERS_ENCODER: Final = 1_000
"""The same for a model with an encoder, which takes twenty times as long."""


@router.post("/v1/score", response_model=ScoreResponse, responses=problem_responses(400, 413, 415, 422, 503))
async def score_tickets(body: ScoreRequest, context: ContextDep, explain: Explain = False) -> JSONResponse:
    """Predict and decide without storing anything. Without a model the decisions are empty, and the reason says so."""
    snapshot = await context.policy_cache.get()
    tickets = [new.to_ticket() for new in body.tickets]

    def score() -> dict[str, Any]:
        champion = context.models.champion
        return routing.score_tickets(champion, snapshot.policy, snapshot.catalogue, tickets, explain=explain)

    size = sum(len(ticket.subject) + len(ticket.body) for ticket in tickets) + 100 * len(tickets)
    if not context.models.is_loaded:
        return JSONResponse(await run_in_threadpool(score))
    bundle = context.models.champion.bundle
    limit = INLINE_CHARACTERS_ENCODER if bundle is not None and bundle.has_encoder else INLINE_CHARACTERS
    return JSONResponse(score() if size < limit else await run_in_threadpool(score))
