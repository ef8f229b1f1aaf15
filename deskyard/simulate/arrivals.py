"""Draws the times at which tickets arrive, with daily and weekly patterns, in whole seconds of UTC."""

from bisect import bisect_right
from datetime import datetime, timedelta, tzinfo
from itertools import accumulate
from typing import Final

from deskyard.simulate.rng import Rng

_HOURS: Final = (1, 1, 1, 1, 1, 2, 4, 10, 26, 40, 42, 38, 28, 30, 36, 34, 30, 24, 14, 8, 6, 4, 3, 2)
_WEEKDAYS: Final = (1.25, 1.1, 1.0, 1.0, 0.9, 0.22, 0.15)


def draw_arrivals(count: int, start: datetime, days: int, zone: tzinfo, rng: Rng) -> list[datetime]:
    """`count` times in [start, start + days), in order; busiest on Monday mornings in the time zone of the desk.

    >>> from datetime import UTC
    >>> moments = draw_arrivals(100, datetime(2025, 1, 6, tzinfo=UTC), 7, UTC, Rng("doc"))
    >>> len(moments), moments == sorted(moments), sum(moment.weekday() >= 5 for moment in moments) < 20
    (100, True, True)
    """
    weights = []
    for hour in range(days * 24):
        local = (start + timedelta(hours=hour)).astimezone(zone)
        weights.append(_HOURS[local.hour] * _WEEKDAYS[local.weekday()])
    edges = list(accumulate(weights))
    seconds = []
    for _ in range(count):
        target = rng.uniform() * edges[-1]
        hour = min(bisect_right(edges, target), len(edges) - 1)
        seconds.append(hour * 3600 + int(3600 * (1 - (edges[hour] - target) / weights[hour])))
    return [start + timedelta(seconds=second) for second in sorted(seconds)]


def draw_burst(count: int, start: datetime, days: int, zone: tzinfo, rng: Rng) -> list[datetime]:
    """`count` times within twelve minutes of one working morning, about two thirds into the period, for the burst."""
    day = (start + timedelta(days=int(days * (0.55 + 0.2 * rng.uniform())))).astimezone(zone)
    day += timedelta(days=(0, 0, 0, 0, 0, -1, -2)[day.weekday()])
    begin = day.replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(minutes=rng.integer(90))
    begin = max(begin.astimezone(start.tzinfo), start)
    return sorted(begin + timedelta(seconds=rng.integer(720)) for _ in range(count))
