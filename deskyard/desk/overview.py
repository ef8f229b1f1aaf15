"""Overview of the desk: how many tickets wait in each queue, for how long, and how recent ones were routed.

`visible` are the queues that may be seen (None: all). No text of a ticket is read.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select, true

from deskyard.db.tables.desk import QUEUES, TICKETS
from deskyard.domain.status import UNSOLVED_STATUSES
from deskyard.domain.ticket import PLACING_TARGETS
from deskyard.journal.journal import DECIDED, Journal


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The unsolved tickets of a queue: how many, how many without assignee, and when the oldest was received."""

    queue: str
    open: bool
    unsolved: int
    unassigned: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class RoutingCounts:
    """How tickets received since a moment were routed; `received` is the sum of the others.

    `routed`: the queue was set automatically; `suggested`: a queue was suggested to a person; `left`: neither.
    """

    received: int
    routed: int
    suggested: int
    left: int


def load_queue_statuses(conn: Connection, visible: Collection[str] | None = None) -> list[QueueStatus]:
    """The status of every visible queue, by name."""
    unsolved = (TICKETS.c.queue_id == QUEUES.c.id) & TICKETS.c.status.in_(UNSOLVED_STATUSES)
    unassigned = func.sum(case((TICKETS.c.assignee.is_(None), 1), else_=0))
    rows = conn.execute(
        select(
            QUEUES.c.name,
            QUEUES.c.open,
            func.count(TICKETS.c.id).label("n"),
            unassigned.label("unassigned"),
            func.min(TICKETS.c.received_at).label("oldest"),
        )
        .select_from(QUEUES.outerjoin(TICKETS, unsolved))
        .where(_visible_condition(visible))
        .group_by(QUEUES.c.id, QUEUES.c.name, QUEUES.c.open)
        .order_by(QUEUES.c.name)
    )
    return [QueueStatus(row.name, row.open, row.n, int(row.unassigned) if row.n else 0, row.oldest) for row in rows]


def count_routing(conn: Connection, since: datetime, visible: Collection[str] | None = None) -> RoutingCounts:
    """How the tickets received since then were routed, by the decision of that moment."""
    outcomes = Counter(outcome for _, outcome in iter_outcomes_since(conn, since, visible))
    return RoutingCounts(outcomes.total(), outcomes["routed"], outcomes["suggested"], outcomes["left"])


def iter_outcomes_since(
    conn: Connection, since: datetime, visible: Collection[str] | None = None
) -> Iterator[tuple[int, str]]:
    """The number and the outcome (routed, suggested, left) of each ticket received since then.

    Later decisions on the same ticket (`service.tickets.rescoring`) are left out.
    """
    for entry in Journal.iter_since(conn, DECIDED, since):
        if "answers" in entry.content:
            continue
        if visible is None or entry.content["placement"]["queue"] in visible:
            yield entry.ticket_id, routing_outcome(entry.content)


def routing_outcome(decision_content: dict[str, Any]) -> str:
    """The outcome of a decision, from its content in the journal: routed, suggested or left.

    >>> suggest = {"queue": {"action": "suggest"}}
    >>> routing_outcome({"placement": {"reason": {"code": "queue"}}, "decisions": suggest})
    'routed'
    >>> routing_outcome({"placement": {"reason": {"code": "not_routed"}}, "decisions": suggest})
    'suggested'
    """
    if decision_content["placement"]["reason"]["code"] in PLACING_TARGETS:
        return "routed"
    placing = [one for target, one in decision_content["decisions"].items() if target in PLACING_TARGETS]
    return "suggested" if any(one["action"] == "suggest" for one in placing) else "left"


def _visible_condition(visible: Collection[str] | None) -> ColumnElement[bool]:
    return true() if visible is None else QUEUES.c.name.in_(visible)
