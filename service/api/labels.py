"""`/v1/labels`: what people should label next, and what that brings."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from deskyard.db.pagination import LONGEST_PAGE
from deskyard.domain.ticket import Target
from service.api.response_models.labels import LabelsSeen
from service.http.dependencies import CalledBy, InYard
from service.http.problem_details import problems
from service.runtime import label_plan

router: Final = APIRouter(tags=["models"])


@router.get("/v1/labels", responses=problems(400, 422, 503))
def wanted(
    yard: InYard,
    caller: CalledBy,
    per_week: Annotated[int, Query(ge=1, le=1_000_000, description="Labels that people give a week.")] = 50,
    target: Annotated[Target | None, Query(description="Only this target.")] = None,
    limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="Tickets of each kind.")] = 50,
) -> LabelsSeen:
    """Which contracts lack how many labels and when they are reached, and the tickets to label first, of the queues
    that the caller may see. At most a minute old. A label is given by PATCH, and counts as that person's."""
    with yard.database.reading() as conn:
        found = yard.plans.look(conn, yard.models.champion.bundle, per_week, caller.queues)
        kinds = {
            kind: label_plan.rows(conn, (item for item in items if target in (None, item.target)), limit)
            for kind, items in (("wanted", found.wanted), ("doubtful", found.doubtful))
        }
    return LabelsSeen.model_validate({"per_week": per_week, "goals": found.goals, **kinds})
