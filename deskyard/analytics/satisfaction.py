"""Ratings of solutions by requesters, from 1 to 5 stars."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from deskyard.analytics.intervals import Proportion
from deskyard.analytics.query import ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.db.tables.analytics import TICKET_FACTS
from deskyard.db.tables.desk import STATUS_LINKS

SATISFIED_STARS = 4
"""Fewest stars of a satisfied requester."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Number of ratings with 1 to 5 stars."""

    stars: tuple[int, ...]

    @property
    def n(self) -> int:
        """All ratings."""
        return sum(self.stars)

    @property
    def satisfied(self) -> Proportion:
        """Ratings with four stars or more."""
        return Proportion(sum(self.stars[SATISFIED_STARS - 1 :]), self.n)


def count_ratings(conn: Connection, query: ReportQuery) -> Ratings:
    """The ratings of the query's tickets."""
    facts = view_table(TICKET_FACTS, query)
    rows = conn.execute(
        select(STATUS_LINKS.c.stars, func.count())
        .join(facts, facts.c.ticket_id == STATUS_LINKS.c.ticket_id)
        .where(STATUS_LINKS.c.stars.is_not(None), *query.conditions(facts))
        .group_by(STATUS_LINKS.c.stars)
    )
    found = {int(stars): int(n) for stars, n in rows}
    return Ratings(tuple(found.get(stars, 0) for stars in range(1, 6)))
