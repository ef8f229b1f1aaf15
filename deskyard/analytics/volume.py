"""How many tickets come: by weekday and hour, by day, and in the next seven days."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from deskyard.analytics.forecast import Forecast, forecast, lacking
from deskyard.analytics.query import LONGEST, Asked
from deskyard.analytics.rollups import seen
from deskyard.db.tables.analytics import DAILY_TICKETS

HOURS: Final = 24
SHADES: Final = 6
AFTER: Final = 182
"""Days of history that a forecast is made from."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Tickets by weekday (0: Monday) and hour; their sum is `came`."""

    counts: list[list[int]]

    @property
    def came(self) -> int:
        """All of them."""
        return sum(map(sum, self.counts))

    @property
    def by_day(self) -> list[int]:
        """By weekday."""
        return [sum(row) for row in self.counts]

    @property
    def by_hour(self) -> list[int]:
        """By hour."""
        return [sum(column) for column in zip(*self.counts, strict=True)]

    def shade(self, weekday: int, hour: int) -> int:
        """How busy an hour is: 0 (nothing) to `SHADES` (the busiest)."""
        n = self.counts[weekday][hour]
        return max(1, round(SHADES * n / max(map(max, self.counts)))) if n else 0


@dataclass(frozen=True, slots=True)
class Ahead:
    """The days that were counted (ended ones), and the forecast of the seven after them; `lacks` days of history."""

    days: dict[date, int]
    forecast: Forecast | None
    lacks: int

    @property
    def next(self) -> list[date]:
        """The days forecast."""
        return [max(self.days) + timedelta(days=n) for n in range(1, 8)] if self.days else []


def volume(conn: Connection, asked: Asked) -> Volume:
    """The hours of a period."""
    came = seen(DAILY_TICKETS, asked)
    columns = came.c.day, came.c.hour
    rows = conn.execute(select(*columns, func.sum(came.c.n)).where(*asked.where(came)).group_by(*columns))
    counts = [[0] * HOURS for _ in range(7)]
    for day, hour, n in rows:
        counts[date.fromisoformat(day).weekday()][hour] += int(n)
    return Volume(counts)


def days(conn: Connection, asked: Asked) -> dict[date, int]:
    """Tickets of each day from the first that has any to the last of the period."""
    came = seen(DAILY_TICKETS, asked)
    rows = conn.execute(select(came.c.day, func.sum(came.c.n)).where(*asked.where(came)).group_by(came.c.day))
    return _whole({date.fromisoformat(day): int(n) for day, n in rows}, asked.last)


def ahead(conn: Connection, asked: Asked, today: date) -> Ahead:
    """What comes after yesterday, whatever the period."""
    since = today - timedelta(days=min(AFTER, LONGEST))
    found = days(conn, replace(asked, first=since, last=today - timedelta(days=1)))
    return Ahead(found, forecast(list(found.values())), lacking(len(found)))


def _whole(found: Mapping[date, int], last: date) -> dict[date, int]:
    if not found:
        return {}
    first = min(found)
    return {day: found.get(day, 0) for day in (first + timedelta(days=n) for n in range((last - first).days + 1))}
