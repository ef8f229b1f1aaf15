"""The desk's queues: create, describe, open and close them. `triage` always exists and is always open."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select, update

from deskyard.db.pagination import DEFAULT_PAGE_SIZE, Page, fetch_page
from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.desk import QUEUES
from deskyard.domain.catalogue import TRIAGE
from deskyard.errors import BadInput
from deskyard.text.storable import storable

MAX_NAME_LENGTH: Final = 500
"""Maximum length of a queue's name: PostgreSQL can keep it unique."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue; its defaults are set in tickets that have no other value."""

    id: int
    name: str
    description: str
    open: bool
    default_priority: str | None
    default_assignee: str | None
    created_at: datetime


def ensure_queues(conn: Connection, names: Iterable[str] = ()) -> None:
    """Create the queues that do not exist yet, and `triage`; existing ones are not changed.

    Blank names and those of more than `MAX_NAME_LENGTH` characters are left out.
    """
    now = datetime.now(UTC)
    requested = dict.fromkeys(
        storable(name) for name in (TRIAGE, *names) if name.strip() and len(name) <= MAX_NAME_LENGTH
    )
    known = set(conn.scalars(select(QUEUES.c.name)))
    rows = [
        {"name": name, "description": _DESCRIPTIONS.get(name, ""), "open": True, "created_at": now}
        for name in requested
        if name not in known
    ]
    if rows:
        conn.execute(insert_or_ignore(conn, QUEUES), rows)


def save_queue(
    conn: Connection,
    name: str,
    *,
    description: str,
    is_open: bool,
    default_priority: str | None = None,
    default_assignee: str | None = None,
) -> Queue:
    """Create or update a queue.

    Raises BadInput for an invalid name, and when triage would be closed.
    """
    if name == TRIAGE and not is_open:
        raise BadInput("triage can't be closed: it takes the tickets that are not routed")
    ensure_queues(conn, [name])
    values = {
        "description": description,
        "open": is_open,
        "default_priority": default_priority,
        "default_assignee": default_assignee,
    }
    conn.execute(update(QUEUES).where(QUEUES.c.name == name).values(values))
    queue = find_queue(conn, name)
    if queue is None:
        raise BadInput(f"a queue's name must not be blank and have {MAX_NAME_LENGTH} characters at most")
    return queue


def find_queue(conn: Connection, name: str) -> Queue | None:
    """The queue of that name; None where there is none."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    return None if row is None else _to_queue(row)


def list_queues(conn: Connection, limit: int = DEFAULT_PAGE_SIZE, cursor: str | None = None) -> Page[Queue]:
    """The queues, oldest first."""
    return fetch_page(conn, select(QUEUES), [QUEUES.c.id], limit, cursor, _to_queue)


def list_queue_names(conn: Connection) -> list[str]:
    """The names of all queues, open or closed, sorted."""
    return list(conn.scalars(select(QUEUES.c.name).order_by(QUEUES.c.name)))


_DESCRIPTIONS: Final = {TRIAGE: "Tickets that people must triage."}
_BY_NAME: Final = select(QUEUES).where(QUEUES.c.name == bindparam("name"))
_COLUMNS: Final = tuple(column.name for column in QUEUES.columns)


def _to_queue(row: Row[Any]) -> Queue:
    return Queue(**{name: row._mapping[name] for name in _COLUMNS})
