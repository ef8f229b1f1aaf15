"""Turns of the taxonomy on a desk: written into the policy, and what people have to choose after a split.

In come sessions, whose owner commits; out go versions of the policy and tasks. No ticket is moved: those that stand in
a queue or bear a label keep it until a person says otherwise.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, exists, func, select

from deskyard.db.tables.desk import QUEUES, TICKET_HISTORY, TICKETS
from deskyard.desk import agents, queues
from deskyard.desk.tickets import SELECT_TICKETS, DeskTicket, to_desk_ticket
from deskyard.domain import taxonomy
from deskyard.domain.actors import Actor
from deskyard.domain.taxonomy import TaxonomyChange
from deskyard.errors import BadInput
from deskyard.journal import audit_log
from deskyard.policy.versions import Policies, PolicyVersion
from deskyard.text.storable import storable

PAGE_SIZE: Final = 20
"""Tickets of a task that are shown, unless more are asked for."""


@dataclass(frozen=True, slots=True)
class SplitTask:
    """What a split leaves to people: its turn, the newest tickets that still bear the old label, how many do, and how
    often people have chosen each of the new ones since."""

    change: TaxonomyChange
    tickets: tuple[DeskTicket, ...]
    waiting: int
    chosen: dict[str, int]


def add_change(conn: Connection, change: TaxonomyChange, actor: Actor, at: datetime, why: str = "") -> PolicyVersion:
    """Write a turn into the policy, and note who and why. Raises BadInput where it contradicts those before it.

    The queues that it names are made where the desk does not have them, and those who serve the old ones serve them.
    """
    change = replace(change, labels=tuple(map(storable, change.labels)), to=tuple(map(storable, change.to)))
    now = Policies.current(conn)
    if change in now.policy.taxonomy:
        return now
    turns = taxonomy.sort_changes([*now.policy.taxonomy, change])
    if found := taxonomy.find_conflict(turns):
        raise BadInput(found[1])
    version = Policies.add_version(conn, replace(now.policy, taxonomy=turns), actor.name, at)
    told = f"version {version.number}: {change.target} {change.description}"
    audit_log.record_action(conn, actor, "policy.put", f"{told}; {why}" if why else told, at)
    if change.target == "queue":
        queues.ensure_queues(conn, change.to)
        _extend_agent_queues(conn, change.labels, change.to)
    return version


def list_split_tasks(conn: Connection, day: date, n: int = PAGE_SIZE) -> list[SplitTask]:
    """What the splits up to a day leave to people, oldest first, each with its newest `n` tickets."""
    held = Policies.current(conn).policy.taxonomy
    return [_load_split_task(conn, turn, n) for turn in held if turn.kind == "split" and turn.on <= day]


def _extend_agent_queues(conn: Connection, old: Collection[str], new: Collection[str]) -> None:
    for name, served in agents.load_served_queues(conn, None).items():
        agent = agents.find_agent(conn, name)
        if agent is not None and set(served) & set(old) and not set(new) <= set(served):
            agents.save_agent(conn, name, present=agent.present, queues={*served, *new})


def _load_split_task(conn: Connection, change: TaxonomyChange, n: int) -> SplitTask:
    waits = _has_split_label(change)
    newest = SELECT_TICKETS.where(waits).order_by(TICKETS.c.id.desc()).limit(n)
    count = select(func.count()).select_from(TICKETS.join(QUEUES, QUEUES.c.id == TICKETS.c.queue_id)).where(waits)
    steps = select(TICKET_HISTORY.c.became, func.count(TICKET_HISTORY.c.ticket_id.distinct()))
    chosen = conn.execute(
        steps.where(_human_choices(change), TICKET_HISTORY.c.became.in_(change.to)).group_by(TICKET_HISTORY.c.became)
    )
    return SplitTask(
        change,
        tuple(to_desk_ticket(row) for row in conn.execute(newest)),
        int(conn.scalar(count) or 0),
        dict.fromkeys(change.to, 0) | {row[0]: int(row[1]) for row in chosen},
    )


def _has_split_label(change: TaxonomyChange) -> ColumnElement[bool]:
    """Tickets that bear the label that was split, unless somebody has chosen it anew since."""
    label = change.labels[0]
    mine: ColumnElement[bool] = (QUEUES.c.name if change.target == "queue" else TICKETS.c[change.target]) == label
    if label not in change.to:
        return mine
    return mine & ~exists().where(
        TICKET_HISTORY.c.ticket_id == TICKETS.c.id, _human_choices(change), TICKET_HISTORY.c.became == label
    )


def _human_choices(change: TaxonomyChange) -> Any:
    """Steps by which people have chosen since the day of a turn."""
    since = datetime.combine(change.on, time(), UTC)
    return (
        (TICKET_HISTORY.c.field == change.target)
        & (TICKET_HISTORY.c.actor_kind == "person")
        & (TICKET_HISTORY.c.at >= since)
    )
