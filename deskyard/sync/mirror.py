"""The mirror: the desk's own picture of foreign tickets, each as it was read last.

In come tickets as a store shows them; out go the steps that led from the picture we had to what stands there now, told
apart into ours and people's. A picture is never replaced by an older one. What we wish stands in deliveries, not here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args

from sqlalchemy import Connection, Row, insert, select, update

from deskyard.connectors.base.ticket_store import StoredTicket, Values
from deskyard.db.tables.base import storable
from deskyard.db.tables.sync import MIRROR
from deskyard.desk import changes, queues, ticket_history, tickets
from deskyard.desk.changes import FIELDS
from deskyard.desk.ticket_history import Actor, Step
from deskyard.desk.tickets import Filed
from deskyard.domain.status import Status
from deskyard.policy.policy import TRIAGE
from deskyard.sync.connections import StoreConnection

STATUSES: Final = get_args(Status)


@dataclass(frozen=True, slots=True)
class Known:
    """A foreign ticket that is mirrored: the desk's number, and when and at which version it was read."""

    number: int
    ref: str
    version: str
    read_at: datetime


def known(conn: Connection, connection: int, refs: Collection[str], *, to_change: bool = False) -> dict[str, Known]:
    """Those of these tickets that are mirrored; `to_change` locks them, in the order of their names."""
    if not refs:
        return {}
    rows = (
        select(MIRROR).where(MIRROR.c.connection_id == connection, MIRROR.c.ref.in_(list(refs))).order_by(MIRROR.c.ref)
    )
    found = conn.execute(rows.with_for_update() if to_change else rows)
    return {row.ref: _known(row) for row in found}


def of_ticket(conn: Connection, number: int) -> tuple[int, Known] | None:
    """The connection that a ticket of the desk mirrors, and how it is known there; None for the desk's own tickets."""
    row = conn.execute(select(MIRROR).where(MIRROR.c.ticket_id == number)).first()
    return None if row is None else (row.connection_id, _known(row))


def make(conn: Connection, connection: StoreConnection, seen: StoredTicket, number: int, read_at: datetime) -> None:
    """Write down that a ticket that was just filed mirrors that one."""
    row = {"ticket_id": number, "connection_id": connection.id, "ref": seen.ref, "version": seen.version}
    conn.execute(insert(MIRROR), [{**row, "read_at": read_at}])


def file(
    conn: Connection, connection: StoreConnection, seen: StoredTicket, at: datetime, salt: str | None = None
) -> int | None:
    """File a foreign ticket where it stands; None if it is there already. Its queue is made when the desk lacks it."""
    there = place(seen)
    queues.ensure(conn, [there])
    values = {name: value for name in tickets.LABELS if (value := seen.value(name)) is not None}
    number = tickets.file(conn, seen.ticket, there, values, at=at, salt=salt)
    if number is not None and status(seen) != "new":
        changes.set_values(conn, tickets.get(conn, number), {"status": status(seen)}, at)
    return number


def observe(
    conn: Connection,
    connection: StoreConnection,
    seen: StoredTicket,
    known: Known,
    read_at: datetime,
    wished: Iterable[Values],
    ours: Actor,
    at: datetime,
    decision: int | None = None,
) -> list[Step]:
    """Take over what stands there now; the steps taken, by `ours` where we wished it so, else by people there.

    Nothing happens for a picture that is older than the one we have. Of an erased ticket no version is kept, which may
    follow from its texts; so it is looked at each time it is read.
    """
    if read_at < known.read_at:
        return []
    now = tickets.get(conn, known.number, to_change=True)
    values = standing(seen)
    steps = list(_steps(now, values, list(wished), ours, Actor("person", connection.name), at, decision))
    if steps:
        queues.ensure(conn, [step.became for step in steps if step.field == "queue" and step.became])
        changes.set_values(conn, now, {step.field: step.became for step in steps}, at)
        ticket_history.take(conn, known.number, steps)
    mine = update(MIRROR).where(MIRROR.c.ticket_id == known.number)
    conn.execute(mine.values(version="" if now.erased_at else seen.version, read_at=read_at))
    return steps


def standing(seen: StoredTicket) -> dict[str, str | None]:
    """The desk's values for what stands there."""
    return {"queue": place(seen), "status": status(seen), **{name: _text(seen.value(name)) for name in tickets.LABELS}}


def place(seen: StoredTicket) -> str:
    """The queue that mirrors where a ticket stands; triage for one that stands nowhere."""
    return _text(seen.queue) or TRIAGE


def status(seen: StoredTicket) -> str:
    """The desk's status for that of the store."""
    return seen.status if seen.status in STATUSES else "open"


def _steps(
    now: Filed,
    values: Mapping[str, str | None],
    wished: Sequence[Values],
    ours: Actor,
    people: Actor,
    at: datetime,
    decision: int | None,
) -> Iterable[Step]:
    for field in FIELDS:
        was, became = now.value(field), values[field]
        if was == became:
            continue
        by_us = any(field in wish and wish[field] == became for wish in wished)
        yield Step(at, ours if by_us else people, field, was, became, "", decision if by_us else None)


def _text(value: str | None) -> str | None:
    return storable(value)[: queues.LONGEST] if value else None


def _known(row: Row[Any]) -> Known:
    return Known(row.ticket_id, row.ref, row.version, row.read_at)
