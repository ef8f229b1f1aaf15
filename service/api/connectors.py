"""`/v1/connections` and `/v1/deliveries`: connected help desks and mailboxes, and the deliveries to them."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query

from deskyard.db.pagination import DEFAULT_PAGE_SIZE
from deskyard.desk import tickets
from deskyard.errors import NotFound
from deskyard.journal import audit_log
from deskyard.sync import connections, deliveries, left_out_mails
from service.api.response_models.connections import ConnectionList, ConnectionResponse, DeliveryPage, DeliveryResponse
from service.http.dependencies import CallerDep, ContextDep, EngineDep, PageCursor, PageLimit
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["connections"])

State = Literal["waiting", "working", "done", "parked"]
DeliveryId = Annotated[str, Path(description="The number of the delivery.")]


@router.get("/v1/connections", responses=problem_responses(400, 503))
def list_connections(context: ContextDep, engine: EngineDep) -> ConnectionList:
    """The connected help desks and mailboxes, and the state of each of them."""
    with context.database.reading() as conn:
        connected, counts = connections.list_connections(conn), deliveries.count_by_state(conn)
        left_out = left_out_mails.count_by_kind(conn)
    return ConnectionList(
        items=[
            ConnectionResponse.from_connection(one, counts.get(one.id, {}), left_out.get(one.id, {}))
            for one in connected
        ],
        worker_running=engine.is_running,
    )


@router.get("/v1/deliveries", responses=problem_responses(400, 404, 422, 503))
def list_deliveries(
    context: ContextDep,
    limit: PageLimit = DEFAULT_PAGE_SIZE,
    cursor: PageCursor = None,
    state: Annotated[list[State] | None, Query(description="Any of these states; repeat it for several.")] = None,
    connection: Annotated[str | None, Query(max_length=40, description="The name of a connection.")] = None,
) -> DeliveryPage:
    """What is written into tickets of connected help desks; `state=parked`: deliveries that wait for a person."""
    with context.database.reading() as conn:
        connection_id = None if connection is None else connections.find_by_name(conn, connection).id
        names = {one.id: one.name for one in connections.list_connections(conn)}
        page = deliveries.list_deliveries(conn, limit, cursor, state or (), connection_id)
    items = [DeliveryResponse.from_row(row, names.get(row.connection_id, "")) for row in page.items]
    return DeliveryPage(items=items, next_cursor=page.next_cursor)


@router.post("/v1/deliveries/{id}/retry", responses=problem_responses(400, 404, 409, 422, 503))
def retry_delivery(id: DeliveryId, context: ContextDep, engine: EngineDep, caller: CallerDep) -> DeliveryResponse:  # noqa: A002
    """Try a parked delivery again, after its cause was fixed."""
    number, at = tickets.parse_ticket_number(id, "delivery"), datetime.now(UTC)
    with context.database.writing() as conn:
        row = deliveries.OUTBOX.get(conn, number)
        if row is None:
            raise NotFound(f"there is no delivery {number}")
        attempt = deliveries.OUTBOX.retry_parked(conn, number, at)
        if attempt is None:
            raise HTTPException(409, f"delivery {number} is {row.state}: only a parked delivery can be retried")
        engine.retry_delivery(conn, row, attempt)
        audit_log.record_action(conn, caller.actor, "delivery.retry", str(number), at)
        now = deliveries.OUTBOX.get(conn, number)
        return DeliveryResponse.from_row(now or row, connections.get_connection(conn, row.connection_id).name)
