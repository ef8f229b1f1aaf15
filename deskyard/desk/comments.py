"""Comments on tickets: public ones are visible to the requester, internal ones to the desk only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select

from deskyard.db.tables.desk import COMMENTS
from deskyard.desk import changes, tickets
from deskyard.domain.actors import Actor
from deskyard.errors import StoreConflict


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a ticket; `shared`: it may be suggested to requesters of similar tickets."""

    id: int
    at: datetime
    actor: Actor
    public: bool
    text: str
    shared: bool = False


def add_comment(
    conn: Connection,
    number: int,
    actor: Actor,
    text: str,
    *,
    public: bool,
    at: datetime,
    key: str | None = None,
    shared: bool = False,
) -> tuple[Comment, bool]:
    """Add a comment; returns it, and whether it is new. Raises NotFound for an unknown ticket, StoreConflict for an
    erased one.

    `key` identifies the request: with the same key again, the first comment is returned. Internal comments are never
    shared.
    """
    now = tickets.get_ticket(conn, number, for_update=True)
    if key is not None:
        existing = conn.execute(_BY_KEY, {"number": number, "key": key}).first()
        if existing is not None:
            return _to_comment(existing), False
    if now.erased_at is not None:
        raise StoreConflict(f"ticket {number} is erased and can't be commented on: file a new ticket")
    row = {"ticket_id": number, "at": at, "actor_kind": actor.kind, "actor": actor.name, "public": public, "text": text}
    row["shared"] = shared = shared and public
    made = conn.execute(insert(COMMENTS).returning(COMMENTS.c.id), {**row, "key": key}).scalar_one()
    changes.set_values(conn, now, {}, at)
    return Comment(int(made), at, actor, public, text, shared), True


def list_comments(conn: Connection, number: int) -> list[Comment]:
    """The comments on a ticket, oldest first."""
    return [_to_comment(row) for row in conn.execute(_READ, {"number": number})]


_READ: Final = select(COMMENTS).where(COMMENTS.c.ticket_id == bindparam("number")).order_by(COMMENTS.c.id)
_BY_KEY: Final = select(COMMENTS).where(COMMENTS.c.ticket_id == bindparam("number"), COMMENTS.c.key == bindparam("key"))


def _to_comment(row: Row[Any]) -> Comment:
    return Comment(row.id, row.at, Actor(row.actor_kind, row.actor), row.public, row.text, row.shared)
