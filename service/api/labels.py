"""`/v1/labels`: what people should label next, and what that brings."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from deskyard.db.pagination import MAX_PAGE_SIZE
from deskyard.domain.ticket import Target
from service.api.response_models.labels import LabelPlanResponse
from service.http.dependencies import CallerDep, ContextDep
from service.http.problem_details import problem_responses
from service.runtime import label_plan

router: Final = APIRouter(tags=["models"])


@router.get("/v1/labels", responses=problem_responses(400, 422, 503))
def get_label_plan(
    yard: ContextDep,
    caller: CallerDep,
    per_week: Annotated[int, Query(ge=1, le=1_000_000, description="Labels that people give a week.")] = 50,
    target: Annotated[Target | None, Query(description="Only this target.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE, description="Tickets of each kind.")] = 50,
) -> LabelPlanResponse:
    """Which contracts lack how many labels and when they are reached, and the tickets to label first, of the queues
    that the caller may see. At most a minute old. A label is given by PATCH, and counts as that person's."""
    with yard.database.reading() as conn:
        found = yard.label_plans.get(conn, yard.models.champion.bundle, per_week, caller.queues)
        kinds = {
            kind: label_plan.rows(conn, (item for item in items if target in (None, item.target)), limit)
            for kind, items in (("wanted", found.unlabelled), ("doubtful", found.doubtful))
        }
    return LabelPlanResponse.model_validate({"per_week": per_week, "goals": found.goals, **kinds})
