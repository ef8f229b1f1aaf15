"""The circuit breaker: when the tickets of one class went wrong too often for its promise, told as early as can be.

In come outcomes in the order in which tickets came, each with the chance to be wrong that its promise allows; out goes
the moment at which chance explains them no longer. Reads nothing, knows no clock, and never acts.

It is an e-detector (Shin, Ramdas and Rinaldo 2023, "E-detectors: a nonparametric framework for sequential change
detection"), of the Shiryaev-Roberts kind: for each way of being worse, every ticket multiplies what all starting points
so far have gained by the odds of its outcome. Where the promise is kept, whatever the order and whatever else is going
on, the mean of this after n tickets is n at most. So if it takes `AVERAGE_RUN_LENGTH` to trip, then in n tickets of
classes that keep their promises n / `AVERAGE_RUN_LENGTH` false alarms are expected at most, however many classes share
those
tickets.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

AVERAGE_RUN_LENGTH: Final = 2_000
"""Tickets for one false alarm, at most, where promises are just kept; it is rarer where they are kept with room."""

DEGRADATION_FACTORS: Final = (2.0, 4.0, 10.0, 18.0)
"""The ways of being worse that are looked for: wrong so many times as often as allowed."""

MAX_ERROR_RATE: Final = 0.95
"""A class is never suspected of being wrong more often than this, else one right ticket would acquit it for good."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What became of a ticket: whether the machine was wrong, and how often its promise allows that (0..1)."""

    ticket: int
    wrong: bool
    allowed_error_rate: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """A class was wrong too often: the ticket at which it was certain, and how many of the tickets until then were
    wrong since the suspicion began."""

    ticket: int
    wrong: int
    total: int


def detect_alarm(observations: Iterable[Observation], average_run_length: float = AVERAGE_RUN_LENGTH) -> Alarm | None:
    """The first moment at which the outcomes of one class surely break its promise; None while they do not.

    What nobody has spoken on yet is to be given as right: a wrong outcome only ever adds to the suspicion, so that
    later corrections may bring an alarm forward and early ones never cause a false one.

    >>> good, bad = [Observation(n, False, 0.05) for n in range(40)], [Observation(n, True, 0.05) for n in range(40, 50)]
    >>> detect_alarm(good), detect_alarm(good + bad)
    (None, Tripped(ticket=42, wrong=3, of=3))
    """
    ways = [_Alternative(times) for times in DEGRADATION_FACTORS]
    for outcome in observations:
        if not 0 < outcome.allowed_error_rate < 1:
            raise ValueError(
                f"a promise allows to be wrong with a chance between 0 and 1, not {outcome.allowed_error_rate}"
            )
        for way in ways:
            way.update(outcome)
        if sum(way.statistic for way in ways) >= average_run_length * len(ways):
            likeliest = max(ways, key=lambda way: way.statistic)
            return Alarm(outcome.ticket, likeliest.wrong, likeliest.total)
    return None


class _Alternative:
    """One way of being worse: what all starting points have gained by it, what the best of them has, and how many
    tickets were wrong since that one."""

    __slots__ = ("best_start", "factor", "statistic", "total", "wrong")

    def __init__(self, factor: float) -> None:
        self.factor, self.statistic, self.best_start, self.wrong, self.total = factor, 0.0, 0.0, 0, 0

    def update(self, observation: Observation) -> None:
        if self.best_start <= 1:
            self.best_start, self.wrong, self.total = 1.0, 0, 0
        odds = _likelihood_ratio(observation, self.factor)
        self.statistic, self.best_start = (self.statistic + 1) * odds, self.best_start * odds
        self.wrong, self.total = self.wrong + observation.wrong, self.total + 1


def _likelihood_ratio(observation: Observation, factor: float) -> float:
    """How much likelier the outcome is if tickets are wrong so many times as often as allowed."""
    worse = max(min(factor * observation.allowed_error_rate, MAX_ERROR_RATE), observation.allowed_error_rate)
    return (
        worse / observation.allowed_error_rate
        if observation.wrong
        else (1 - worse) / (1 - observation.allowed_error_rate)
    )
