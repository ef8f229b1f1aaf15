"""Loads the catalogue of the desk: all of it, or the part that a decision needs."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, select

from deskyard.db.tables.desk import AGENTS, QUEUES
from deskyard.desk import agents
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.label_spelling import select_spellings


def load_catalogue(
    conn: Connection, queue_names: Collection[str] | None = None, agent_names: Collection[str] | None = None
) -> Catalogue:
    """The open queues and present agents among these names in any spelling (None: all), default assignees included."""
    rows = conn.execute(_OPEN_QUEUES).all()
    if queue_names is not None:
        spelled = set(select_spellings((row.name for row in rows), queue_names))
        rows = [row for row in rows if row.name in spelled]
    if agent_names:
        agent_names = select_spellings(conn.scalars(_PRESENT_AGENTS), agent_names)
    if agent_names is not None:
        agent_names = {*agent_names, *(row.default_assignee for row in rows if row.default_assignee)}
    serving = agents.load_served_queues(conn, agent_names, only_present=True)
    defaults: dict[str, dict[str, str]] = {}
    for row in rows:
        values = defaults.setdefault(row.name, {})
        if row.default_priority:
            values["priority"] = row.default_priority
        if row.default_assignee and row.name in serving.get(row.default_assignee, ()):
            values["assignee"] = row.default_assignee
    return Catalogue(defaults, serving)


_OPEN_QUEUES: Final = select(QUEUES.c.name, QUEUES.c.default_priority, QUEUES.c.default_assignee).where(QUEUES.c.open)
_PRESENT_AGENTS: Final = select(AGENTS.c.name).where(AGENTS.c.present)
