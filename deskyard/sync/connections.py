"""Connections: the external help desks and mailboxes that deskyard works with, and how far each has been read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from deskyard.db.tables.sync import CONNECTIONS
from deskyard.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConnection:
    """A connection; see `deskyard.db.tables.sync.CONNECTIONS`. Its name is the `source` of its tickets."""

    id: int
    name: str
    kind: str
    place: str
    hook_sha256: str | None
    since: datetime
    intake: tuple[str, ...]
    per_minute: int | None
    active: bool
    cursor: str | None
    held_until: datetime | None
    pulled_at: datetime | None
    trouble: str
    created_at: datetime

    def is_in_intake(self, queue: str | None) -> bool:
        """Whether deskyard routes tickets that are in that queue."""
        return not self.intake or queue in self.intake


def save_connection(
    conn: Connection,
    name: str,
    kind: str,
    place: str,
    *,
    since: datetime,
    cursor: str | None = None,
    hook_sha256: str | None = None,
    intake: Sequence[str] = (),
    per_minute: int | None = None,
) -> StoreConnection:
    """Create a connection, or update the one of that name, which continues reading from its cursor."""
    given = {
        "kind": kind,
        "place": place,
        "hook_sha256": hook_sha256,
        "intake": list(intake),
        "per_minute": per_minute,
        "active": True,
    }
    known = conn.execute(_BY_NAME, {"name": name}).first()
    if known is None:
        fresh = {"name": name, "since": since, "cursor": cursor, "trouble": "", "created_at": datetime.now(UTC)}
        conn.execute(insert(CONNECTIONS), [{**fresh, **given}])
    else:
        here = CONNECTIONS.c.id == known.id
        conn.execute(update(CONNECTIONS).where(here).values(**given, trouble="", held_until=None))
    return find_by_name(conn, name)


def find_by_name(conn: Connection, name: str) -> StoreConnection:
    """The connection of that name. Raises NotFound."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    if row is None:
        raise NotFound(f"there is no connection {name[:60]!r}: `deskyard connect` creates one")
    return _to_connection(row)


def get_connection(conn: Connection, number: int) -> StoreConnection:
    """The connection with that id. Raises NotFound."""
    row = conn.execute(_BY_ID, {"id": number}).first()
    if row is None:
        raise NotFound(f"there is no connection {number}")
    return _to_connection(row)


def list_connections(conn: Connection) -> list[StoreConnection]:
    """All connections, oldest first."""
    return [_to_connection(row) for row in conn.execute(_ALL)]


def disconnect(conn: Connection, name: str) -> None:
    """Deactivate a connection; its tickets and deliveries stay as they are. Raises NotFound."""
    number = find_by_name(conn, name).id
    conn.execute(update(CONNECTIONS).where(CONNECTIONS.c.id == number).values(active=False))


def advance_cursor(conn: Connection, connection: StoreConnection, cursor: str, at: datetime) -> bool:
    """Record that it was read up to this cursor. False if somebody else has advanced the cursor in the meantime."""
    here = (CONNECTIONS.c.id == connection.id) & (CONNECTIONS.c.cursor.is_not_distinct_from(connection.cursor))
    done = conn.execute(update(CONNECTIONS).where(here).values(cursor=cursor, pulled_at=at, trouble=""))
    return bool(done.rowcount)


def pause_until(conn: Connection, number: int, until: datetime) -> None:
    """Record that the help desk must not be called before that time."""
    conn.execute(update(CONNECTIONS).where(CONNECTIONS.c.id == number).values(held_until=until))


def set_trouble(conn: Connection, number: int, message: str) -> None:
    """Record what went wrong; empty if nothing is wrong any more."""
    conn.execute(update(CONNECTIONS).where(CONNECTIONS.c.id == number).values(trouble=message[:500]))


_ALL: Final = select(CONNECTIONS).order_by(CONNECTIONS.c.id)
_BY_NAME: Final = select(CONNECTIONS).where(CONNECTIONS.c.name == bindparam("name"))
_BY_ID: Final = select(CONNECTIONS).where(CONNECTIONS.c.id == bindparam("id"))


def _to_connection(row: Row[Any]) -> StoreConnection:
    return StoreConnection(**{**row._mapping, "intake": tuple(row.intake)})
