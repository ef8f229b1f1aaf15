"""`/livez` and `/readyz`: for supervisors and load balancers."""

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
    """The process runs. If this is not answered, start it again."""
    return LivenessResponse()


@router.get("/readyz", responses=problem_responses(400, 503))
def get_readiness(yard: ContextDep) -> ReadinessResponse:
    """Tickets can be taken and stored, with a model or without one."""
    with yard.database.reading() as conn:
        if queues.find_queue(conn, TRIAGE) is None:
            raise HTTPException(503, "the desk has no triage queue: start the service again, which makes it")
    champion = yard.models.champion
    bundle, missing = champion.bundle, champion.missing_reason
    model = ModelSummary(name=bundle.name, digest=bundle.digest, targets=list(bundle.targets)) if bundle else None
    return ReadinessResponse(model=model, why=missing.text if missing else champion.refusal)
