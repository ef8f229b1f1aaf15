"""Ticket volume: by weekday and hour, by day, and a forecast of the next seven days."""

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
"""Days of history that a forecast uses."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Tickets by weekday (0: Monday) and hour, shape (7, 24)."""

    counts: list[list[int]]

    @property
    def received(self) -> int:
        """All tickets."""
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
        """How busy an hour is, as a level from 0 (no ticket) to `SHADE_LEVELS` (the busiest)."""
        n = self.counts[weekday][hour]
        return max(1, round(SHADE_LEVELS * n / max(map(max, self.counts)))) if n else 0


@dataclass(frozen=True, slots=True)
class VolumeForecast:
    """Tickets of past days and the forecast of the next seven; `missing_days`: days of history that it still needs."""

    days: dict[date, int]
    forecast: Forecast | None
    missing_days: int

    @property
    def next_days(self) -> list[date]:
        """The days of the forecast."""
        return [max(self.days) + timedelta(days=n) for n in range(1, 8)] if self.days else []


def count_by_hour(conn: Connection, query: ReportQuery) -> Volume:
    """Tickets of the query's period by weekday and hour."""
    received = view_table(DAILY_TICKET_FACTS, query)
    columns = received.c.day, received.c.hour
    rows = conn.execute(select(*columns, func.sum(received.c.n)).where(*query.conditions(received)).group_by(*columns))
    counts = [[0] * HOURS for _ in range(7)]
    for day, hour, n in rows:
        counts[date.fromisoformat(day).weekday()][hour] += int(n)
    return Volume(counts)


def count_by_day(conn: Connection, query: ReportQuery) -> dict[date, int]:
    """Tickets of each day, from the first with any to the last of the period."""
    received = view_table(DAILY_TICKET_FACTS, query)
    rows = conn.execute(
        select(received.c.day, func.sum(received.c.n)).where(*query.conditions(received)).group_by(received.c.day)
    )
    return _fill_days({date.fromisoformat(day): int(n) for day, n in rows}, query.last)


def forecast_volume(conn: Connection, query: ReportQuery, today: date) -> VolumeForecast:
    """The forecast from today on, whatever the period of the query."""
    since = today - timedelta(days=min(FORECAST_HISTORY_DAYS, MAX_DAYS))
    found = count_by_day(conn, replace(query, first=since, last=today - timedelta(days=1)))
    return VolumeForecast(found, forecast_week(list(found.values())), count_missing_days(len(found)))


def _fill_days(counts: Mapping[date, int], last: date) -> dict[date, int]:
    if not counts:
        return {}
    first = min(counts)
    return {day: counts.get(day, 0) for day in (first + timedelta(days=n) for n in range((last - first).days + 1))}
