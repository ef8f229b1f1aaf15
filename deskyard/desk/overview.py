"""The desk at a glance: how many tickets wait where, for how long, and what became of those that came lately.

In come a connection and the queues that may be seen (None: all); out go counts. Nothing here reads a ticket's text.
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

"""The statuses of a ticket that somebody still has to work on."""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """A queue's unsolved tickets: how many, how many of them nobody took, and since when the oldest is there."""

    queue: str
    open: bool
    unsolved: int
    unassigned: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class RoutingCounts:
    """What became of the tickets that came since a moment: `came` is the sum of the other three.

    `routed`: the machine set the queue; `suggested`: a person was shown a suggestion; `left`: it had none to make.
    """

    received: int
    routed: int
    suggested: int
    left: int


def load_queue_statuses(conn: Connection, visible: Collection[str] | None = None) -> list[QueueStatus]:
    """Every queue, by name."""
    mine = (TICKETS.c.queue_id == QUEUES.c.id) & TICKETS.c.status.in_(UNSOLVED_STATUSES)
    untaken = func.sum(case((TICKETS.c.assignee.is_(None), 1), else_=0))
    rows = conn.execute(
        select(
            QUEUES.c.name,
            QUEUES.c.open,
            func.count(TICKETS.c.id).label("n"),
            untaken.label("untaken"),
            func.min(TICKETS.c.received_at).label("oldest"),
        )
        .select_from(QUEUES.outerjoin(TICKETS, mine))
        .where(_visible_condition(visible))
        .group_by(QUEUES.c.id, QUEUES.c.name, QUEUES.c.open)
        .order_by(QUEUES.c.name)
    )
    return [QueueStatus(row.name, row.open, row.n, int(row.untaken) if row.n else 0, row.oldest) for row in rows]


def count_routing(conn: Connection, since: datetime, visible: Collection[str] | None = None) -> RoutingCounts:
    """What became of the tickets that came since then, by the decision of that moment."""
    fates = Counter(fate for _, fate in iter_outcomes_since(conn, since, visible))
    return RoutingCounts(fates.total(), fates["routed"], fates["suggested"], fates["left"])


def iter_outcomes_since(
    conn: Connection, since: datetime, visible: Collection[str] | None = None
) -> Iterator[tuple[int, str]]:
    """The number of each ticket that came since then, and what became of it: routed, suggested, left.

    What was decided again after an answer (`service.tickets.rescoring`) is no other ticket.
    """
    for entry in Journal.iter_since(conn, DECIDED, since):
        if "answers" in entry.content:
            continue
        if visible is None or entry.content["placement"]["queue"] in visible:
            yield entry.ticket_id, routing_outcome(entry.content)


def routing_outcome(decision_content: dict[str, Any]) -> str:
    """What a decision did with its ticket, from the journal's words.

    >>> suggest = {"queue": {"action": "suggest"}}
    >>> routing_outcome({"placement": {"reason": {"code": "queue"}}, "decisions": suggest})
    'routed'
    >>> routing_outcome({"placement": {"reason": {"code": "not_routed"}}, "decisions": suggest})
    'suggested'
    """
    if decision_content["placement"]["reason"]["code"] in PLACING_TARGETS:
        return "routed"
    told = [one for target, one in decision_content["decisions"].items() if target in PLACING_TARGETS]
    return "suggested" if any(one["action"] == "suggest" for one in told) else "left"


def _visible_condition(visible: Collection[str] | None) -> ColumnElement[bool]:
    return true() if visible is None else QUEUES.c.name.in_(visible)
