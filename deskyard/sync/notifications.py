"""Notices: who wants to know when a ticket reaches a queue, and what is to be told to whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.notifications import NOTIFICATION_TARGETS, NOTIFICATIONS
from deskyard.errors import NotFound
from deskyard.sync.outbox import WAITING, Outbox

OUTBOX: Final = Outbox(NOTIFICATIONS)

EVENT_ROUTED, EVENT_WAITING, EVENT_TRIPPED = "routed", "waits", "tripped"
"""The events that are told of: a ticket reached a queue by the machine's decision, or it waits there for a person; or
it was the last of too many that went wrong, and the machine fills that queue no more (see
`deskyard.breaker.circuit_breaker`)."""


@dataclass(frozen=True, slots=True)
class NotificationTarget:
    """Somebody's channel; `place` is its URL without secrets. `queues`: those it wants to hear of, whatever brought a
    ticket there; empty: all tickets that the machine routes."""

    id: int
    name: str
    display_url: str
    queues: tuple[str, ...]
    language: str
    created_at: datetime


def save_target(
    conn: Connection, name: str, display_url: str, queues: Sequence[str], language: str
) -> NotificationTarget:
    """Make a target, or make the one of that name be so."""
    said = {"place": display_url, "queues": list(queues), "language": language}
    made = insert_or_ignore(conn, NOTIFICATION_TARGETS)
    conn.execute(made, [{"name": name, "created_at": datetime.now(UTC), **said}])
    conn.execute(update(NOTIFICATION_TARGETS).where(NOTIFICATION_TARGETS.c.name == name).values(**said))
    return _to_target(conn.execute(_BY_NAME, {"name": name}).one())


def list_targets(conn: Connection) -> list[NotificationTarget]:
    """All of them, oldest first."""
    return [_to_target(row) for row in conn.execute(select(NOTIFICATION_TARGETS).order_by(NOTIFICATION_TARGETS.c.id))]


def get_target(conn: Connection, number: int) -> NotificationTarget:
    """One of them. Raises NotThere."""
    row = conn.execute(select(NOTIFICATION_TARGETS).where(NOTIFICATION_TARGETS.c.id == number)).first()
    if row is None:
        raise NotFound(f"there is no notice target {number}")
    return _to_target(row)


def find_by_name(conn: Connection, name: str) -> NotificationTarget:
    """The one of that name. Raises NotThere."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    if row is None:
        raise NotFound(f"nobody called {name[:60]!r} is told anything: `deskyard notify list`")
    return _to_target(row)


def remove_target(conn: Connection, name: str) -> None:
    """Tell it nothing more. Raises NotThere."""
    number = find_by_name(conn, name).id
    conn.execute(delete(NOTIFICATIONS).where(NOTIFICATIONS.c.target_id == number))
    conn.execute(delete(NOTIFICATION_TARGETS).where(NOTIFICATION_TARGETS.c.id == number))


def add_notifications(conn: Connection, ticket: int, queue: str, decision: int, event: str, at: datetime) -> list[int]:
    """Keep a notice for each target that wants to hear of it; their numbers. The same decision is told once, and once
    more if it made the breaker trip: for everybody but those who asked for other queues only."""
    wanting = [one.id for one in list_targets(conn) if (queue in one.queues if one.queues else event != EVENT_WAITING)]
    if not wanting:
        return []
    known = select(NOTIFICATIONS.c.target_id).where(
        NOTIFICATIONS.c.decision == decision,
        NOTIFICATIONS.c.target_id.in_(wanting),
        (NOTIFICATIONS.c.event == EVENT_TRIPPED) & (NOTIFICATIONS.c.queue == queue)
        if event == EVENT_TRIPPED
        else NOTIFICATIONS.c.event != EVENT_TRIPPED,
    )
    told = set(conn.scalars(known))
    numbers = []
    for target in wanting:
        if target not in told:
            row = {"target_id": target, "ticket_id": ticket, "decision": decision, "event": event, "queue": queue}
            fresh = {"begun": False, "state": WAITING, "attempt": 1, "tries": 0, "due_at": at, "result": "", "why": {}}
            made = insert(NOTIFICATIONS).returning(NOTIFICATIONS.c.id)
            numbers.append(int(conn.execute(made, {**row, **fresh, "created_at": at}).scalar_one()))
    return numbers


_BY_NAME: Final = select(NOTIFICATION_TARGETS).where(NOTIFICATION_TARGETS.c.name == bindparam("name"))


def _to_target(row: Row[Any]) -> NotificationTarget:
    return NotificationTarget(row.id, row.name, row.place, tuple(row.queues), row.language, row.created_at)
