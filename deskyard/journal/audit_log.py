"""The audit log: who signed in or tried to, and who changed keys, users, policies, models, queues, agents
and connections.

Entries hold no secrets and no texts of tickets, and are never changed. The caller commits, so that an action and its
entry are stored together or not at all.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select

from deskyard.db.pagination import DEFAULT_PAGE_SIZE, Page, fetch_page
from deskyard.db.tables.journal import AUDIT_LOG
from deskyard.domain.actors import Actor

ActionName = Literal[
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
    "sign_in",
    "sign_in.fail",
    "user.create",
    "user.change",
    "user.link",
    "user.disable",
    "undo",
    "store.connect",
    "store.disconnect",
    "delivery.retry",
    "mail.take_in",
    "notice.put",
    "notice.remove",
    "ticket.erase",
]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An action that somebody took; `subject` is what it was applied to."""

    id: int
    at: datetime
    actor: Actor
    action: str
    subject: str


def record_action(conn: Connection, actor: Actor, action: ActionName, subject: str, at: datetime) -> None:
    """Add an entry; call it in the transaction of the action."""
    row = {"at": at, "actor_kind": actor.kind, "actor": actor.name, "deed": action, "subject": subject}
    conn.execute(insert(AUDIT_LOG), row)


def has_action(conn: Connection, action: ActionName) -> bool:
    """Whether the log has any entry with this action."""
    return conn.scalar(select(AUDIT_LOG.c.id).where(AUDIT_LOG.c.deed == action).limit(1)) is not None


def list_entries(conn: Connection, limit: int = DEFAULT_PAGE_SIZE, cursor: str | None = None) -> Page[AuditEntry]:
    """A page of entries, newest first."""
    return fetch_page(conn, select(AUDIT_LOG), [-AUDIT_LOG.c.id], limit, cursor, _to_entry)


def _to_entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.id, row.at, Actor(row.actor_kind, row.actor), row.deed, row.subject)
