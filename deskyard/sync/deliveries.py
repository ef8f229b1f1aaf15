"""Deliveries: changes to be written into tickets of external help desks, kept until they are done."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select

from deskyard.connectors.base.ticket_store import Delivery
from deskyard.db import pagination
from deskyard.db.pagination import Page
from deskyard.db.tables.sync import DELIVERIES
from deskyard.domain.ticket import PRIORITIES
from deskyard.sync.outbox import WAITING, Outbox

OUTBOX: Final = Outbox(DELIVERIES)

_DISPATCH_PRIORITIES: Final = {name: len(PRIORITIES) - rank for rank, name in enumerate(PRIORITIES)}
"""1 for critical; tickets without a priority count as medium."""


def dispatch_priority(priority: str | None) -> int:
    """The rank of a ticket's priority in the order of delivery: 1 goes first.

    >>> dispatch_priority("critical"), dispatch_priority(None), dispatch_priority("low")
    (1, 3, 4)
    """
    return _DISPATCH_PRIORITIES.get(priority or "medium", _DISPATCH_PRIORITIES["medium"])


def add_delivery(
    conn: Connection,
    delivery: Delivery,
    *,
    ticket: int,
    connection: int,
    decision: int,
    priority: str | None,
    at: datetime,
) -> int:
    """Add a delivery to the outbox; returns its id."""
    row = {
        "ticket_id": ticket,
        "connection_id": connection,
        "decision": decision,
        "marker": delivery.id,
        "ref": delivery.ref,
        "set_values": dict(delivery.set),
        "expect": dict(delivery.expect),
        "note": delivery.note,
        "seen_version": delivery.seen_version or "",
        "urgency": dispatch_priority(priority),
        "begun": False,
        "state": WAITING,
        "attempt": 1,
        "tries": 0,
        "due_at": at,
        "result": "",
        "why": {},
        "created_at": at,
    }
    return int(conn.execute(insert(DELIVERIES).returning(DELIVERIES.c.id), row).scalar_one())


def to_delivery(row: Row[Any]) -> Delivery:
    """The delivery of a row, as it is given to a store."""
    return Delivery(
        id=row.marker,
        ref=row.ref,
        set=row.set_values,
        expect=row.expect,
        note=row.note,
        seen_version=row.seen_version or None,
        begun=row.begun,
    )


def list_deliveries(
    conn: Connection, limit: int, cursor: str | None, states: Collection[str] = (), connection: int | None = None
) -> Page[Row[Any]]:
    """Deliveries, oldest first; only those in `states` and of `connection`, if given."""
    rows = select(DELIVERIES)
    if states:
        rows = rows.where(DELIVERIES.c.state.in_(list(states)))
    if connection is not None:
        rows = rows.where(DELIVERIES.c.connection_id == connection)
    return pagination.fetch_page(conn, rows, [DELIVERIES.c.id], limit, cursor, lambda row: row)


def count_by_state(conn: Connection) -> dict[int, dict[str, int]]:
    """Connection → state → number of deliveries."""
    rows = select(DELIVERIES.c.connection_id, DELIVERIES.c.state, func.count())
    found: dict[int, dict[str, int]] = {}
    for connection, state, n in conn.execute(rows.group_by(DELIVERIES.c.connection_id, DELIVERIES.c.state)):
        found.setdefault(connection, {})[state] = int(n)
    return found


def written_values(conn: Connection, tickets: Collection[int]) -> dict[int, list[Mapping[str, str | None]]]:
    """Ticket → the values that we wrote into it or are about to write, newest first."""
    if not tickets:
        return {}
    rows = select(DELIVERIES.c.ticket_id, DELIVERIES.c.set_values).where(
        DELIVERIES.c.ticket_id.in_(list(tickets)), DELIVERIES.c.begun
    )
    found: dict[int, list[Mapping[str, str | None]]] = {}
    for row in conn.execute(rows.order_by(DELIVERIES.c.id.desc())):
        found.setdefault(row.ticket_id, []).append(row.set_values)
    return found
