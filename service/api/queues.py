"""`/v1/queues`: the desk's queues and the tickets in each."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy import Connection

from deskyard.db.pagination import DEFAULT_PAGE_SIZE
from deskyard.desk import queues as desk
from deskyard.desk import tickets as filed
from deskyard.desk.queues import Queue
from deskyard.desk.tickets import SortOrder, TicketFilter
from deskyard.domain.status import Status
from deskyard.errors import NotFound
from deskyard.journal import audit_log
from deskyard.text.storable import storable
from service.api.request_models import Priority, PutQueue
from service.api.response_models.desk import QueuePage, QueueResponse
from service.api.response_models.tickets import TicketPage, TicketSummary
from service.http.dependencies import CallerDep, ContextDep, PageCursor, PageLimit, QueueName
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["queues"])


@router.get("/v1/queues", responses=problem_responses(400, 422, 503))
def list_queues(yard: ContextDep, limit: PageLimit = DEFAULT_PAGE_SIZE, cursor: PageCursor = None) -> QueuePage:
    """The queues of the desk; `triage` is always among them."""
    with yard.database.reading() as conn:
        page = desk.list_queues(conn, limit, cursor)
    return QueuePage(items=[QueueResponse.from_queue(queue) for queue in page.items], next_cursor=page.next_cursor)


@router.get("/v1/queues/{name:path}/tickets", responses=problem_responses(400, 404, 422, 503))
def list_queue_tickets(
    name: QueueName,
    yard: ContextDep,
    limit: PageLimit = DEFAULT_PAGE_SIZE,
    cursor: PageCursor = None,
    sort: Annotated[
        SortOrder, Query(description="`urgent`: by priority, none counts as medium, then oldest.")
    ] = "oldest",
    status: Annotated[list[Status] | None, Query(description="Any of these; give it several times.")] = None,
    priority: Annotated[list[Priority] | None, Query(description="Any of these; give it several times.")] = None,
    category: Annotated[str | None, Query(max_length=200)] = None,
    assignee: Annotated[str | None, Query(max_length=200)] = None,
    received_since: AwareDatetime | None = None,
) -> TicketPage:
    """The tickets that are in a queue now. The name is percent-encoded and may hold `/`."""
    with yard.database.reading() as conn:
        queue = _require_queue(conn, name)
        wanted = TicketFilter(status or (), priority or (), _storable(category), _storable(assignee), received_since)
        page = filed.list_tickets(conn, queue, limit, cursor, sort=sort, ticket_filter=wanted)
    return TicketPage(items=[TicketSummary.from_ticket(ticket) for ticket in page.items], next_cursor=page.next_cursor)


@router.get("/v1/queues/{name:path}", responses=problem_responses(400, 404, 422, 503))
def get_queue(name: QueueName, yard: ContextDep) -> QueueResponse:
    """A queue as it is now. The name is percent-encoded and may hold `/`."""
    with yard.database.reading() as conn:
        return QueueResponse.from_queue(_require_queue(conn, name))


@router.put("/v1/queues/{name:path}", responses=problem_responses(400, 404, 413, 415, 422, 503))
def put_queue(name: QueueName, wanted: PutQueue, yard: ContextDep, caller: CallerDep) -> QueueResponse:
    """Make a queue, or make the one of that name be so. A closed queue keeps its tickets and takes no new ones."""
    name = storable(name)
    with yard.changing_settings() as conn:
        before = desk.find_queue(conn, name)
        made = desk.save_queue(conn, name, **wanted.model_dump())
        if made != before:
            audit_log.record_action(conn, caller.actor, "queue.put", name, datetime.now(UTC))
    return QueueResponse.from_queue(made)


def _require_queue(conn: Connection, name: str) -> Queue:
    found = desk.find_queue(conn, storable(name))
    if found is None:
        raise NotFound(f"there is no queue {name[:200]!r} on this desk; /v1/queues lists them")
    return found


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)
