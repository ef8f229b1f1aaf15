"""`/v1/score`: what would be done with tickets, without doing it."""

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

Explain = Annotated[bool, Query(description="Also words for and against, and similar past tickets.")]


INLINE_CHARACTERS: Final = 20_000
"""Characters that are scored on the spot. What takes longer gets a thread, so that others are answered meanwhile."""

INLINE_CHARACTERS_ENCODER: Final = 1_000
"""The same where an encoder reads them, which takes twenty times as long."""


@router.post("/v1/score", response_model=ScoreResponse, responses=problem_responses(400, 413, 415, 422, 503))
async def score_tickets(asked: ScoreRequest, yard: ContextDep, explain: Explain = False) -> JSONResponse:
    """Predict and decide; nothing is written. Without a model the decisions are empty and the reason says so."""
    seen = await yard.policy_cache.get()
    tickets = [new.to_ticket() for new in asked.tickets]

    def answer() -> dict[str, Any]:
        return routing.score_tickets(yard.models.champion, seen.policy, seen.catalogue, tickets, explain=explain)

    size = sum(len(ticket.subject) + len(ticket.body) for ticket in tickets) + 100 * len(tickets)
    if not yard.models.is_loaded:
        return JSONResponse(await run_in_threadpool(answer))
    bundle = yard.models.champion.bundle
    short = size < (INLINE_CHARACTERS_ENCODER if bundle is not None and bundle.has_encoder else INLINE_CHARACTERS)
    return JSONResponse(answer() if short else await run_in_threadpool(answer))
