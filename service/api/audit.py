"""`/v1/audit`: who did what that no ticket's journey tells."""

from typing import Final

from fastapi import APIRouter

from deskyard.db.pagination import PAGE
from deskyard.journal import audit_log as log
from service.api.response_models.audit import Audit, DeedSeen
from service.http.dependencies import Cursor, InYard, Limit
from service.http.problem_details import problems

router: Final = APIRouter(tags=["audit"])


@router.get("/v1/audit", responses=problems(400, 422, 503))
def audit(yard: InYard, limit: Limit = PAGE, cursor: Cursor = None) -> Audit:
    """Deeds on keys, policy, models, queues and agents, newest first."""
    with yard.database.reading() as conn:
        page = log.listed(conn, limit, cursor)
    return Audit(items=[DeedSeen.of(deed) for deed in page.items], next_cursor=page.next_cursor)
