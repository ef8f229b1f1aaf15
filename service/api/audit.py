"""`/v1/audit`: who did what that no ticket's journey tells."""

from typing import Final

from fastapi import APIRouter

from deskyard.db.pagination import DEFAULT_PAGE_SIZE
from deskyard.journal import audit_log as log
from service.api.response_models.audit import AuditEntryResponse, AuditPage
from service.http.dependencies import ContextDep, PageCursor, PageLimit
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["audit"])


@router.get("/v1/audit", responses=problem_responses(400, 422, 503))
def list_audit_log(yard: ContextDep, limit: PageLimit = DEFAULT_PAGE_SIZE, cursor: PageCursor = None) -> AuditPage:
    """Deeds on keys, policy, models, queues and agents, newest first."""
    with yard.database.reading() as conn:
        page = log.list_entries(conn, limit, cursor)
    return AuditPage(items=[AuditEntryResponse.from_entry(deed) for deed in page.items], next_cursor=page.next_cursor)
