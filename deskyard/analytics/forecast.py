"""Forecast of the tickets of the next seven days, with the errors of past forecasts; pure.

Exponential smoothing with a weekly season (Holt 1957, Winters 1960), in the error-correction form, which also works
with days without tickets: the level follows the arrivals, and the share of each weekday follows more slowly. It is
compared with the seasonal naive forecast (the same weekday of the week before). Both are tested in the same way, on the
last eight weeks, with forecasts made from the days before only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

WEEK: Final = 7
WARM_UP_DAYS: Final = 3 * WEEK
"""Days of history before the first tested forecast."""

JUDGED_DAYS: Final = 8 * WEEK
LEVEL_SMOOTHING, SEASON_SMOOTHING = 0.15, 0.1
"""The share of an error that goes into the level, and into the share of its weekday."""

RANGE_PROBABILITY: Final = 0.8
"""The probability of the prediction range."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Tickets of each day with their ranges (`RANGE_PROBABILITY`); `week_range`: that of all seven days together.

    `error` and `naive_error`: the sum of absolute errors of days divided by the sum of their tickets, over `judged`
    past forecasts.
    """

    smooth: list[float]
    naive: list[float]
    error: float
    naive_error: float
    judged: int
    ranges: list[tuple[float, float]]
    week_range: tuple[float, float]

    @property
    def beats_naive(self) -> bool:
        """Whether the smoothed forecast has the smaller error."""
        return self.error < self.naive_error

    @property
    def best(self) -> list[float]:
        """The forecast with the smaller error."""
        return self.smooth if self.beats_naive else self.naive

    @property
    def total(self) -> float:
        """Tickets of the seven days."""
        return sum(self.best)


def count_missing_days(days: int) -> int:
    """The further days of tickets that are needed until a forecast can be made and tested."""
    return max(WARM_UP_DAYS + 2 * WEEK - days, 0)


def forecast_week(counts: Sequence[int]) -> Forecast | None:
    """The forecast from the tickets of past days, oldest first, without gaps; None where `count_missing_days`.

    >>> found = forecast_week([10, 12, 11, 10, 9, 2, 1] * 8)
    >>> [round(n) for n in found.smooth], round(found.error, 3)
    ([10, 12, 11, 10, 9, 2, 1], 0.0)
    """
    y = np.asarray(counts, np.float64)
    if count_missing_days(len(y)):
        return None
    made = _smooth_forecasts(y)
    starts = np.arange(max(WARM_UP_DAYS, len(y) - WEEK - JUDGED_DAYS + 1), len(y) - WEEK + 1)
    true = np.stack([y[at : at + WEEK] for at in starts])
    smooth, naive = made[starts], np.stack([y[at - WEEK : at] for at in starts])
    of = max(true.sum(), 1.0)
    error, naive_error = (float(np.abs(predicted - true).sum() / of) for predicted in (smooth, naive))
    better, best = (smooth, made[-1]) if error < naive_error else (naive, y[-WEEK:])
    return Forecast(
        smooth=made[-1].tolist(),
        naive=y[-WEEK:].tolist(),
        error=error,
        naive_error=naive_error,
        judged=len(starts),
        ranges=[_prediction_range(best[h], true[:, h] - better[:, h]) for h in range(WEEK)],
        week_range=_prediction_range(float(best.sum()), (true - better).sum(axis=1)),
    )


def _smooth_forecasts(y: FloatArray) -> FloatArray:
    """The forecasts made before each day and after the last one, shape (days + 1, 7)."""
    start = y[: 2 * WEEK]
    level = max(float(start.mean()), 1e-3)
    season = start.reshape(2, WEEK).mean(axis=0) / level
    made = np.zeros((len(y) + 1, WEEK))
    for day in range(len(y) + 1):
        made[day] = level * season[(day + np.arange(WEEK)) % WEEK]
        if 2 * WEEK <= day < len(y):
            at = day % WEEK
            season[at] += SEASON_SMOOTHING * (y[day] / level - season[at])
            level = max(level + LEVEL_SMOOTHING * (y[day] - level * season[at]), 1e-3)
    return np.maximum(made, 0.0)


def _prediction_range(forecast_value: float, errors: FloatArray) -> tuple[float, float]:
    low, high = np.quantile(errors, [(1 - RANGE_PROBABILITY) / 2, (1 + RANGE_PROBABILITY) / 2])
    return max(forecast_value + min(float(low), 0.0), 0.0), forecast_value + max(float(high), 0.0)
