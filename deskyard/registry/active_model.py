"""Which model is in use, as the database knows it, so that all processes agree. Rows are only ever added.

In come sessions, whose owner commits; out go rows. Needs no learning library: opening a bundle is
`deskyard.registry.promotion`'s.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from deskyard.db.tables.registry import ACTIVE_MODELS
from deskyard.errors import BadInput

_NEWEST: Final = select(ACTIVE_MODELS).order_by(ACTIVE_MODELS.c.id.desc())


@dataclass(frozen=True, slots=True)
class Active:
    """A bundle put in use: its folder's name, its digest, who did it and when."""

    number: int
    at: datetime
    actor: str
    name: str
    digest: str


def current(conn: Connection) -> Active | None:
    """The model in use; None before the first."""
    row = conn.execute(_NEWEST.limit(1)).first()
    return None if row is None else _active(row)


def past(conn: Connection, n: int) -> list[Active]:
    """The newest `n` times a model was put in use, newest first."""
    return [_active(row) for row in conn.execute(_NEWEST.limit(n))]


def before(conn: Connection) -> Active:
    """The model that was in use before the present one. Raises BadInput when there was none."""
    rows = past(conn, 1_000)
    for row in rows[1:]:
        if row.digest != rows[0].digest:
            return row
    raise BadInput("no other model was in use before: there is nothing to go back to")


def put(conn: Connection, name: str, digest: str, actor: str, at: datetime) -> Active:
    """Write down that a bundle is in use from now on, unless it is already."""
    now = current(conn)
    if now is not None and (now.name, now.digest) == (name, digest):
        return now
    row = {"at": at, "actor": actor, "name": name, "digest": digest}
    number = conn.execute(insert(ACTIVE_MODELS).returning(ACTIVE_MODELS.c.id), row).scalar_one()
    return Active(int(number), at, actor, name, digest)


def _active(row: Row[Any]) -> Active:
    return Active(row.id, row.at, row.actor, row.name, row.digest)
