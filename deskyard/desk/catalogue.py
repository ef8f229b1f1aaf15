"""What the desk has now: its catalogue, whole or the part that a decision asks about."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, bindparam, select

from deskyard.db.tables.desk import QUEUES
from deskyard.desk import agents
from deskyard.domain.catalogue import Catalogue


def catalogue(
    conn: Connection, queues: Collection[str] | None = None, asked: Collection[str] | None = None
) -> Catalogue:
    """The open queues among `queues` and the present agents among `asked` (None: all), default assignees included."""
    found = conn.execute(_OPEN) if queues is None else conn.execute(_SOME_OPEN, {"names": list(queues)})
    rows = found.all()
    if asked is not None:
        asked = {*asked, *(row.default_assignee for row in rows if row.default_assignee)}
    serving = agents.served(conn, asked, only_present=True)
    defaults: dict[str, dict[str, str]] = {}
    for row in rows:
        mine = defaults.setdefault(row.name, {})
        if row.default_priority:
            mine["priority"] = row.default_priority
        if row.default_assignee and row.name in serving.get(row.default_assignee, ()):
            mine["assignee"] = row.default_assignee
    return Catalogue(defaults, serving)


_OPEN: Final = select(QUEUES.c.name, QUEUES.c.default_priority, QUEUES.c.default_assignee).where(QUEUES.c.open)
_SOME_OPEN: Final = _OPEN.where(QUEUES.c.name.in_(bindparam("names", expanding=True)))
