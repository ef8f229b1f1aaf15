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
from deskyard.domain.status import UNSOLVED
from deskyard.journal.journal import DECIDED, Journal
from deskyard.policy.policy import PLACING

"""The statuses of a ticket that somebody still has to work on."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A queue's unsolved tickets: how many, how many of them nobody took, and since when the oldest is there."""

    queue: str
    open: bool
    unsolved: int
    untaken: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Flow:
    """What became of the tickets that came since a moment: `came` is the sum of the other three.

    `routed`: the machine set the queue; `suggested`: a person was shown a suggestion; `left`: it had none to make.
    """

    came: int
    routed: int
    suggested: int
    left: int


def standing(conn: Connection, visible: Collection[str] | None = None) -> list[Standing]:
    """Every queue, by name."""
    mine = (TICKETS.c.queue_id == QUEUES.c.id) & TICKETS.c.status.in_(UNSOLVED)
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
        .where(_seen(visible))
        .group_by(QUEUES.c.id, QUEUES.c.name, QUEUES.c.open)
        .order_by(QUEUES.c.name)
    )
    return [Standing(row.name, row.open, row.n, int(row.untaken) if row.n else 0, row.oldest) for row in rows]


def flow(conn: Connection, since: datetime, visible: Collection[str] | None = None) -> Flow:
    """What became of the tickets that came since then, by the decision of that moment."""
    fates = Counter(fate for _, fate in fates_since(conn, since, visible))
    return Flow(fates.total(), fates["routed"], fates["suggested"], fates["left"])


def fates_since(conn: Connection, since: datetime, visible: Collection[str] | None = None) -> Iterator[tuple[int, str]]:
    """The number of each ticket that came since then, and what became of it: routed, suggested, left.

    What was decided again after an answer (`service.tickets.rescoring`) is no other ticket.
    """
    for entry in Journal.since(conn, DECIDED, since):
        if "answers" in entry.content:
            continue
        if visible is None or entry.content["placement"]["queue"] in visible:
            yield entry.ticket_id, fate(entry.content)


def fate(decided: dict[str, Any]) -> str:
    """What a decision did with its ticket, from the journal's words.

    >>> suggest = {"queue": {"action": "suggest"}}
    >>> fate({"placement": {"reason": {"code": "queue"}}, "decisions": suggest})
    'routed'
    >>> fate({"placement": {"reason": {"code": "not_routed"}}, "decisions": suggest})
    'suggested'
    """
    if decided["placement"]["reason"]["code"] in PLACING:
        return "routed"
    told = [one for target, one in decided["decisions"].items() if target in PLACING]
    return "suggested" if any(one["action"] == "suggest" for one in told) else "left"


def _seen(visible: Collection[str] | None) -> ColumnElement[bool]:
    return true() if visible is None else QUEUES.c.name.in_(visible)
