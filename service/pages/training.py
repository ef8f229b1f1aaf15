"""Training from `/models`: begin a run, see how far it is, end it.

In come an admin's deeds, out goes the part of the page that tells of the newest run. The run itself is another process
(`service.background.training_process`), which closing the page does not end.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from deskyard.errors import BadInput
from service.background.auto_retraining import begin
from service.http.dependencies import CalledBy, InLearning, InYard
from service.pages import layout
from service.pages.models import words

router: Final = APIRouter(include_in_schema=False)


@router.get("/models/training")
def training(request: Request, learning: InLearning) -> Response:
    """How far the newest run is."""
    return layout.part(request, "models_run.html", run=learning.look(), **words(layout.who(request)))


@router.post("/models/train")
def train(
    learning: InLearning,
    caller: CalledBy,
    source: Annotated[str, Form(max_length=1000)],
    precision: Annotated[str, Form(max_length=20)] = "95",
    effort: Annotated[str, Form(max_length=20)] = "normal",
) -> Response:
    """Begin a run."""
    try:
        asked = float(precision.replace(",", ".")) / 100
    except ValueError as error:
        raise BadInput("write the precision in per cent, such as 95") from error
    learning.start(source, round(asked, 5), effort, caller.actor.name)
    return layout.go("/models#train")


@router.post("/models/retrain")
def retrain(yard: InYard, learning: InLearning, caller: CalledBy) -> Response:
    """Learn anew from the desk's own tickets, and compare with the model in use."""
    begin(yard, learning, caller.actor, promote=False)
    return layout.go("/models#train")


@router.post("/models/train/cancel")
def cancel(learning: InLearning) -> Response:
    """End the run."""
    learning.cancel()
    return layout.go("/models#train")
