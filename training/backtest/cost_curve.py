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

from deskyard.analytics.intervals import Proportion
from deskyard.policy.policy import Policy, Rule
from training.backtest.misroute_costs import MisrouteCosts
from training.backtest.walk_forward import PRECISIONS, PeriodResult
from training.data.history import History

MIN_TICKETS: Final = 30
"""Tickets of a queue in the earlier half, below which nothing is priced."""


@dataclass(frozen=True, slots=True)
class CostPoint:
    """At a promise (0..1): of `tickets` so many would have gone, so many of these right, and so many minutes saved."""

    precision: float
    tickets: int
    right: Proportion
    saved: float


@dataclass(frozen=True, slots=True)
class QueuePrecision:
    """A queue: the promise tried that is nearest to the present one, the one that saved most in the earlier half, and
    what each saved in the later half, in minutes."""

    queue: str
    tickets: int
    present: float
    best: float
    saved: float
    saved_at_present: float


@dataclass(frozen=True, slots=True)
class CostCurve:
    """The points from the loosest promise to the strictest, and the queues, the most to gain first."""

    points: tuple[CostPoint, ...]
    queues: tuple[QueuePrecision, ...]

    @property
    def best(self) -> CostPoint:
        """What saved most."""
        return max(self.points, key=lambda point: (point.saved, point.precision))

    def apply_to(self, policy: Policy) -> Policy:
        """The policy with the best promise asked of each queue that was priced."""
        priced = {one.queue: one.best for one in self.queues}
        rules = {queue: policy.queues.get(queue, Rule()) for queue in [*policy.queues, *sorted(priced)]}
        return replace(
            policy,
            queues={q: replace(rule, precision=priced[q]) if q in priced else rule for q, rule in rules.items()},
        )


@dataclass(frozen=True, slots=True)
class _ScoredTickets:
    """All tickets whose queue is known: where they were bound for, whether that was right, by which promises they go
    (promises x tickets), and the minutes that going saves."""

    queues: npt.NDArray[np.str_]
    right: npt.NDArray[np.bool_]
    routed: npt.NDArray[np.bool_]
    minutes_saved: npt.NDArray[np.float64]


def build_cost_curve(
    history: History,
    results: Sequence[PeriodResult],
    ticket_ranges: Sequence[range],
    true_queues: Sequence[str | None],
    costs: MisrouteCosts,
    policy: Policy,
    default_precision: float,
) -> CostCurve:
    """The curve of a history; `usual`: the promise where the policy asks for none."""
    tickets = _score_tickets(history, results, ticket_ranges, true_queues, costs)
    points = [
        CostPoint(
            p,
            len(gone),
            Proportion(int((tickets.right & gone).sum()), int(gone.sum())),
            float(tickets.minutes_saved[gone].sum()),
        )
        for p, gone in zip(PRECISIONS, tickets.routed, strict=True)
    ]
    early = np.arange(len(tickets.queues)) < len(tickets.queues) // 2
    queues = []
    for queue in np.unique(tickets.queues).tolist():
        here = tickets.queues == queue
        if queue and (here & early).sum() >= MIN_TICKETS:
            queues.append(
                _best_precision(
                    tickets, queue, here, early, policy.effective_rule("queue", queue).precision or default_precision
                )
            )
    queues.sort(key=lambda one: (one.saved_at_present - one.saved, one.queue))
    return CostCurve(tuple(points), tuple(queues))


def _best_precision(
    tickets: _ScoredTickets, queue: str, here: npt.NDArray[np.bool_], early: npt.NDArray[np.bool_], present: float
) -> QueuePrecision:
    first, then = ((tickets.routed * tickets.minutes_saved)[:, here & part].sum(axis=1) for part in (early, ~early))
    near = min(range(len(PRECISIONS)), key=lambda n: (abs(PRECISIONS[n] - present), -PRECISIONS[n]))
    best = max(range(len(PRECISIONS)), key=lambda n: (first[n], n == near, PRECISIONS[n]))
    return QueuePrecision(
        queue, int(here.sum()), PRECISIONS[near], PRECISIONS[best], float(then[best]), float(then[near])
    )


def _score_tickets(
    history: History,
    results: Sequence[PeriodResult],
    ticket_ranges: Sequence[range],
    true_queues: Sequence[str | None],
    costs: MisrouteCosts,
) -> _ScoredTickets:
    positions = np.concatenate([np.array(one, np.int64) for one in ticket_ranges])
    right = np.concatenate([one.correct for one in results])
    known = right >= 0
    said = np.array([name for one in results for name in one.predicted_queues], dtype=np.str_)[known]
    saves = [
        costs.manual_minutes(history.tickets[n].id)
        - (0.0 if good else costs.wrong_queue_minutes(where, true_queues[n] or ""))
        for n, good, where in zip(positions[known].tolist(), right[known].tolist(), said.tolist(), strict=True)
    ]
    goes = np.concatenate([one.routed for one in results], axis=1)[:, known]
    return _ScoredTickets(said, right[known] == 1, goes, np.array(saves))
