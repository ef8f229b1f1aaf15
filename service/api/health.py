"""`/livez` and `/readyz`: the checks of supervisors and load balancers."""

from typing import Final

from fastapi import APIRouter, HTTPException

from deskyard.desk import queues
from deskyard.domain.catalogue import TRIAGE
from service.api.response_models.health import LivenessResponse, ReadinessResponse
from service.api.response_models.models import ModelSummary
from service.http.dependencies import ContextDep
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["health"])


@router.get("/livez", responses=problem_responses(400))
async def get_liveness() -> LivenessResponse:
    """The process is running. If there is no answer, restart it."""
    return LivenessResponse()


@router.get("/readyz", responses=problem_responses(400, 503))
def get_readiness(context: ContextDep) -> ReadinessResponse:
    """Tickets can be received and stored, with or without a model."""
    with context.database.reading() as conn:
        if queues.find_queue(conn, TRIAGE) is None:
            raise HTTPException(503, "the desk has no triage queue: restart the service, which creates it")
    champion = context.models.champion
    bundle, missing = champion.bundle, champion.missing_reason
    model = ModelSummary(name=bundle.name, digest=bundle.digest, targets=list(bundle.targets)) if bundle else None
    return ReadinessResponse(model=model, reason=missing.text if missing else champion.refusal)
