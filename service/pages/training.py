"""The part of `/models` that starts a training run, shows its progress and cancels it.

The run is a process of its own (`service.background.training_process`), so it goes on when the page is closed.
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
def show_training(request: Request, training: TrainingDep) -> Response:
    """The progress of the newest run."""
    return layout.render_part(
        request, "models_training.html", run=training.newest_run(), **page_vocabulary(layout.current_caller(request))
    )


@router.post("/models/train")
def start_training(
    training: TrainingDep,
    caller: CallerDep,
    source: Annotated[str, Form(max_length=1000)],
    precision: Annotated[str, Form(max_length=20)] = "95",
    effort: Annotated[str, Form(max_length=20)] = "normal",
) -> Response:
    """Start a run."""
    try:
        required_precision = float(precision.replace(",", ".")) / 100
    except ValueError as error:
        raise BadInput("write the precision in per cent, such as 95") from error
    training.start(source, round(required_precision, 5), effort, caller.actor.name)
    return layout.redirect("/models#train")


@router.post("/models/retrain")
def start_retraining_run(context: ContextDep, training: TrainingDep, caller: CallerDep) -> Response:
    """Retrain on the desk's own tickets, and compare with the model in use."""
    start_retraining(context, training, caller.actor, promote=False)
    return layout.redirect("/models#train")


@router.post("/models/train/cancel")
def cancel_training(training: TrainingDep) -> Response:
    """Cancel the run."""
    training.cancel()
    return layout.redirect("/models#train")
