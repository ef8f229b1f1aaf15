"""Sums up a policy's outcomes: routed tickets, precision, reassignments and minutes of work.

A manually triaged ticket costs its triage time and its actual reassignments; a correctly routed ticket costs nothing; a
misrouted one costs the average of that pair of queues. Tickets whose true queue is unknown are counted, but have no
costs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from deskyard.analytics.intervals import Proportion
from deskyard.domain.ticket import Target
from training.backtest.misroute_costs import MisrouteCosts
from training.backtest.walk_forward import PeriodResult
from training.data.history import History


@dataclass(frozen=True, slots=True)
class RoutingTotals:
    """Sums over `tickets`.

    `routed`: how many were routed automatically; `correct`: how many of those with a known true queue were right;
    `reassignments` of all tickets; `minutes` of work, and `manual_minutes` without automatic routing;
    `misrouted_hours` that tickets spent in wrong queues (None: the history has no moves).
    """

    tickets: int
    routed: int
    correct: Proportion
    reassignments: float
    minutes: float
    manual_minutes: float
    misrouted_hours: float | None

    @property
    def minutes_saved(self) -> float:
        """Minutes saved by automatic routing, net of the costs of misroutes."""
        return self.manual_minutes - self.minutes

    @property
    def share_routed(self) -> float:
        """The share of tickets that were routed (0..1)."""
        return self.routed / self.tickets if self.tickets else 0.0


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """The result of one policy.

    `rows`: one row per ticket in order of time. `targets_set`: how often each target was set, and rightly. `tripped`:
    labels held back by the circuit breaker, with the number of the period.
    """

    name: str
    rows: pd.DataFrame
    targets_set: Mapping[Target, Proportion] = field(default_factory=dict)
    tripped: Sequence[tuple[int, Target, str]] = ()

    @property
    def totals(self) -> RoutingTotals:
        """The sums over all tickets."""
        return sum_rows(self.rows)

    def group_by(self, *columns: str) -> dict[Any, RoutingTotals]:
        """The sums for each value of the columns (a tuple of values for several columns)."""
        return {key[0] if len(columns) == 1 else key: sum_rows(part) for key, part in self.rows.groupby(list(columns))}

    @property
    def mistakes(self) -> pd.DataFrame:
        """Misroutes by pair: queue, true queue, tickets and minutes; the most expensive first."""
        wrong = self.rows[self.rows["correct"] == 0]
        found = wrong.groupby(["queue", "true_queue"], as_index=False).agg(
            tickets=("id", "size"), minutes=("minutes", "sum")
        )
        return found.sort_values(["minutes", "queue", "true_queue"], ascending=[False, True, True], ignore_index=True)


def account_policy(
    name: str,
    policy_index: int,
    history: History,
    results: Sequence[PeriodResult],
    ticket_ranges: Sequence[range],
    true_queues: Sequence[str | None],
    costs: MisrouteCosts,
) -> PolicyResult:
    """The result of the policy at `policy_index`.

    `ticket_ranges`: the positions of each period's tickets; `true_queues`: each ticket's queue by its current name.
    """
    rows: list[tuple[Any, ...]] = []
    for period, positions in zip(results, ticket_ranges, strict=True):
        for n, outcome in zip(positions, period.outcomes[policy_index], strict=True):
            ticket, true = history.tickets[n], true_queues[n]
            right = -1 if true is None or outcome.right is None else int(outcome.right)
            rows.append(
                (
                    ticket.id, ticket.created_at, period.number, period.start, true or "", outcome.queue,
                    outcome.routed, right, outcome.reason, outcome.confidence,
                    *_ticket_costs(outcome.routed, right, outcome.queue, true, ticket.id, costs),
                )
            )  # fmt: skip
    names = ["id", "at", "period", "start", "true_queue", "queue", "routed", "correct", "reason", "confidence"]
    frame = pd.DataFrame(rows, columns=[*names, "reassignments", "minutes", "manual_minutes", "misrouted_hours"])
    tripped = [(one.number, *label) for one in results for label in one.tripped[policy_index]]
    return PolicyResult(name, frame, _count_set_targets(results, policy_index), tripped)


def sum_rows(rows: pd.DataFrame) -> RoutingTotals:
    """The sums over these rows."""
    routed, known = rows["routed"], rows["correct"] >= 0
    hours = rows["misrouted_hours"].sum(min_count=1)
    return RoutingTotals(
        tickets=len(rows),
        routed=int(routed.sum()),
        correct=Proportion(int((rows["correct"] == 1).sum()), int((routed & known).sum())),
        reassignments=float(rows["reassignments"].sum()),
        minutes=float(rows["minutes"].sum()),
        manual_minutes=float(rows["manual_minutes"].sum()),
        misrouted_hours=None if pd.isna(hours) else float(hours),
    )


def _ticket_costs(
    routed: bool, right: int, queue: str, true: str | None, ticket: str, costs: MisrouteCosts
) -> tuple[float, float, float, float]:
    """Reassignments, minutes, manual minutes, and hours in a wrong queue (NaN: unknown or none)."""
    manual = costs.manual_minutes(ticket)
    if true is None or (routed and right < 0):
        return 0.0, 0.0, 0.0, np.nan
    if not routed:
        return costs.reassignments_by_ticket.get(ticket, 0), manual, manual, np.nan
    if right:
        return 0.0, 0.0, manual, np.nan
    misroute = costs.misroute(queue, true)
    hours = np.nan if misroute.hours is None else misroute.hours
    return misroute.reassignments, costs.wrong_queue_minutes(queue, true), manual, hours


def _count_set_targets(results: Sequence[PeriodResult], policy_index: int) -> dict[Target, Proportion]:
    found: dict[Target, list[int]] = {}
    for one in results:
        for outcome in one.outcomes[policy_index]:
            for target, (_, right) in outcome.labels_set.items():
                if right is not None:
                    found.setdefault(target, [0, 0])
                    found[target][0] += right
                    found[target][1] += 1
    return {target: Proportion(*counted) for target, counted in found.items()}
