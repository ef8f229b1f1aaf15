"""`/metrics`: metrics for Prometheus."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from deskyard.policy.versions import Policies
from service.http.dependencies import ContextDep
from service.http.metrics import Metrics
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["health"])


async def _metrics(request: Request) -> Metrics:
    metrics = request.app.state.metrics
    if not isinstance(metrics, Metrics):
        raise TypeError("the app was made without metrics")
    return metrics


MetricsDep = Annotated[Metrics, Depends(_metrics)]


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problem_responses(400, 503)},
)
def get_metrics(context: ContextDep, metrics: MetricsDep) -> Response:
    """Requests, their durations, the decisions on new tickets, and the model and policy in use."""
    with context.database.reading() as conn:
        policy = Policies.current(conn).policy.digest
    return Response(metrics.render(context.models.champion.digest or "", policy), media_type=CONTENT_TYPE_LATEST)
