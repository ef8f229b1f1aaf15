"""`/v1/queues`: the desk's queues and the tickets in each."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy import Connection

from deskyard.db.pagination import PAGE
from deskyard.db.tables.base import storable
from deskyard.desk import queues as desk
from deskyard.desk import tickets as filed
from deskyard.desk.queues import Queue
from deskyard.desk.tickets import Sort, Wanted
from deskyard.domain.status import Status
from deskyard.errors import NotThere
from deskyard.journal import audit_log
from service.api.request_models import Priority, PutQueue
from service.api.response_models.desk import Queues, QueueSeen
from service.api.response_models.tickets import Brief, Tickets
from service.http.dependencies import CalledBy, Cursor, InYard, Limit, QueueName
from service.http.problem_details import problems

router: Final = APIRouter(tags=["queues"])


@router.get("/v1/queues", responses=problems(400, 422, 503))
def queues(yard: InYard, limit: Limit = PAGE, cursor: Cursor = None) -> Queues:
    """The queues of the desk; `triage` is always among them."""
    with yard.database.reading() as conn:
        page = desk.listed(conn, limit, cursor)
    return Queues(items=[QueueSeen.of(queue) for queue in page.items], next_cursor=page.next_cursor)


@router.get("/v1/queues/{name:path}/tickets", responses=problems(400, 404, 422, 503))
def tickets(
    name: QueueName,
    yard: InYard,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    sort: Annotated[Sort, Query(description="`urgent`: by priority, none counts as medium, then oldest.")] = "oldest",
    status: Annotated[list[Status] | None, Query(description="Any of these; give it several times.")] = None,
    priority: Annotated[list[Priority] | None, Query(description="Any of these; give it several times.")] = None,
    category: Annotated[str | None, Query(max_length=200)] = None,
    assignee: Annotated[str | None, Query(max_length=200)] = None,
    received_since: AwareDatetime | None = None,
) -> Tickets:
    """The tickets that are in a queue now. The name is percent-encoded and may hold `/`."""
    with yard.database.reading() as conn:
        queue = _there(conn, name)
        wanted = Wanted(status or (), priority or (), _asked(category), _asked(assignee), received_since)
        page = filed.listed(conn, queue, limit, cursor, sort=sort, wanted=wanted)
    return Tickets(items=[Brief.of(ticket) for ticket in page.items], next_cursor=page.next_cursor)


@router.get("/v1/queues/{name:path}", responses=problems(400, 404, 422, 503))
def look(name: QueueName, yard: InYard) -> QueueSeen:
    """A queue as it is now. The name is percent-encoded and may hold `/`."""
    with yard.database.reading() as conn:
        return QueueSeen.of(_there(conn, name))


@router.put("/v1/queues/{name:path}", responses=problems(400, 404, 413, 415, 422, 503))
def put(name: QueueName, wanted: PutQueue, yard: InYard, caller: CalledBy) -> QueueSeen:
    """Make a queue, or make the one of that name be so. A closed queue keeps its tickets and takes no new ones."""
    name = storable(name)
    with yard.changing() as conn:
        before = desk.find(conn, name)
        made = desk.put(conn, name, **wanted.model_dump())
        if made != before:
            audit_log.note(conn, caller.actor, "queue.put", name, datetime.now(UTC))
    return QueueSeen.of(made)


def _there(conn: Connection, name: str) -> Queue:
    found = desk.find(conn, storable(name))
    if found is None:
        raise NotThere(f"there is no queue {name[:200]!r} on this desk; /v1/queues lists them")
    return found


def _asked(text: str | None) -> str | None:
    return None if text is None else storable(text)
