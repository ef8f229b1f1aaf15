"""Comments on a ticket: public ones are for the requester too, internal ones for the desk only."""

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
    """What somebody said about a ticket; `shared`: whoever asks something like it may be shown this answer."""

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
    """Say something about a ticket; the comment, and whether it is new. Raises NotThere for an unknown ticket, and
    StoreConflict for an erased one.

    `key` names the request: sent again, it is the same comment, as it was said first. What is not public is not shared.
    """
    now = tickets.get_ticket(conn, number, for_update=True)
    if key is not None:
        said = conn.execute(_BY_KEY, {"number": number, "key": key}).first()
        if said is not None:
            return _to_comment(said), False
    if now.erased_at is not None:
        raise StoreConflict(f"ticket {number} is erased: nothing more is said about it, a new one can be filed")
    row = {"ticket_id": number, "at": at, "actor_kind": actor.kind, "actor": actor.name, "public": public, "text": text}
    row["shared"] = shared = shared and public
    made = conn.execute(insert(COMMENTS).returning(COMMENTS.c.id), {**row, "key": key}).scalar_one()
    changes.set_values(conn, now, {}, at)
    return Comment(int(made), at, actor, public, text, shared), True


def list_comments(conn: Connection, number: int) -> list[Comment]:
    """What was said about a ticket, oldest first."""
    return [_to_comment(row) for row in conn.execute(_READ, {"number": number})]


_READ: Final = select(COMMENTS).where(COMMENTS.c.ticket_id == bindparam("number")).order_by(COMMENTS.c.id)
_BY_KEY: Final = select(COMMENTS).where(COMMENTS.c.ticket_id == bindparam("number"), COMMENTS.c.key == bindparam("key"))


def _to_comment(row: Row[Any]) -> Comment:
    return Comment(row.id, row.at, Actor(row.actor_kind, row.actor), row.public, row.text, row.shared)
