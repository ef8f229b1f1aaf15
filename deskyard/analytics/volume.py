"""How many tickets come: by weekday and hour, by day, and in the next seven days."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from deskyard.analytics.forecast import Forecast, count_missing_days, forecast_week
from deskyard.analytics.query import MAX_DAYS, ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.db.tables.analytics import DAILY_TICKET_FACTS

HOURS: Final = 24
SHADE_LEVELS: Final = 6
FORECAST_HISTORY_DAYS: Final = 182
"""Days of history that a forecast is made from."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Tickets by weekday (0: Monday) and hour; their sum is `came`."""

    counts: list[list[int]]

    @property
    def received(self) -> int:
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

    def shade_level(self, weekday: int, hour: int) -> int:
        """How busy an hour is: 0 (nothing) to `SHADE_LEVELS` (the busiest)."""
        n = self.counts[weekday][hour]
        return max(1, round(SHADE_LEVELS * n / max(map(max, self.counts)))) if n else 0


@dataclass(frozen=True, slots=True)
class VolumeForecast:
    """The days that were counted (ended ones), and the forecast of the seven after them; `lacks` days of history."""

    days: dict[date, int]
    forecast: Forecast | None
    missing_days: int

    @property
    def next_days(self) -> list[date]:
        """The days forecast."""
        return [max(self.days) + timedelta(days=n) for n in range(1, 8)] if self.days else []


def count_by_hour(conn: Connection, query: ReportQuery) -> Volume:
    """The hours of a period."""
    came = view_table(DAILY_TICKET_FACTS, query)
    columns = came.c.day, came.c.hour
    rows = conn.execute(select(*columns, func.sum(came.c.n)).where(*query.conditions(came)).group_by(*columns))
    counts = [[0] * HOURS for _ in range(7)]
    for day, hour, n in rows:
        counts[date.fromisoformat(day).weekday()][hour] += int(n)
    return Volume(counts)


def count_by_day(conn: Connection, query: ReportQuery) -> dict[date, int]:
    """Tickets of each day from the first that has any to the last of the period."""
    came = view_table(DAILY_TICKET_FACTS, query)
    rows = conn.execute(select(came.c.day, func.sum(came.c.n)).where(*query.conditions(came)).group_by(came.c.day))
    return _is_complete({date.fromisoformat(day): int(n) for day, n in rows}, query.last)


def forecast_volume(conn: Connection, query: ReportQuery, today: date) -> VolumeForecast:
    """What comes after yesterday, whatever the period."""
    since = today - timedelta(days=min(FORECAST_HISTORY_DAYS, MAX_DAYS))
    found = count_by_day(conn, replace(query, first=since, last=today - timedelta(days=1)))
    return VolumeForecast(found, forecast_week(list(found.values())), count_missing_days(len(found)))


def _is_complete(counts: Mapping[date, int], last: date) -> dict[date, int]:
    if not counts:
        return {}
    first = min(counts)
    return {day: counts.get(day, 0) for day in (first + timedelta(days=n) for n in range((last - first).days + 1))}
