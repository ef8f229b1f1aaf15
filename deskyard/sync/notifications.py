"""Notifications: who is notified when a ticket reaches a queue, and the notifications that are still to be sent."""

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
"""The events: a ticket was routed into a queue automatically; it waits in a queue for a person; it was the last of too
many misrouted tickets, so automatic routing into that queue was stopped (see `deskyard.breaker.circuit_breaker`)."""


@dataclass(frozen=True, slots=True)
class NotificationTarget:
    """A channel of notifications; `display_url` is its URL without secrets. `queues`: notify of every ticket that
    reaches one of them; empty: notify of all tickets that are routed automatically."""

    id: int
    name: str
    display_url: str
    queues: tuple[str, ...]
    language: str
    created_at: datetime


def save_target(
    conn: Connection, name: str, display_url: str, queues: Sequence[str], language: str
) -> NotificationTarget:
    """Create a target, or update the one of that name."""
    given = {"place": display_url, "queues": list(queues), "language": language}
    statement = insert_or_ignore(conn, NOTIFICATION_TARGETS)
    conn.execute(statement, [{"name": name, "created_at": datetime.now(UTC), **given}])
    conn.execute(update(NOTIFICATION_TARGETS).where(NOTIFICATION_TARGETS.c.name == name).values(**given))
    return _to_target(conn.execute(_BY_NAME, {"name": name}).one())


def list_targets(conn: Connection) -> list[NotificationTarget]:
    """All targets, oldest first."""
    return [_to_target(row) for row in conn.execute(select(NOTIFICATION_TARGETS).order_by(NOTIFICATION_TARGETS.c.id))]


def get_target(conn: Connection, number: int) -> NotificationTarget:
    """The target with that id. Raises NotFound."""
    row = conn.execute(select(NOTIFICATION_TARGETS).where(NOTIFICATION_TARGETS.c.id == number)).first()
    if row is None:
        raise NotFound(f"there is no notification target {number}")
    return _to_target(row)


def find_by_name(conn: Connection, name: str) -> NotificationTarget:
    """The target of that name. Raises NotFound."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    if row is None:
        raise NotFound(f"there is no notification target {name[:60]!r}; see `deskyard notify list`")
    return _to_target(row)


def remove_target(conn: Connection, name: str) -> None:
    """Delete a target and its notifications. Raises NotFound."""
    number = find_by_name(conn, name).id
    conn.execute(delete(NOTIFICATIONS).where(NOTIFICATIONS.c.target_id == number))
    conn.execute(delete(NOTIFICATION_TARGETS).where(NOTIFICATION_TARGETS.c.id == number))


def add_notifications(conn: Connection, ticket: int, queue: str, decision: int, event: str, at: datetime) -> list[int]:
    """Add a notification for each target that subscribes to the queue or event; their ids.

    A target is notified of a decision once, and once more if it made the breaker trip.
    """
    subscribed = [
        target.id
        for target in list_targets(conn)
        if (queue in target.queues if target.queues else event != EVENT_WAITING)
    ]
    if not subscribed:
        return []
    known = select(NOTIFICATIONS.c.target_id).where(
        NOTIFICATIONS.c.decision == decision,
        NOTIFICATIONS.c.target_id.in_(subscribed),
        (NOTIFICATIONS.c.event == EVENT_TRIPPED) & (NOTIFICATIONS.c.queue == queue)
        if event == EVENT_TRIPPED
        else NOTIFICATIONS.c.event != EVENT_TRIPPED,
    )
    notified = set(conn.scalars(known))
    numbers = []
    for target in subscribed:
        if target not in notified:
            row = {"target_id": target, "ticket_id": ticket, "decision": decision, "event": event, "queue": queue}
            fresh = {"begun": False, "state": WAITING, "attempt": 1, "tries": 0, "due_at": at, "result": "", "why": {}}
            statement = insert(NOTIFICATIONS).returning(NOTIFICATIONS.c.id)
            numbers.append(int(conn.execute(statement, {**row, **fresh, "created_at": at}).scalar_one()))
    return numbers


_BY_NAME: Final = select(NOTIFICATION_TARGETS).where(NOTIFICATION_TARGETS.c.name == bindparam("name"))


def _to_target(row: Row[Any]) -> NotificationTarget:
    return NotificationTarget(row.id, row.name, row.place, tuple(row.queues), row.language, row.created_at)
