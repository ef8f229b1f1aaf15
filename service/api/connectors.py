"""`/v1/stores` and `/v1/deliveries`: the foreign help desks, and what is written there or waits for a person."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query

from deskyard.db.pagination import DEFAULT_PAGE_SIZE
from deskyard.desk import tickets
from deskyard.errors import NotFound
from deskyard.journal import audit_log
from deskyard.sync import connections, deliveries
from service.api.response_models.connections import ConnectionList, ConnectionResponse, DeliveryPage, DeliveryResponse
from service.http.dependencies import CallerDep, ContextDep, EngineDep, PageCursor, PageLimit
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["stores"])

State = Literal["waiting", "working", "done", "parked"]
DeliveryId = Annotated[str, Path(description="The number of the delivery.")]


@router.get("/v1/stores", responses=problem_responses(400, 503))
def list_connections(yard: ContextDep, engine: EngineDep) -> ConnectionList:
    """The help desks and mailboxes that are connected, and how each of them does."""
    with yard.database.reading() as conn:
        there, counted = connections.list_connections(conn), deliveries.count_by_state(conn)
    return ConnectionList(
        items=[ConnectionResponse.from_connection(one, counted.get(one.id, {})) for one in there],
        works=engine.is_running,
    )


@router.get("/v1/deliveries", responses=problem_responses(400, 404, 422, 503))
def list_deliveries(
    yard: ContextDep,
    limit: PageLimit = DEFAULT_PAGE_SIZE,
    cursor: PageCursor = None,
    state: Annotated[list[State] | None, Query(description="Any of these; give it several times.")] = None,
    store: Annotated[str | None, Query(max_length=40, description="The name of a connection.")] = None,
) -> DeliveryPage:
    """What is to be written into foreign tickets; `state=parked` are those that wait for a person."""
    with yard.database.reading() as conn:
        wanted = None if store is None else connections.find_by_name(conn, store).id
        names = {one.id: one.name for one in connections.list_connections(conn)}
        page = deliveries.page_of_deliveries(conn, limit, cursor, state or (), wanted)
    items = [DeliveryResponse.from_row(row, names.get(row.connection_id, "")) for row in page.items]
    return DeliveryPage(items=items, next_cursor=page.next_cursor)


@router.post("/v1/deliveries/{id}/retry", responses=problem_responses(400, 404, 409, 422, 503))
def retry_delivery(id: DeliveryId, yard: ContextDep, engine: EngineDep, caller: CallerDep) -> DeliveryResponse:  # noqa: A002
    """Try a parked delivery again, now that its reason is mended."""
    number, at = tickets.parse_ticket_number(id, "delivery"), datetime.now(UTC)
    with yard.database.writing() as conn:
        row = deliveries.OUTBOX.get(conn, number)
        if row is None:
            raise NotFound(f"there is no delivery {number}")
        attempt = deliveries.OUTBOX.retry_parked(conn, number, at)
        if attempt is None:
            raise HTTPException(409, f"delivery {number} is {row.state}: only a parked one can be tried again")
        engine.retry_delivery(conn, row, attempt)
        audit_log.record_action(conn, caller.actor, "delivery.retry", str(number), at)
        now = deliveries.OUTBOX.get(conn, number)
        return DeliveryResponse.from_row(now or row, connections.get_connection(conn, row.connection_id).name)
