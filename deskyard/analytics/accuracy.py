"""How often routing is right: what became of the tickets of a period, and how often the machine's word was the last.

`right` counts what nobody changed as right, and so flatters. `measure_blind_accuracy` does not: a person sorted those
tickets without seeing the machine's answer. Only tickets that are solved are judged.
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
    """Of the tickets that `came`: how many were routed, suggested, left (the three add up).

    `right`: of those routed. `first` and `three`: of all that the machine had a word for, routed or not, how often it
    was its first word, or one of its first three. `measure_blind_accuracy`: of the routed ones that were sorted
    blindly (queues only).
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
        """Of those that came."""
        return Proportion(self.routed, self.received)


def measure_accuracy(conn: Connection, query: ReportQuery) -> AccuracyFigures:
    """The figures of a period."""
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
    """How many routed tickets people sorted blindly, and how many of those came to the machine's queue."""
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
