"""Training from `/models`: begin a run, see how far it is, end it.

In come an admin's deeds, out goes the part of the page that tells of the newest run. The run itself is another process
(`service.background.training_process`), which closing the page does not end.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from deskyard.errors import BadInput
from service.background.auto_retraining import start_retraining
from service.http.dependencies import CallerDep, ContextDep, TrainingDep
from service.pages import layout
from service.pages.models import page_vocabulary

router: Final = APIRouter(include_in_schema=False)


@router.get("/models/training")
def show_training(request: Request, learning: TrainingDep) -> Response:
    """How far the newest run is."""
    return layout.render_part(
        request, "models_run.html", run=learning.newest_run(), **page_vocabulary(layout.current_caller(request))
    )


@router.post("/models/train")
def start_training(
    learning: TrainingDep,
    caller: CallerDep,
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
    return layout.redirect("/models#train")


@router.post("/models/retrain")
def start_retraining_run(yard: ContextDep, learning: TrainingDep, caller: CallerDep) -> Response:
    """Learn anew from the desk's own tickets, and compare with the model in use."""
    start_retraining(yard, learning, caller.actor, promote=False)
    return layout.redirect("/models#train")


@router.post("/models/train/cancel")
def cancel_training(learning: TrainingDep) -> Response:
    """End the run."""
    learning.cancel()
    return layout.redirect("/models#train")
