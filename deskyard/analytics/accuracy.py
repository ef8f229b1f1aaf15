"""Accuracy of routing in a period: outcomes of tickets, and how often predictions were correct.

`right` counts unchanged tickets as correct, which is optimistic. `measure_blind_accuracy` is not: people decided on
those tickets without seeing the prediction. Only solved tickets are counted.
"""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from deskyard.analytics.intervals import Proportion
from deskyard.analytics.query import ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.analytics.taxonomy_view import translate_column
from deskyard.analytics.ticket_facts import ROUTED, UNKNOWN_RANK
from deskyard.db.tables.analytics import DAILY_TARGET_FACTS, TICKET_FACTS
from deskyard.db.tables.review import BLIND_REVIEWS


@dataclass(frozen=True, slots=True)
class AccuracyFigures:
    """Tickets `received`, which are the sum of those routed, suggested and left to manual triage.

    `right`: correct ones of the routed and solved. `top1` and `top3`: of all solved tickets with a prediction, routed
    or not, how often the first prediction was correct, or one of the first three. `blind_review`: of the routed tickets
    with a blind review, how often the person chose the same queue (queues only).
    """

    received: int
    routed: int
    suggested: int
    left: int
    right: Proportion
    top1: Proportion
    top3: Proportion
    blind_review: Proportion

    @property
    def routed_share(self) -> Proportion:
        """Routed tickets of those received."""
        return Proportion(self.routed, self.received)


def measure_accuracy(conn: Connection, query: ReportQuery) -> AccuracyFigures:
    """The figures of the query's period."""
    answers = view_table(DAILY_TARGET_FACTS, query)
    columns = answers.c.fate, answers.c.place
    rows = conn.execute(select(*columns, func.sum(answers.c.n)).where(*query.conditions(answers)).group_by(*columns))
    fates, places, routed = Counter[str](), Counter[int](), Counter[int]()
    for fate, place, n in rows:
        fates[fate] += int(n)
        places[place] += int(n)
        routed[place] += int(n) if fate == ROUTED else 0
    known, known_routed = (counts.total() - counts[UNKNOWN_RANK] for counts in (places, routed))
    return AccuracyFigures(
        received=fates.total(),
        routed=fates["routed"],
        suggested=fates["suggested"],
        left=fates["left"],
        right=Proportion(routed[1], known_routed),
        top1=Proportion(places[1], known),
        top3=Proportion(places[1] + places[2] + places[3], known),
        blind_review=measure_blind_accuracy(conn, query) if query.target == "queue" else Proportion(0, 0),
    )


def measure_blind_accuracy(conn: Connection, query: ReportQuery) -> Proportion:
    """Blind reviews of routed tickets, and how many of them chose the queue that the ticket was routed to."""
    facts = view_table(TICKET_FACTS, query)
    same = translate_column(BLIND_REVIEWS.c.answer, "queue", query.taxonomy_changes) == facts.c.placed
    rows = conn.execute(
        select(same, func.count())
        .join(facts, facts.c.ticket_id == BLIND_REVIEWS.c.ticket_id)
        .where(BLIND_REVIEWS.c.answer.is_not(None), facts.c.fate == ROUTED, *query.conditions(facts))
        .group_by(same)
    )
    found = {bool(was): int(n) for was, n in rows}
    return Proportion(found.get(True, 0), sum(found.values()))
