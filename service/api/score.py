"""`/v1/score`: what would be done with tickets, without doing it."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from service import routing
from service.api.doors import InYard
from service.api.forms import ToScore
from service.api.shapes import Scores
from service.problems import problems

router: Final = APIRouter(tags=["score"])

Explain = Annotated[bool, Query(description="Also words for and against, and similar past tickets.")]


@router.post("/v1/score", response_model=Scores, responses=problems(400, 413, 415, 422, 503))
def score(asked: ToScore, yard: InYard, explain: Explain = False) -> JSONResponse:
    """Predict and decide; nothing is written. Without a model the decisions are empty and the reason says so."""
    return JSONResponse(routing.score(yard, [new.ticket() for new in asked.tickets], explain=explain))
