"""The circuit breaker: when the tickets of one class went wrong too often for its promise, told as early as can be.

In come outcomes in the order in which tickets came, each with the chance to be wrong that its promise allows; out goes
the moment at which chance explains them no longer. Reads nothing, knows no clock, and never acts.

It is an e-detector (Shin, Ramdas and Rinaldo 2023, "E-detectors: a nonparametric framework for sequential change
detection"), of the Shiryaev-Roberts kind: for each way of being worse, every ticket multiplies what all starting points
so far have gained by the odds of its outcome. Where the promise is kept, whatever the order and whatever else is going
on, the mean of this after n tickets is n at most. So if it takes `PATIENCE` to trip, then in n tickets of classes that
keep their promises n / `PATIENCE` false alarms are expected at most, however many classes share those tickets.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

PATIENCE: Final = 2_000
"""Tickets for one false alarm, at most, where promises are just kept; it is rarer where they are kept with room."""

WORSE: Final = (2.0, 4.0, 10.0, 18.0)
"""The ways of being worse that are looked for: wrong so many times as often as allowed."""

SURELY: Final = 0.95
"""A class is never suspected of being wrong more often than this, else one right ticket would acquit it for good."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a ticket: whether the machine was wrong, and how often its promise allows that (0..1)."""

    ticket: int
    wrong: bool
    allowed: float


@dataclass(frozen=True, slots=True)
class Tripped:
    """A class was wrong too often: the ticket at which it was certain, and how many of the tickets until then were
    wrong since the suspicion began."""

    ticket: int
    wrong: int
    of: int


def tripped(outcomes: Iterable[Outcome], patience: float = PATIENCE) -> Tripped | None:
    """The first moment at which the outcomes of one class surely break its promise; None while they do not.

    What nobody has spoken on yet is to be given as right: a wrong outcome only ever adds to the suspicion, so that
    later corrections may bring an alarm forward and early ones never cause a false one.

    >>> good, bad = [Outcome(n, False, 0.05) for n in range(40)], [Outcome(n, True, 0.05) for n in range(40, 50)]
    >>> tripped(good), tripped(good + bad)
    (None, Tripped(ticket=42, wrong=3, of=3))
    """
    ways = [_Way(times) for times in WORSE]
    for outcome in outcomes:
        if not 0 < outcome.allowed < 1:
            raise ValueError(f"a promise allows to be wrong with a chance between 0 and 1, not {outcome.allowed}")
        for way in ways:
            way.see(outcome)
        if sum(way.gained for way in ways) >= patience * len(ways):
            likeliest = max(ways, key=lambda way: way.gained)
            return Tripped(outcome.ticket, likeliest.wrong, likeliest.of)
    return None


class _Way:
    """One way of being worse: what all starting points have gained by it, what the best of them has, and how many
    tickets were wrong since that one."""

    __slots__ = ("best", "gained", "of", "times", "wrong")

    def __init__(self, times: float) -> None:
        self.times, self.gained, self.best, self.wrong, self.of = times, 0.0, 0.0, 0, 0

    def see(self, outcome: Outcome) -> None:
        if self.best <= 1:
            self.best, self.wrong, self.of = 1.0, 0, 0
        odds = _odds(outcome, self.times)
        self.gained, self.best = (self.gained + 1) * odds, self.best * odds
        self.wrong, self.of = self.wrong + outcome.wrong, self.of + 1


def _odds(outcome: Outcome, times: float) -> float:
    """How much likelier the outcome is if tickets are wrong so many times as often as allowed."""
    worse = max(min(times * outcome.allowed, SURELY), outcome.allowed)
    return worse / outcome.allowed if outcome.wrong else (1 - worse) / (1 - outcome.allowed)
