"""Splits a history into periods: each model is trained on the tickets settled by then and predicts those that follow.

A ticket's labels are known when it is settled: when it was resolved, or a fixed time after it was received where that
is not recorded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from deskyard.errors import BadInput
from training.data.history import History

WARM_UP_DIVISOR: Final = 5
"""The first period starts after one in so many tickets, unless a day is given."""

MAX_PERIODS: Final = 200
"""The most periods; each of them is a training."""

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """A period of time: the positions of its model's training tickets (`learn`), the `ticket_range` received within it,
    and when each of these was settled."""

    number: int
    start: datetime
    learn: list[int]
    ticket_range: range
    settled: list[datetime]


def split_periods(
    history: History, every: timedelta, lag: timedelta, window: int, begin: datetime | None = None
) -> list[Period]:
    """Periods of length `every` from `begin` to the last ticket; each model is trained on the `window` newest tickets
    that were settled before it starts.

    `lag`: the time after which a ticket without `resolved_at` counts as settled. Raises BadInput for a history without
    times.
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
    received = [at or _EARLIEST for at in times]
    first = next((n for n in range(undated, len(received)) if received[n] >= start), len(received))
    number = 0
    while first < len(received):
        last = next((n for n in range(first, len(received)) if received[n] >= start + every), len(received))
        if last > first:
            known = [n for n in range(first) if settled[n] <= start]
            yield Period(number, start, known[-window:], range(first, last), settled[first:last])
            number += 1
        first, start = last, start + every


def _settled_at(created_at: datetime | None, resolved_at: datetime | None, lag: timedelta) -> datetime:
    return resolved_at or (created_at + lag if created_at else _EARLIEST)
