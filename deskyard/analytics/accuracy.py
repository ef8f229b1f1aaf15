"""How often routing is right: what became of the tickets of a period, and how often the machine's word was the last.

`right` counts what nobody changed as right, and so flatters. `blind` does not: a person sorted those tickets without
seeing the machine's answer. Only tickets that are solved are judged.
"""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from deskyard.analytics.intervals import Share
from deskyard.analytics.query import Asked
from deskyard.analytics.rollups import seen
from deskyard.analytics.taxonomy_view import called
from deskyard.analytics.ticket_facts import ROUTED, UNKNOWN
from deskyard.db.tables.analytics import DAILY_ANSWERS, TICKET_FACTS
from deskyard.db.tables.review import BLIND_REVIEWS


@dataclass(frozen=True, slots=True)
class Rightness:
    """Of the tickets that `came`: how many were routed, suggested, left (the three add up).

    `right`: of those routed. `first` and `three`: of all that the machine had a word for, routed or not, how often it
    was its first word, or one of its first three. `blind`: of the routed ones that were sorted blindly (queues only).
    """

    came: int
    routed: int
    suggested: int
    left: int
    right: Share
    first: Share
    three: Share
    blind: Share

    @property
    def share_routed(self) -> Share:
        """Of those that came."""
        return Share(self.routed, self.came)


def rightness(conn: Connection, asked: Asked) -> Rightness:
    """The figures of a period."""
    answers = seen(DAILY_ANSWERS, asked)
    columns = answers.c.fate, answers.c.place
    rows = conn.execute(select(*columns, func.sum(answers.c.n)).where(*asked.where(answers)).group_by(*columns))
    fates, places, routed = Counter[str](), Counter[int](), Counter[int]()
    for fate, place, n in rows:
        fates[fate] += int(n)
        places[place] += int(n)
        routed[place] += int(n) if fate == ROUTED else 0
    known, known_routed = (counts.total() - counts[UNKNOWN] for counts in (places, routed))
    return Rightness(
        came=fates.total(),
        routed=fates["routed"],
        suggested=fates["suggested"],
        left=fates["left"],
        right=Share(routed[1], known_routed),
        first=Share(places[1], known),
        three=Share(places[1] + places[2] + places[3], known),
        blind=blind(conn, asked) if asked.target == "queue" else Share(0, 0),
    )


def blind(conn: Connection, asked: Asked) -> Share:
    """How many routed tickets people sorted blindly, and how many of those came to the machine's queue."""
    facts = seen(TICKET_FACTS, asked)
    same = called(BLIND_REVIEWS.c.answer, "queue", asked.turns) == facts.c.placed
    rows = conn.execute(
        select(same, func.count())
        .join(facts, facts.c.ticket_id == BLIND_REVIEWS.c.ticket_id)
        .where(BLIND_REVIEWS.c.answer.is_not(None), facts.c.fate == ROUTED, *asked.where(facts))
        .group_by(same)
    )
    found = {bool(was): int(n) for was, n in rows}
    return Share(found.get(True, 0), sum(found.values()))
