"""The audit log: who did what that no ticket's journey tells, such as keys, policies, models, queues and agents.

In come sessions, whose owner commits, so a deed and its note stand or fall together; out go deeds, newest first. It
never holds a secret or a ticket's text, and nothing in it is ever changed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select

from deskyard.db.pagination import PAGE, Page, page
from deskyard.db.tables.journal import AUDIT_LOG
from deskyard.desk.ticket_history import Actor

DeedName = Literal[
    "policy.put",
    "breaker.trip",
    "breaker.close",
    "model.activate",
    "model.rollback",
    "model.challenge",
    "queue.put",
    "agent.put",
    "key.create",
    "key.revoke",
    "user.create",
    "user.change",
    "user.disable",
    "undo",
    "store.connect",
    "store.disconnect",
    "delivery.retry",
    "notice.put",
    "notice.remove",
    "ticket.erase",
]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did; `subject` is what it was done to."""

    id: int
    at: datetime
    actor: Actor
    deed: str
    subject: str


def note(conn: Connection, actor: Actor, deed: DeedName, subject: str, at: datetime) -> None:
    """Write a deed down, in the transaction that does it."""
    row = {"at": at, "actor_kind": actor.kind, "actor": actor.name, "deed": deed, "subject": subject}
    conn.execute(insert(AUDIT_LOG), row)


def ever(conn: Connection, deed: DeedName) -> bool:
    """Whether anybody ever did that."""
    return conn.scalar(select(AUDIT_LOG.c.id).where(AUDIT_LOG.c.deed == deed).limit(1)) is not None


def listed(conn: Connection, limit: int = PAGE, cursor: str | None = None) -> Page[Deed]:
    """What was done, newest first."""
    return page(conn, select(AUDIT_LOG), [-AUDIT_LOG.c.id], limit, cursor, _deed)


def _deed(row: Row[Any]) -> Deed:
    return Deed(row.id, row.at, Actor(row.actor_kind, row.actor), row.deed, row.subject)
