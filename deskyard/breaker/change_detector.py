"""Detects, as early as possible, that the tickets of one label are wrong more often than its contract allows.

Input are the outcomes of tickets in the order in which they were received, each with the error rate that the contract
allows; the result is the first moment at which chance does not explain them. Reads nothing and knows no clock.

It is an e-detector (Shin, Ramdas and Rinaldo 2023, "E-detectors: a nonparametric framework for sequential change
detection") of the Shiryaev-Roberts kind: for each alternative error rate, every ticket multiplies the evidence of all
starting points so far by the likelihood ratio of its outcome. While the contract holds, whatever the order and whatever
else happens, the mean of this sum after n tickets is at most n. With the threshold `AVERAGE_RUN_LENGTH`, n tickets of
labels whose contracts hold therefore cause at most n / `AVERAGE_RUN_LENGTH` false alarms on average, however many
labels share these tickets.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

AVERAGE_RUN_LENGTH: Final = 2_000
"""Mean number of tickets between false alarms, at least, where contracts hold without any margin."""

DEGRADATION_FACTORS: Final = (2.0, 4.0, 10.0, 18.0)
"""The alternatives that are tested: wrong so many times as often as allowed."""

MAX_ERROR_RATE: Final = 0.95
"""Upper limit of alternative error rates: else a single correct ticket would remove all evidence."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The outcome of a ticket: whether the prediction was wrong, and the error rate that its contract allows (0..1)."""

    ticket: int
    wrong: bool
    allowed_error_rate: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """A label was wrong too often: the ticket at which this was certain, and how many of the `total` tickets since the
    most likely beginning were wrong."""

    ticket: int
    wrong: int
    total: int


def detect_alarm(observations: Iterable[Observation], average_run_length: float = AVERAGE_RUN_LENGTH) -> Alarm | None:
    """The first moment at which the outcomes of one label significantly break its contract; None while they do not.

    Tickets that nobody has reviewed yet are to be given as correct: only wrong outcomes add evidence, so corrections
    that come later may raise an alarm, and missing ones never cause a false one.

    >>> good = [Observation(n, False, 0.05) for n in range(40)]
    >>> bad = [Observation(n, True, 0.05) for n in range(40, 50)]
    >>> detect_alarm(good), detect_alarm(good + bad)
    (None, Alarm(ticket=42, wrong=3, total=3))
    """
    alternatives = [_Alternative(factor) for factor in DEGRADATION_FACTORS]
    for observation in observations:
        if not 0 < observation.allowed_error_rate < 1:
            raise ValueError(f"the allowed error rate must be between 0 and 1, not {observation.allowed_error_rate}")
        for alternative in alternatives:
            alternative.update(observation)
        if sum(alternative.statistic for alternative in alternatives) >= average_run_length * len(alternatives):
            most_likely = max(alternatives, key=lambda alternative: alternative.statistic)
            return Alarm(observation.ticket, most_likely.wrong, most_likely.total)
    return None


class _Alternative:
    """One alternative error rate: the evidence of all starting points together (`statistic`), that of the best one, and
    how many of the tickets since that one were wrong."""

    __slots__ = ("best_start", "factor", "statistic", "total", "wrong")

    def __init__(self, factor: float) -> None:
        self.factor, self.statistic, self.best_start, self.wrong, self.total = factor, 0.0, 0.0, 0, 0

    def update(self, observation: Observation) -> None:
        if self.best_start <= 1:
            self.best_start, self.wrong, self.total = 1.0, 0, 0
        ratio = _likelihood_ratio(observation, self.factor)
        self.statistic, self.best_start = (self.statistic + 1) * ratio, self.best_start * ratio
        self.wrong, self.total = self.wrong + observation.wrong, self.total + 1


def _likelihood_ratio(observation: Observation, factor: float) -> float:
    """How much more probable the outcome is if tickets are wrong `factor` times as often as allowed."""
    error_rate = max(min(factor * observation.allowed_error_rate, MAX_ERROR_RATE), observation.allowed_error_rate)
    return (
        error_rate / observation.allowed_error_rate
        if observation.wrong
        else (1 - error_rate) / (1 - observation.allowed_error_rate)
    )
