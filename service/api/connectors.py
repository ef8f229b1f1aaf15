"""`/v1/stores` and `/v1/deliveries`: the foreign help desks, and what is written there or waits for a person."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query

from deskyard.db.pagination import PAGE
from deskyard.desk import tickets
from deskyard.errors import NotThere
from deskyard.journal import audit_log
from deskyard.sync import connections, deliveries
from service.api.response_models.connections import Deliveries, DeliverySeen, Stores, StoreSeen
from service.http.dependencies import CalledBy, Cursor, InEngine, InYard, Limit
from service.http.problem_details import problems

router: Final = APIRouter(tags=["stores"])

State = Literal["waiting", "working", "done", "parked"]
Id = Annotated[str, Path(description="The number of the delivery.")]


@router.get("/v1/stores", responses=problems(400, 503))
def stores(yard: InYard, engine: InEngine) -> Stores:
    """The help desks and mailboxes that are connected, and how each of them does."""
    with yard.database.reading() as conn:
        there, counted = connections.every(conn), deliveries.counted(conn)
    return Stores(items=[StoreSeen.of(one, counted.get(one.id, {})) for one in there], works=engine.works)


@router.get("/v1/deliveries", responses=problems(400, 404, 422, 503))
def listed(
    yard: InYard,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    state: Annotated[list[State] | None, Query(description="Any of these; give it several times.")] = None,
    store: Annotated[str | None, Query(max_length=40, description="The name of a connection.")] = None,
) -> Deliveries:
    """What is to be written into foreign tickets; `state=parked` are those that wait for a person."""
    with yard.database.reading() as conn:
        wanted = None if store is None else connections.named(conn, store).id
        names = {one.id: one.name for one in connections.every(conn)}
        page = deliveries.page(conn, limit, cursor, state or (), wanted)
    items = [DeliverySeen.of(row, names.get(row.connection_id, "")) for row in page.items]
    return Deliveries(items=items, next_cursor=page.next_cursor)


@router.post("/v1/deliveries/{id}/retry", responses=problems(400, 404, 409, 422, 503))
def retry(id: Id, yard: InYard, engine: InEngine, caller: CalledBy) -> DeliverySeen:  # noqa: A002
    """Try a parked delivery again, now that its reason is mended."""
    number, at = tickets.number_of(id, "delivery"), datetime.now(UTC)
    with yard.database.writing() as conn:
        row = deliveries.OUTBOX.get(conn, number)
        if row is None:
            raise NotThere(f"there is no delivery {number}")
        attempt = deliveries.OUTBOX.again(conn, number, at)
        if attempt is None:
            raise HTTPException(409, f"delivery {number} is {row.state}: only a parked one can be tried again")
        engine.deliver_later(conn, row, attempt)
        audit_log.note(conn, caller.actor, "delivery.retry", str(number), at)
        now = deliveries.OUTBOX.get(conn, number)
        return DeliverySeen.of(now or row, connections.get(conn, row.connection_id).name)
