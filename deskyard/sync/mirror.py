"""The mirror: the desk's copies of tickets of external help desks, each as it was last read.

`update_from_store` brings a copy up to date and returns the changes, attributed to deskyard or to people. A copy is
never replaced by an older one. Changes that deskyard wants to make are deliveries and do not stand here.
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
    """A mirrored ticket: its number at the desk, its ref at the store, and which version was read when."""

    number: int
    ref: str
    version: str
    read_at: datetime


def find_mirrored(
    conn: Connection, connection: int, refs: Collection[str], *, to_change: bool = False
) -> dict[str, MirroredTicket]:
    """Ref → mirrored ticket, for those of `refs` that are mirrored; `to_change` locks their rows, ordered by ref."""
    if not refs:
        return {}
    rows = (
        select(MIRROR).where(MIRROR.c.connection_id == connection, MIRROR.c.ref.in_(list(refs))).order_by(MIRROR.c.ref)
    )
    found = conn.execute(rows.with_for_update() if to_change else rows)
    return {row.ref: _to_mirrored(row) for row in found}


def find_by_ticket(conn: Connection, number: int) -> tuple[int, MirroredTicket] | None:
    """The id of the connection that a ticket comes from, and its mirror; None for tickets filed at the desk itself."""
    row = conn.execute(select(MIRROR).where(MIRROR.c.ticket_id == number)).first()
    return None if row is None else (row.connection_id, _to_mirrored(row))


def add_mirror(
    conn: Connection, connection: StoreConnection, seen: StoredTicket, number: int, read_at: datetime
) -> None:
    """Record that a ticket that was just filed mirrors the one of the store."""
    row = {"ticket_id": number, "connection_id": connection.id, "ref": seen.ref, "version": seen.version}
    conn.execute(insert(MIRROR), [{**row, "read_at": read_at}])


def file_ticket(
    conn: Connection, connection: StoreConnection, seen: StoredTicket, at: datetime, salt: str | None = None
) -> int | None:
    """File a store's ticket in its queue, which is created if needed; its number, None if it was filed before."""
    queue = mirror_queue(seen)
    queues.ensure_queues(conn, [queue])
    values = {name: value for name in tickets.LABEL_FIELDS if (value := seen.value(name)) is not None}
    number = tickets.file_ticket(conn, seen.ticket, queue, values, at=at, salt=salt)
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
    """Take over the store's current values; returns the changes, by `our_actor` if the value is one of `written`, else
    by the people there.

    A ticket that was read earlier than the copy changes nothing. No version is kept of an erased ticket, since it may
    be derived from its texts; so an erased ticket is compared each time it is read.
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
    row = update(MIRROR).where(MIRROR.c.ticket_id == mirrored.number)
    conn.execute(row.values(version="" if now.erased_at else seen.version, read_at=read_at))
    return steps


def desk_values(seen: StoredTicket) -> dict[str, str | None]:
    """The values of a store's ticket in the desk's terms."""
    return {
        "queue": mirror_queue(seen),
        "status": mirror_status(seen),
        **{name: _storable_name(seen.value(name)) for name in tickets.LABEL_FIELDS},
    }


def mirror_queue(seen: StoredTicket) -> str:
    """The desk's queue for a store's ticket; triage if it is in no queue."""
    return _storable_name(seen.queue) or TRIAGE


def mirror_status(seen: StoredTicket) -> str:
    """The desk's status for a store's ticket; `open` for an unknown one."""
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
        by_us = any(field in ours and ours[field] == became for ours in written)
        yield HistoryStep(at, our_actor if by_us else people, field, was, became, "", decision if by_us else None)


def _storable_name(value: str | None) -> str | None:
    return storable(value)[: queues.MAX_NAME_LENGTH] if value else None


def _to_mirrored(row: Row[Any]) -> MirroredTicket:
    return MirroredTicket(row.ticket_id, row.ref, row.version, row.read_at)
