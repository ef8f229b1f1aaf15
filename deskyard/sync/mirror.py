"""The mirror: the desk's own picture of foreign tickets, each as it was read last.

In come tickets as a store shows them; out go the steps that led from the picture we had to what stands there now, told
apart into ours and people's. A picture is never replaced by an older one. What we wish stands in deliveries, not here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args

from sqlalchemy import Connection, Row, insert, select, update

from deskyard.connectors.base.ticket_store import FieldValues, StoredTicket
from deskyard.db.tables.sync import MIRROR
from deskyard.desk import changes, queues, ticket_history, tickets
from deskyard.desk.changes import CHANGEABLE_FIELDS
from deskyard.desk.ticket_history import HistoryStep
from deskyard.desk.tickets import DeskTicket
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.status import Status
from deskyard.sync.connections import StoreConnection
from deskyard.text.storable import storable

STATUSES: Final = get_args(Status)


@dataclass(frozen=True, slots=True)
class MirroredTicket:
    """A foreign ticket that is mirrored: the desk's number, and when and at which version it was read."""

    number: int
    ref: str
    version: str
    read_at: datetime


def find_mirrored(
    conn: Connection, connection: int, refs: Collection[str], *, to_change: bool = False
) -> dict[str, MirroredTicket]:
    """Those of these tickets that are mirrored; `to_change` locks them, in the order of their names."""
    if not refs:
        return {}
    rows = (
        select(MIRROR).where(MIRROR.c.connection_id == connection, MIRROR.c.ref.in_(list(refs))).order_by(MIRROR.c.ref)
    )
    found = conn.execute(rows.with_for_update() if to_change else rows)
    return {row.ref: _to_mirrored(row) for row in found}


def find_by_ticket(conn: Connection, number: int) -> tuple[int, MirroredTicket] | None:
    """The connection that a ticket of the desk mirrors, and how it is known there; None for the desk's own tickets."""
    row = conn.execute(select(MIRROR).where(MIRROR.c.ticket_id == number)).first()
    return None if row is None else (row.connection_id, _to_mirrored(row))


def add_mirror(
    conn: Connection, connection: StoreConnection, seen: StoredTicket, number: int, read_at: datetime
) -> None:
    """Write down that a ticket that was just filed mirrors that one."""
    row = {"ticket_id": number, "connection_id": connection.id, "ref": seen.ref, "version": seen.version}
    conn.execute(insert(MIRROR), [{**row, "read_at": read_at}])


def file_ticket(
    conn: Connection, connection: StoreConnection, seen: StoredTicket, at: datetime, salt: str | None = None
) -> int | None:
    """File a foreign ticket where it stands; None if it is there already. Its queue is made when the desk lacks it."""
    there = mirror_queue(seen)
    queues.ensure_queues(conn, [there])
    values = {name: value for name in tickets.LABEL_FIELDS if (value := seen.value(name)) is not None}
    number = tickets.file_ticket(conn, seen.ticket, there, values, at=at, salt=salt)
    if number is not None and mirror_status(seen) != "new":
        changes.set_values(conn, tickets.get_ticket(conn, number), {"status": mirror_status(seen)}, at)
    return number


def update_from_store(
    conn: Connection,
    connection: StoreConnection,
    seen: StoredTicket,
    mirrored: MirroredTicket,
    read_at: datetime,
    written: Iterable[FieldValues],
    our_actor: Actor,
    at: datetime,
    decision: int | None = None,
) -> list[HistoryStep]:
    """Take over what stands there now; the steps taken, by `ours` where we wished it so, else by people there.

    Nothing happens for a picture that is older than the one we have. Of an erased ticket no version is kept, which may
    follow from its texts; so it is looked at each time it is read.
    """
    if read_at < mirrored.read_at:
        return []
    now = tickets.get_ticket(conn, mirrored.number, for_update=True)
    values = desk_values(seen)
    steps = list(_diff_steps(now, values, list(written), our_actor, Actor("person", connection.name), at, decision))
    if steps:
        queues.ensure_queues(conn, [step.became for step in steps if step.field == "queue" and step.became])
        changes.set_values(conn, now, {step.field: step.became for step in steps}, at)
        ticket_history.add_steps(conn, mirrored.number, steps)
    mine = update(MIRROR).where(MIRROR.c.ticket_id == mirrored.number)
    conn.execute(mine.values(version="" if now.erased_at else seen.version, read_at=read_at))
    return steps


def desk_values(seen: StoredTicket) -> dict[str, str | None]:
    """The desk's values for what stands there."""
    return {
        "queue": mirror_queue(seen),
        "status": mirror_status(seen),
        **{name: _storable_name(seen.value(name)) for name in tickets.LABEL_FIELDS},
    }


def mirror_queue(seen: StoredTicket) -> str:
    """The queue that mirrors where a ticket stands; triage for one that stands nowhere."""
    return _storable_name(seen.queue) or TRIAGE


def mirror_status(seen: StoredTicket) -> str:
    """The desk's status for that of the store."""
    return seen.status if seen.status in STATUSES else "open"


def _diff_steps(
    now: DeskTicket,
    values: Mapping[str, str | None],
    written: Sequence[FieldValues],
    our_actor: Actor,
    people: Actor,
    at: datetime,
    decision: int | None,
) -> Iterable[HistoryStep]:
    for field in CHANGEABLE_FIELDS:
        was, became = now.value(field), values[field]
        if was == became:
            continue
        by_us = any(field in wish and wish[field] == became for wish in written)
        yield HistoryStep(at, our_actor if by_us else people, field, was, became, "", decision if by_us else None)


def _storable_name(value: str | None) -> str | None:
    return storable(value)[: queues.MAX_NAME_LENGTH] if value else None


def _to_mirrored(row: Row[Any]) -> MirroredTicket:
    return MirroredTicket(row.ticket_id, row.ref, row.version, row.read_at)
