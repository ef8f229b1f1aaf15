"""The cost curve: minutes saved by required precision, and the best precision for each queue.

The periods' models were tried at every precision on every ticket. A queue's precision is chosen on the earlier half of
the tickets and measured on the later half, as measuring on the same tickets would be optimistic. The policy's switches,
the circuit breaker and labels' parents are ignored: the curve shows what the evidence allows.
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
"""Tickets of a queue in the earlier half below which no precision is chosen for it."""


@dataclass(frozen=True, slots=True)
class CostPoint:
    """At a required `precision` (0..1): of `tickets`, how many would have been routed and correct, and minutes
    saved."""

    precision: float
    tickets: int
    correct: Proportion
    minutes_saved: float


@dataclass(frozen=True, slots=True)
class QueuePrecision:
    """The precisions of a queue: the tried one nearest to the current one, and the one that saved most in the earlier
    half.

    `saved` and `saved_at_current`: the minutes that the best and the current one saved in the later half.
    """

    queue: str
    tickets: int
    current: float
    best: float
    saved: float
    saved_at_current: float


@dataclass(frozen=True, slots=True)
class CostCurve:
    """The points from the lowest precision to the highest, and the queues, the largest gain first."""

    points: tuple[CostPoint, ...]
    queues: tuple[QueuePrecision, ...]

    @property
    def best(self) -> CostPoint:
        """The point that saved most."""
        return max(self.points, key=lambda point: (point.minutes_saved, point.precision))

    def apply_to(self, policy: Policy) -> Policy:
        """The policy with the best precision for each queue of the curve."""
        precisions = {one.queue: one.best for one in self.queues}
        rules = {queue: policy.queues.get(queue, Rule()) for queue in [*policy.queues, *sorted(precisions)]}
        return replace(
            policy,
            queues={
                q: replace(rule, precision=precisions[q]) if q in precisions else rule for q, rule in rules.items()
            },
        )


@dataclass(frozen=True, slots=True)
class _ScoredTickets:
    """All tickets whose true queue is known: predicted queue, whether it is right, at which precisions the ticket is
    routed (precisions x tickets), and the minutes that routing it saves."""

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
    """The cost curve of a backtest; `default_precision`: the required precision where the policy sets none."""
    tickets = _score_tickets(history, results, ticket_ranges, true_queues, costs)
    points = [
        CostPoint(
            p,
            len(routed),
            Proportion(int((tickets.right & routed).sum()), int(routed.sum())),
            float(tickets.minutes_saved[routed].sum()),
        )
        for p, routed in zip(PRECISIONS, tickets.routed, strict=True)
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
    queues.sort(key=lambda one: (one.saved_at_current - one.saved, one.queue))
    return CostCurve(tuple(points), tuple(queues))


def _best_precision(
    tickets: _ScoredTickets, queue: str, here: npt.NDArray[np.bool_], early: npt.NDArray[np.bool_], current: float
) -> QueuePrecision:
    first, then = ((tickets.routed * tickets.minutes_saved)[:, here & part].sum(axis=1) for part in (early, ~early))
    near = min(range(len(PRECISIONS)), key=lambda n: (abs(PRECISIONS[n] - current), -PRECISIONS[n]))
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
    predicted = np.array([name for one in results for name in one.predicted_queues], dtype=np.str_)[known]
    minutes_saved = [
        costs.manual_minutes(history.tickets[n].id)
        - (0.0 if good else costs.wrong_queue_minutes(where, true_queues[n] or ""))
        for n, good, where in zip(positions[known].tolist(), right[known].tolist(), predicted.tolist(), strict=True)
    ]
    routed = np.concatenate([one.routed for one in results], axis=1)[:, known]
    return _ScoredTickets(predicted, right[known] == 1, routed, np.array(minutes_saved))
