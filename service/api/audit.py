"""`/v1/audit`: the audit log, which records changes that are in no ticket's history."""

from typing import Final

from fastapi import APIRouter

from deskyard.db.pagination import DEFAULT_PAGE_SIZE
from deskyard.journal import audit_log
from service.api.response_models.audit import AuditEntryResponse, AuditPage
from service.http.dependencies import ContextDep, PageCursor, PageLimit
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["audit"])


@router.get("/v1/audit", responses=problem_responses(400, 422, 503))
def list_audit_log(context: ContextDep, limit: PageLimit = DEFAULT_PAGE_SIZE, cursor: PageCursor = None) -> AuditPage:
    """Actions on keys, users, the policy, models, queues, agents, connections and deliveries, and erasures; newest
    first."""
    with context.database.reading() as conn:
        page = audit_log.list_entries(conn, limit, cursor)
    return AuditPage(items=[AuditEntryResponse.from_entry(entry) for entry in page.items], next_cursor=page.next_cursor)
