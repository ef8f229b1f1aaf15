"""`/v1/labels`: which tickets people should label next, and which contracts that completes."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from deskyard.db.pagination import MAX_PAGE_SIZE
from deskyard.domain.ticket import Target
from service.api.response_models.labels import LabelGoalResponse, LabelPlanResponse
from service.http.dependencies import CallerDep, ContextDep
from service.http.problem_details import problem_responses
from service.runtime import label_plan

router: Final = APIRouter(tags=["models"])


@router.get("/v1/labels", responses=problem_responses(400, 422, 503))
def get_label_plan(
    context: ContextDep,
    caller: CallerDep,
    per_week: Annotated[int, Query(ge=1, le=1_000_000, description="Labels that people can give in a week.")] = 50,
    target: Annotated[Target | None, Query(description="Only this target.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE, description="Most tickets of each list.")] = 50,
) -> LabelPlanResponse:
    """How many labels each contract still needs and when they will be there, and the tickets to label first, from the
    queues that the caller may see. Up to a minute old. A label is given by PATCH and counts as the caller's."""
    with context.database.reading() as conn:
        plan = context.label_plans.get(conn, context.models.champion.bundle, per_week, caller.queues)
        tickets = {
            name: label_plan.item_rows(conn, (item for item in items if target in (None, item.target)), limit)
            for name, items in (("unlabelled", plan.unlabelled), ("doubtful", plan.doubtful))
        }
    goals = [LabelGoalResponse.from_goal(goal) for goal in plan.goals]
    return LabelPlanResponse.model_validate({"per_week": per_week, "goals": goals, **tickets})
