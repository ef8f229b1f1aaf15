"""The desk's agents: who is present, and which queues each one serves.

A ticket is only assigned to a present agent of its queue.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from deskyard.db.pagination import DEFAULT_PAGE_SIZE, Page, fetch_page
from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.desk import AGENT_QUEUES, AGENTS, QUEUES
from deskyard.domain.label_spelling import fold_label, spell_as
from deskyard.errors import BadInput
from deskyard.text.storable import storable

MAX_NAME_LENGTH: Final = 200
"""Maximum length of an agent's name."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A person who gets tickets of `queues` (sorted by name) while `present`."""

    name: str
    present: bool
    queues: tuple[str, ...]
    created_at: datetime


def ensure_agents(conn: Connection, serving: Mapping[str, Iterable[str]]) -> None:
    """Create the agents that do not exist yet, with these queues; existing ones are not changed.

    Blank names, those of more than `MAX_NAME_LENGTH` characters, other spellings of existing ones, and queues that do
    not exist are left out.
    """
    known = set(map(fold_label, conn.scalars(select(AGENTS.c.name))))
    present = set(conn.scalars(select(QUEUES.c.name)))
    for name, queues in serving.items():
        if name.strip() and len(name) <= MAX_NAME_LENGTH and fold_label(name) not in known:
            existing = {spell_as(queue, present) for queue in queues}.intersection(present)
            save_agent(conn, storable(name), present=True, queues=existing)


def save_agent(conn: Connection, name: str, *, present: bool, queues: Collection[str]) -> Agent:
    """Create or update an agent. Raises BadInput for an invalid name, or a queue that does not exist."""
    if not name.strip() or len(name) > MAX_NAME_LENGTH:
        raise BadInput(f"an agent's name must not be blank and have {MAX_NAME_LENGTH} characters at most")
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
        raise LookupError(f"agent {number} was saved and can't be found")
    return made


def find_agent(conn: Connection, name: str) -> Agent | None:
    """The agent of that name; None where there is none."""
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
    """Agent → the queues that the agent serves, of these agents (None: all), agents without queues included."""
    if names is not None and not names:
        return {}
    statement = _SERVED if names is None else _SOME_SERVED
    if only_present:
        statement = _PRESENT if names is None else _SOME_PRESENT
    found: defaultdict[str, list[str]] = defaultdict(list)
    for agent, queue in conn.execute(statement, {} if names is None else {"names": list(names)}):
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
