"""The desk's agents: who is there, and which queues each serves. A ticket is only given to a present agent of its
queue."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from deskyard.db.pagination import DEFAULT_PAGE_SIZE, Page, fetch_page
from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.desk import AGENT_QUEUES, AGENTS, QUEUES
from deskyard.errors import BadInput
from deskyard.text.storable import storable

MAX_NAME_LENGTH: Final = 200
"""Characters of an agent's name."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who takes tickets of `queues` (sorted by name), while `present`."""

    name: str
    present: bool
    queues: tuple[str, ...]
    created_at: datetime


def ensure_agents(conn: Connection, serving: Mapping[str, Iterable[str]]) -> None:
    """Make the agents that do not exist yet, serving these queues; those that exist stay as they are.

    Blank names, those of more than `MAX_NAME_LENGTH` characters, and queues that do not exist are left out.
    """
    known = set(conn.scalars(select(AGENTS.c.name)))
    for name, queues in serving.items():
        if name.strip() and len(name) <= MAX_NAME_LENGTH and storable(name) not in known:
            there = set(conn.scalars(select(QUEUES.c.name).where(QUEUES.c.name.in_(list(queues)))))
            save_agent(conn, storable(name), present=True, queues=there)


def save_agent(conn: Connection, name: str, *, present: bool, queues: Collection[str]) -> Agent:
    """Make an agent, or make the one of that name be so. Raises BadInput that names a queue that does not exist."""
    if not name.strip() or len(name) > MAX_NAME_LENGTH:
        raise BadInput(f"an agent's name must hold something to read, in {MAX_NAME_LENGTH} characters at most")
    found = dict(conn.execute(select(QUEUES.c.name, QUEUES.c.id).where(QUEUES.c.name.in_(list(queues)))).all())
    missing = sorted(set(queues) - set(found))
    if missing:
        raise BadInput(f"there is no queue {missing[0]!r} on this desk; /v1/queues lists them")
    row = {"name": name, "present": present, "created_at": datetime.now(UTC)}
    conn.execute(insert_or_ignore(conn, AGENTS), [row])
    conn.execute(update(AGENTS).where(AGENTS.c.name == name).values(present=present))
    number = conn.scalars(select(AGENTS.c.id).where(AGENTS.c.name == name)).one()
    conn.execute(delete(AGENT_QUEUES).where(AGENT_QUEUES.c.agent_id == number))
    if found:
        rows = [{"agent_id": number, "queue_id": queue} for queue in found.values()]
        conn.execute(insert_or_ignore(conn, AGENT_QUEUES), rows)
    made = find_agent(conn, name)
    if made is None:
        raise LookupError(f"agent {number} was made and is gone")
    return made


def find_agent(conn: Connection, name: str) -> Agent | None:
    """The agent of that name."""
    row = conn.execute(select(AGENTS).where(AGENTS.c.name == name)).first()
    return None if row is None else _to_agent(row, load_served_queues(conn, [row.name]))


def list_agents(conn: Connection, limit: int = DEFAULT_PAGE_SIZE, cursor: str | None = None) -> Page[Agent]:
    """The agents, oldest first."""
    rows: Page[Row[Any]] = fetch_page(conn, select(AGENTS), [AGENTS.c.id], limit, cursor, lambda row: row)
    serving = load_served_queues(conn, [row.name for row in rows.items])
    return Page([_to_agent(row, serving) for row in rows.items], rows.next_cursor)


def load_served_queues(
    conn: Connection, names: Collection[str] | None, *, only_present: bool = False
) -> dict[str, tuple[str, ...]]:
    """The queues that each of these agents serves (None: every agent), agents who serve none included."""
    if names is not None and not names:
        return {}
    asked = _SERVED if names is None else _SOME_SERVED
    if only_present:
        asked = _PRESENT if names is None else _SOME_PRESENT
    found: defaultdict[str, list[str]] = defaultdict(list)
    for agent, queue in conn.execute(asked, {} if names is None else {"names": list(names)}):
        found[agent] += [queue] if queue is not None else []
    return {agent: tuple(sorted(queues)) for agent, queues in found.items()}


_SERVED: Final = (
    select(AGENTS.c.name.label("agent"), QUEUES.c.name.label("queue"))
    .outerjoin(AGENT_QUEUES, AGENT_QUEUES.c.agent_id == AGENTS.c.id)
    .outerjoin(QUEUES, QUEUES.c.id == AGENT_QUEUES.c.queue_id)
)
_PRESENT: Final = _SERVED.where(AGENTS.c.present)
_SOME_SERVED, _SOME_PRESENT = (
    every.where(AGENTS.c.name.in_(bindparam("names", expanding=True))) for every in (_SERVED, _PRESENT)
)


def _to_agent(row: Row[Any], serving: Mapping[str, tuple[str, ...]]) -> Agent:
    return Agent(row.name, row.present, serving.get(row.name, ()), row.created_at)
