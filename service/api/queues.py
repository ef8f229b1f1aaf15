"""`/v1/queues`: the queues of the desk and the tickets in each of them."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy import Connection

from deskyard.db.pagination import DEFAULT_PAGE_SIZE
from deskyard.desk import queues as desk_queues
from deskyard.desk import tickets as desk_tickets
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
def list_queues(context: ContextDep, limit: PageLimit = DEFAULT_PAGE_SIZE, cursor: PageCursor = None) -> QueuePage:
    """A page of the queues of the desk; `triage` is always one of them."""
    with context.database.reading() as conn:
        page = desk_queues.list_queues(conn, limit, cursor)
    return QueuePage(items=[QueueResponse.from_queue(queue) for queue in page.items], next_cursor=page.next_cursor)


@router.get("/v1/queues/{name:path}/tickets", responses=problem_responses(400, 404, 422, 503))
def list_queue_tickets(
    name: QueueName,
    context: ContextDep,
    limit: PageLimit = DEFAULT_PAGE_SIZE,
    cursor: PageCursor = None,
    sort: Annotated[
        SortOrder, Query(description="`urgent`: by priority (none counts as medium), then oldest first.")
    ] = "oldest",
    status: Annotated[list[Status] | None, Query(description="Any of these values; repeat it for several.")] = None,
    priority: Annotated[list[Priority] | None, Query(description="Any of these values; repeat it for several.")] = None,
    category: Annotated[str | None, Query(max_length=200, description="Only this category.")] = None,
    assignee: Annotated[str | None, Query(max_length=200, description="Only tickets of this agent.")] = None,
    received_since: Annotated[AwareDatetime | None, Query(description="Only tickets received since then.")] = None,
) -> TicketPage:
    """The tickets that are in a queue now. The name is percent-encoded and may contain `/`."""
    with context.database.reading() as conn:
        queue = _require_queue(conn, name)
        ticket_filter = TicketFilter(
            status or (), priority or (), _storable(category), _storable(assignee), received_since
        )
        page = desk_tickets.list_tickets(conn, queue, limit, cursor, sort=sort, ticket_filter=ticket_filter)
    return TicketPage(items=[TicketSummary.from_ticket(ticket) for ticket in page.items], next_cursor=page.next_cursor)


@router.get("/v1/queues/{name:path}", responses=problem_responses(400, 404, 422, 503))
def get_queue(name: QueueName, context: ContextDep) -> QueueResponse:
    """One queue. The name is percent-encoded and may contain `/`."""
    with context.database.reading() as conn:
        return QueueResponse.from_queue(_require_queue(conn, name))


@router.put("/v1/queues/{name:path}", responses=problem_responses(400, 404, 413, 415, 422, 503))
def put_queue(name: QueueName, body: PutQueue, context: ContextDep, caller: CallerDep) -> QueueResponse:
    """Create or replace the queue of that name. A closed queue keeps its tickets and receives no new ones."""
    name = storable(name)
    with context.changing_settings() as conn:
        before = desk_queues.find_queue(conn, name)
        saved = desk_queues.save_queue(conn, name, **body.model_dump())
        if saved != before:
            audit_log.record_action(conn, caller.actor, "queue.put", name, datetime.now(UTC))
    return QueueResponse.from_queue(saved)


def _require_queue(conn: Connection, name: str) -> Queue:
    queue = desk_queues.find_queue(conn, storable(name))
    if queue is None:
        raise NotFound(f"there is no queue {name[:200]!r} on this desk; /v1/queues lists them")
    return queue


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)
