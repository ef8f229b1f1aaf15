"""Which model is in use, kept in the database so that all processes agree. Rows are only added, never changed.

Functions take the caller's connection, which the caller commits. No learning library is imported here; bundles are
opened by `deskyard.registry.promotion`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from deskyard.db.tables.registry import ACTIVE_MODELS
from deskyard.errors import BadInput

_NEWEST_FIRST: Final = select(ACTIVE_MODELS).order_by(ACTIVE_MODELS.c.id.desc())


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """An activation of a bundle: its folder's name, its digest, who activated it and when."""

    number: int
    at: datetime
    actor: str
    name: str
    digest: str


def get_active(conn: Connection) -> ActiveModel | None:
    """The model in use; None before the first."""
    row = conn.execute(_NEWEST_FIRST.limit(1)).first()
    return None if row is None else _to_active_model(row)


def list_recent_activations(conn: Connection, n: int) -> list[ActiveModel]:
    """The newest `n` activations, newest first."""
    return [_to_active_model(row) for row in conn.execute(_NEWEST_FIRST.limit(n))]


def get_previous(conn: Connection) -> ActiveModel:
    """The model that was in use before the current one. Raises BadInput when there was none."""
    rows = list_recent_activations(conn, 1_000)
    for row in rows[1:]:
        if row.digest != rows[0].digest:
            return row
    raise BadInput("no other model was in use before: there is nothing to go back to")


def set_active(conn: Connection, name: str, digest: str, actor: str, at: datetime) -> ActiveModel:
    """Record that a bundle is in use from now on, unless it is already."""
    current = get_active(conn)
    if current is not None and (current.name, current.digest) == (name, digest):
        return current
    row = {"at": at, "actor": actor, "name": name, "digest": digest}
    number = conn.execute(insert(ACTIVE_MODELS).returning(ACTIVE_MODELS.c.id), row).scalar_one()
    return ActiveModel(int(number), at, actor, name, digest)


def _to_active_model(row: Row[Any]) -> ActiveModel:
    return ActiveModel(row.id, row.at, row.actor, row.name, row.digest)
