"""`/livez` and `/readyz`: for supervisors and load balancers."""

from typing import Final

from fastapi import APIRouter, HTTPException

from deskyard.desk import queues
from deskyard.policy.policy import TRIAGE
from service.api.response_models.health import Alive, Ready
from service.api.response_models.models import ModelSeen
from service.http.dependencies import InYard
from service.http.problem_details import problems

router: Final = APIRouter(tags=["health"])


@router.get("/livez", responses=problems(400))
async def livez() -> Alive:
    """The process runs. If this is not answered, start it again."""
    return Alive()


@router.get("/readyz", responses=problems(400, 503))
def readyz(yard: InYard) -> Ready:
    """Tickets can be taken and stored, with a model or without one."""
    with yard.database.reading() as conn:
        if queues.find(conn, TRIAGE) is None:
            raise HTTPException(503, "the desk has no triage queue: start the service again, which makes it")
    champion = yard.models.champion
    bundle, missing = champion.bundle, champion.missing
    model = ModelSeen(name=bundle.name, digest=bundle.digest, targets=list(bundle.targets)) if bundle else None
    return Ready(model=model, why=missing.text if missing else champion.refused)
