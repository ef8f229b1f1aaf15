"""The curve of costs: what each promise would have saved, and which promise pays in which queue.

In come lived periods, whose models tried every promise on every ticket, and costs; out come minutes by promise. A queue
is priced on the earlier half of the tickets, and what that price is worth is told on the later half: what was chosen on
the same tickets flatters. Switches, the breaker and labels' parents stand aside: the curve tells what evidence allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.analytics.intervals import Share
from deskyard.policy.policy import Policy, Rule
from training.backtest.misroute_costs import Costs
from training.backtest.walk_forward import PRECISIONS, Lived
from training.data.history import History

FEWEST: Final = 30
"""Tickets of a queue in the earlier half, below which nothing is priced."""


@dataclass(frozen=True, slots=True)
class Point:
    """At a promise (0..1): of `tickets` so many would have gone, so many of these right, and so many minutes saved."""

    precision: float
    tickets: int
    right: Share
    saved: float


@dataclass(frozen=True, slots=True)
class Priced:
    """A queue: the promise tried that is nearest to the present one, the one that saved most in the earlier half, and
    what each saved in the later half, in minutes."""

    queue: str
    tickets: int
    present: float
    best: float
    saved: float
    saved_at_present: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The points from the loosest promise to the strictest, and the queues, the most to gain first."""

    points: tuple[Point, ...]
    queues: tuple[Priced, ...]

    @property
    def best(self) -> Point:
        """What saved most."""
        return max(self.points, key=lambda point: (point.saved, point.precision))

    def policy(self, policy: Policy) -> Policy:
        """The policy with the best promise asked of each queue that was priced."""
        priced = {one.queue: one.best for one in self.queues}
        rules = {queue: policy.queues.get(queue, Rule()) for queue in [*policy.queues, *sorted(priced)]}
        return replace(
            policy,
            queues={q: replace(rule, precision=priced[q]) if q in priced else rule for q, rule in rules.items()},
        )


@dataclass(frozen=True, slots=True)
class _Tickets:
    """All tickets whose queue is known: where they were bound for, whether that was right, by which promises they go
    (promises x tickets), and the minutes that going saves."""

    said: npt.NDArray[np.str_]
    right: npt.NDArray[np.bool_]
    goes: npt.NDArray[np.bool_]
    saves: npt.NDArray[np.float64]


def curve(
    history: History,
    lived: Sequence[Lived],
    asked: Sequence[range],
    belongs: Sequence[str | None],
    costs: Costs,
    policy: Policy,
    usual: float,
) -> Curve:
    """The curve of a history; `usual`: the promise where the policy asks for none."""
    tickets = _tickets(history, lived, asked, belongs, costs)
    points = [
        Point(p, len(gone), Share(int((tickets.right & gone).sum()), int(gone.sum())), float(tickets.saves[gone].sum()))
        for p, gone in zip(PRECISIONS, tickets.goes, strict=True)
    ]
    early = np.arange(len(tickets.said)) < len(tickets.said) // 2
    queues = []
    for queue in np.unique(tickets.said).tolist():
        here = tickets.said == queue
        if queue and (here & early).sum() >= FEWEST:
            queues.append(_priced(tickets, queue, here, early, policy.rule("queue", queue).precision or usual))
    queues.sort(key=lambda one: (one.saved_at_present - one.saved, one.queue))
    return Curve(tuple(points), tuple(queues))


def _priced(
    tickets: _Tickets, queue: str, here: npt.NDArray[np.bool_], early: npt.NDArray[np.bool_], present: float
) -> Priced:
    first, then = ((tickets.goes * tickets.saves)[:, here & part].sum(axis=1) for part in (early, ~early))
    near = min(range(len(PRECISIONS)), key=lambda n: (abs(PRECISIONS[n] - present), -PRECISIONS[n]))
    best = max(range(len(PRECISIONS)), key=lambda n: (first[n], n == near, PRECISIONS[n]))
    return Priced(queue, int(here.sum()), PRECISIONS[near], PRECISIONS[best], float(then[best]), float(then[near]))


def _tickets(
    history: History,
    lived: Sequence[Lived],
    asked: Sequence[range],
    belongs: Sequence[str | None],
    costs: Costs,
) -> _Tickets:
    positions = np.concatenate([np.array(one, np.int64) for one in asked])
    right = np.concatenate([one.right for one in lived])
    known = right >= 0
    said = np.array([name for one in lived for name in one.said], dtype=np.str_)[known]
    saves = [
        costs.by_hand(history.tickets[n].id) - (0.0 if good else costs.wrong(where, belongs[n] or ""))
        for n, good, where in zip(positions[known].tolist(), right[known].tolist(), said.tolist(), strict=True)
    ]
    goes = np.concatenate([one.goes for one in lived], axis=1)[:, known]
    return _Tickets(said, right[known] == 1, goes, np.array(saves))
