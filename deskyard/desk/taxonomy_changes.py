"""Taxonomy changes on a desk: added to the policy, and what people must choose after a split.

No ticket is moved or relabelled: each keeps its queue and labels until a person changes them. Functions take the
caller's connection, which the caller commits.
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
"""Tickets of a task that are listed by default."""


@dataclass(frozen=True, slots=True)
class SplitTask:
    """What people must do after a split: the change, the newest tickets that still have the old label, how many do, and
    how often people have chosen each new label since."""

    change: TaxonomyChange
    tickets: tuple[DeskTicket, ...]
    waiting: int
    chosen: dict[str, int]


def add_change(conn: Connection, change: TaxonomyChange, actor: Actor, at: datetime, reason: str = "") -> PolicyVersion:
    """Add a change to the policy, with actor and reason in the audit log. Raises BadInput where it contradicts others.

    New queues are created, and the agents of the old ones serve them.
    """
    change = replace(change, labels=tuple(map(storable, change.labels)), to=tuple(map(storable, change.to)))
    current = Policies.current(conn)
    if change in current.policy.taxonomy:
        return current
    all_changes = taxonomy.sort_changes([*current.policy.taxonomy, change])
    if found := taxonomy.find_conflict(all_changes):
        raise BadInput(found[1])
    version = Policies.add_version(conn, replace(current.policy, taxonomy=all_changes), actor.name, at)
    subject = f"version {version.number}: {change.target} {change.description}"
    audit_log.record_action(conn, actor, "policy.put", f"{subject}; {reason}" if reason else subject, at)
    if change.target == "queue":
        queues.ensure_queues(conn, change.to)
        _extend_agent_queues(conn, change.labels, change.to)
    return version


def list_split_tasks(conn: Connection, day: date, n: int = PAGE_SIZE) -> list[SplitTask]:
    """The tasks of all splits until a day, oldest first, each with its newest `n` tickets."""
    applied = Policies.current(conn).policy.taxonomy
    return [_load_split_task(conn, change, n) for change in applied if change.kind == "split" and change.on <= day]


def _extend_agent_queues(conn: Connection, old: Collection[str], new: Collection[str]) -> None:
    for name, served in agents.load_served_queues(conn, None).items():
        agent = agents.find_agent(conn, name)
        if agent is not None and set(served) & set(old) and not set(new) <= set(served):
            agents.save_agent(conn, name, present=agent.present, queues={*served, *new})


def _load_split_task(conn: Connection, change: TaxonomyChange, n: int) -> SplitTask:
    has_old_label = _has_split_label(change)
    newest = SELECT_TICKETS.where(has_old_label).order_by(TICKETS.c.id.desc()).limit(n)
    count = (
        select(func.count()).select_from(TICKETS.join(QUEUES, QUEUES.c.id == TICKETS.c.queue_id)).where(has_old_label)
    )
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
    """The condition for tickets with the label that was split, unless a person has chosen it again since."""
    label = change.labels[0]
    has_label: ColumnElement[bool] = (QUEUES.c.name if change.target == "queue" else TICKETS.c[change.target]) == label
    if label not in change.to:
        return has_label
    return has_label & ~exists().where(
        TICKET_HISTORY.c.ticket_id == TICKETS.c.id, _human_choices(change), TICKET_HISTORY.c.became == label
    )


def _human_choices(change: TaxonomyChange) -> Any:
    """The condition for steps by which people have set the target since the day of the change."""
    since = datetime.combine(change.on, time(), UTC)
    return (
        (TICKET_HISTORY.c.field == change.target)
        & (TICKET_HISTORY.c.actor_kind == "person")
        & (TICKET_HISTORY.c.at >= since)
    )
