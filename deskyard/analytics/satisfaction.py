"""What requesters thought of the solution: stars from 1 to 5, of those who rated it."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from deskyard.analytics.intervals import Share
from deskyard.analytics.query import Asked
from deskyard.analytics.rollups import seen
from deskyard.db.tables.analytics import TICKET_FACTS
from deskyard.db.tables.desk import STATUS_LINKS

GOOD = 4
"""Stars of somebody who is satisfied."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """How many gave each number of stars (1 first); `satisfied`: four and more."""

    stars: tuple[int, ...]

    @property
    def n(self) -> int:
        """All ratings."""
        return sum(self.stars)

    @property
    def satisfied(self) -> Share:
        """Of those who rated."""
        return Share(sum(self.stars[GOOD - 1 :]), self.n)


def ratings(conn: Connection, asked: Asked) -> Ratings:
    """Of tickets of a period."""
    facts = seen(TICKET_FACTS, asked)
    rows = conn.execute(
        select(STATUS_LINKS.c.stars, func.count())
        .join(facts, facts.c.ticket_id == STATUS_LINKS.c.ticket_id)
        .where(STATUS_LINKS.c.stars.is_not(None), *asked.where(facts))
        .group_by(STATUS_LINKS.c.stars)
    )
    found = {int(stars): int(n) for stars, n in rows}
    return Ratings(tuple(found.get(stars, 0) for stars in range(1, 6)))
