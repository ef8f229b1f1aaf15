"""`/v1/queues`: the desk's queues and the tickets in each."""

from typing import Final

from fastapi import APIRouter, HTTPException

from deskyard.stores.desk import PAGE, Desk
from deskyard.tables import storable
from service.api.doors import Cursor, InYard, Limit
from service.api.shapes import Brief, Queues, QueueSeen, Tickets
from service.problems import problems

router: Final = APIRouter(tags=["queues"])


@router.get("/v1/queues", responses=problems(400, 422, 503))
def queues(yard: InYard, limit: Limit = PAGE, cursor: Cursor = None) -> Queues:
    """The queues of the desk; `triage` is always among them."""
    with yard.database.reading() as session:
        page = Desk.queues(session, limit, cursor)
    return Queues(items=[QueueSeen.of(queue) for queue in page.items], next_cursor=page.next_cursor)


@router.get("/v1/queues/{name:path}/tickets", responses=problems(400, 404, 422, 503))
def tickets(name: str, yard: InYard, limit: Limit = PAGE, cursor: Cursor = None) -> Tickets:
    """The tickets that are in a queue now, oldest first. The name is percent-encoded and may hold `/`."""
    with yard.database.reading() as session:
        queue = Desk.queue(session, storable(name))
        if queue is None:
            raise HTTPException(404, f"there is no queue {name[:200]!r} on this desk; /v1/queues lists them")
        page = Desk.tickets(session, queue, limit, cursor)
    return Tickets(items=[Brief.of(filed) for filed in page.items], next_cursor=page.next_cursor)
