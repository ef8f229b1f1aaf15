"""Notices: who wants to know when a ticket reaches a queue, and what is to be told to whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.notifications import NOTICE_TARGETS, NOTICES
from deskyard.errors import NotThere
from deskyard.sync.outbox import WAITING, Outbox

OUTBOX: Final = Outbox(NOTICES)

ROUTED, WAITS, TRIPPED = "routed", "waits", "tripped"
"""The events that are told of: a ticket reached a queue by the machine's decision, or it waits there for a person; or
it was the last of too many that went wrong, and the machine fills that queue no more (see `deskyard.breaker.circuit_breaker`)."""


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody's channel; `place` is its URL without secrets. `queues`: those it wants to hear of, whatever brought a
    ticket there; empty: all tickets that the machine routes."""

    id: int
    name: str
    place: str
    queues: tuple[str, ...]
    language: str
    created_at: datetime


def put(conn: Connection, name: str, place: str, queues: Sequence[str], language: str) -> Target:
    """Make a target, or make the one of that name be so."""
    said = {"place": place, "queues": list(queues), "language": language}
    made = insert_or_ignore(conn, NOTICE_TARGETS)
    conn.execute(made, [{"name": name, "created_at": datetime.now(UTC), **said}])
    conn.execute(update(NOTICE_TARGETS).where(NOTICE_TARGETS.c.name == name).values(**said))
    return _target(conn.execute(_BY_NAME, {"name": name}).one())


def every(conn: Connection) -> list[Target]:
    """All of them, oldest first."""
    return [_target(row) for row in conn.execute(select(NOTICE_TARGETS).order_by(NOTICE_TARGETS.c.id))]


def get(conn: Connection, number: int) -> Target:
    """One of them. Raises NotThere."""
    row = conn.execute(select(NOTICE_TARGETS).where(NOTICE_TARGETS.c.id == number)).first()
    if row is None:
        raise NotThere(f"there is no notice target {number}")
    return _target(row)


def named(conn: Connection, name: str) -> Target:
    """The one of that name. Raises NotThere."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    if row is None:
        raise NotThere(f"nobody called {name[:60]!r} is told anything: `deskyard notify list`")
    return _target(row)


def remove(conn: Connection, name: str) -> None:
    """Tell it nothing more. Raises NotThere."""
    number = named(conn, name).id
    conn.execute(delete(NOTICES).where(NOTICES.c.target_id == number))
    conn.execute(delete(NOTICE_TARGETS).where(NOTICE_TARGETS.c.id == number))


def keep(conn: Connection, ticket: int, queue: str, decision: int, event: str, at: datetime) -> list[int]:
    """Keep a notice for each target that wants to hear of it; their numbers. The same decision is told once, and once
    more if it made the breaker trip: for everybody but those who asked for other queues only."""
    wanting = [one.id for one in every(conn) if (queue in one.queues if one.queues else event != WAITS)]
    if not wanting:
        return []
    known = select(NOTICES.c.target_id).where(
        NOTICES.c.decision == decision,
        NOTICES.c.target_id.in_(wanting),
        (NOTICES.c.event == TRIPPED) & (NOTICES.c.queue == queue) if event == TRIPPED else NOTICES.c.event != TRIPPED,
    )
    told = set(conn.scalars(known))
    numbers = []
    for target in wanting:
        if target not in told:
            row = {"target_id": target, "ticket_id": ticket, "decision": decision, "event": event, "queue": queue}
            fresh = {"begun": False, "state": WAITING, "attempt": 1, "tries": 0, "due_at": at, "result": "", "why": {}}
            made = insert(NOTICES).returning(NOTICES.c.id)
            numbers.append(int(conn.execute(made, {**row, **fresh, "created_at": at}).scalar_one()))
    return numbers


_BY_NAME: Final = select(NOTICE_TARGETS).where(NOTICE_TARGETS.c.name == bindparam("name"))


def _target(row: Row[Any]) -> Target:
    return Target(row.id, row.name, row.place, tuple(row.queues), row.language, row.created_at)
