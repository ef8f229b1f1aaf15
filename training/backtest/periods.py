"""Periods: a history cut in time, so that each model learns what people had settled by its day and is asked what came.

In comes a history in order of time, out come stretches of it; texts are handed on, not read. Nobody knows a ticket's
labels before it is settled: when it was resolved, or where nobody wrote that down, so long after it came.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from deskyard.errors import BadInput
from training.data.history import History

WARM_UP_DIVISOR: Final = 5
"""One ticket in so many comes before the first period, unless a day is named."""

MAX_PERIODS: Final = 200
"""Periods; each of them is a training."""

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time: the tickets (positions in the history) that its model learns from, those that come within it,
    and when each of these was settled."""

    number: int
    start: datetime
    learn: list[int]
    ticket_range: range
    settled: list[datetime]


def split_periods(
    history: History, every: timedelta, lag: timedelta, window: int, begin: datetime | None = None
) -> list[Period]:
    """Stretches of length `every` from `begin` to the last ticket; each model learns from the `window` newest tickets
    settled before it starts.

    `lag`: when a ticket without `resolved_at` is taken for settled. Raises BadInput for a history without times.
    """
    times = [ticket.created_at for ticket in history.tickets]
    undated = sum(at is None for at in times)
    dated = [at for at in times if at is not None]
    if len(dated) <= WARM_UP_DIVISOR:
        raise BadInput("a backtest goes through time: it needs a history with created_at")
    settled = [
        _settled_at(at, done, lag) for at, done in zip(times, history.resolutions or [None] * len(times), strict=True)
    ]
    start = begin or dated[len(dated) // WARM_UP_DIVISOR]
    if start > dated[-1]:
        raise BadInput(f"no ticket came after {start:%Y-%m-%d}: the last one is of {dated[-1]:%Y-%m-%d}")
    if (dated[-1] - start) / every > MAX_PERIODS:
        raise BadInput(
            f"that is more than {MAX_PERIODS} trainings: let a model serve longer than {every.days} days (--every)"
        )
    return list(_generate_periods(times, settled, undated, start, every, window))


def _generate_periods(
    times: list[datetime | None],
    settled: list[datetime],
    undated: int,
    start: datetime,
    every: timedelta,
    window: int,
) -> Iterator[Period]:
    came = [at or _EARLIEST for at in times]
    first = next((n for n in range(undated, len(came)) if came[n] >= start), len(came))
    number = 0
    while first < len(came):
        last = next((n for n in range(first, len(came)) if came[n] >= start + every), len(came))
        if last > first:
            known = [n for n in range(first) if settled[n] <= start]
            yield Period(number, start, known[-window:], range(first, last), settled[first:last])
            number += 1
        first, start = last, start + every


def _settled_at(created_at: datetime | None, resolved_at: datetime | None, lag: timedelta) -> datetime:
    return resolved_at or (created_at + lag if created_at else _EARLIEST)
