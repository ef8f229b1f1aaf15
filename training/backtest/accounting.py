"""Accounts: what a policy's deeds come to: routed, right, wrong, hops, minutes.

In come deeds and costs, out come rows and sums. Minutes are work: a ticket that people sort costs what it takes to sort
it and to pass it on as often as it was passed on in life; one that the machine placed rightly costs nothing, and
wrongly what that pair of queues costs. Tickets whose queue nobody knows count as tickets, and in no sum.
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
    """Of `tickets`: how many the machine placed (`routed`), how many of these were right where that is known, how often
    tickets were passed on, the minutes all of it took and those it would have taken by hand, and the hours that
    tickets lay in wrong queues (None: nobody wrote down when tickets moved)."""

    tickets: int
    routed: int
    right: Proportion
    hops: float
    minutes: float
    manual_minutes: float
    misrouted_hours: float | None

    @property
    def minutes_saved(self) -> float:
        """Minutes, net of what mistakes cost."""
        return self.manual_minutes - self.minutes

    @property
    def share_routed(self) -> float:
        """Of all tickets, 0..1."""
        return self.routed / self.tickets if self.tickets else 0.0


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """One policy: its rows (`rows`), a ticket each in order of time, how often each target was set and right, and what
    the breaker took out, by number of the period."""

    name: str
    rows: pd.DataFrame
    targets_set: Mapping[Target, Proportion] = field(default_factory=dict)
    tripped: Sequence[tuple[int, Target, str]] = ()

    @property
    def totals(self) -> RoutingTotals:
        """Everything together."""
        return sum_rows(self.rows)

    def group_by(self, *columns: str) -> dict[Any, RoutingTotals]:
        """A part each."""
        return {key[0] if len(columns) == 1 else key: sum_rows(part) for key, part in self.rows.groupby(list(columns))}

    @property
    def mistakes(self) -> pd.DataFrame:
        """What was taken for what: queue, where it belonged, tickets and minutes; the dearest first."""
        wrong = self.rows[self.rows["right"] == 0]
        found = wrong.groupby(["queue", "belongs"], as_index=False).agg(
            tickets=("id", "size"), minutes=("minutes", "sum")
        )
        return found.sort_values(["minutes", "queue", "belongs"], ascending=[False, True, True], ignore_index=True)


def account_policy(
    name: str,
    policy_index: int,
    history: History,
    results: Sequence[PeriodResult],
    ticket_ranges: Sequence[range],
    true_queues: Sequence[str | None],
    costs: MisrouteCosts,
) -> PolicyResult:
    """The account of the `which`-th policy; `asked`: the positions of each period's tickets, `belongs`: each ticket's
    queue in the names of today."""
    rows: list[tuple[Any, ...]] = []
    for period, positions in zip(results, ticket_ranges, strict=True):
        for n, deed in zip(positions, period.outcomes[policy_index], strict=True):
            ticket, true = history.tickets[n], true_queues[n]
            right = -1 if true is None or deed.right is None else int(deed.right)
            rows.append(
                (
                    ticket.id, ticket.created_at, period.number, period.start, true or "", deed.queue, deed.routed,
                    right, deed.reason, deed.confidence, *_ticket_costs(deed.routed, right, deed.queue, true, ticket.id, costs),
                )
            )  # fmt: skip
    names = ["id", "at", "period", "start", "belongs", "queue", "placed", "right", "why", "confidence"]
    frame = pd.DataFrame(rows, columns=[*names, "hops", "minutes", "by_hand", "hours"])
    trips = [(one.number, *trip) for one in results for trip in one.tripped[policy_index]]
    return PolicyResult(name, frame, _count_set_targets(results, policy_index), trips)


def sum_rows(rows: pd.DataFrame) -> RoutingTotals:
    """Of these rows."""
    routed, known = rows["placed"], rows["right"] >= 0
    hours = rows["hours"].sum(min_count=1)
    return RoutingTotals(
        tickets=len(rows),
        routed=int(routed.sum()),
        right=Proportion(int((rows["right"] == 1).sum()), int((routed & known).sum())),
        hops=float(rows["hops"].sum()),
        minutes=float(rows["minutes"].sum()),
        manual_minutes=float(rows["by_hand"].sum()),
        misrouted_hours=None if pd.isna(hours) else float(hours),
    )


def _ticket_costs(
    placed: bool, right: int, queue: str, true: str | None, ticket: str, costs: MisrouteCosts
) -> tuple[float, float, float, float]:
    """Hops, minutes, the minutes by hand, and the hours in a wrong queue."""
    by_hand = costs.manual_minutes(ticket)
    if true is None or (placed and right < 0):
        return 0.0, 0.0, 0.0, np.nan
    if not placed:
        return costs.hops_by_ticket.get(ticket, 0), by_hand, by_hand, np.nan
    if right:
        return 0.0, 0.0, by_hand, np.nan
    way = costs.misroute(queue, true)
    return way.hops, costs.wrong_queue_minutes(queue, true), by_hand, np.nan if way.hours is None else way.hours


def _count_set_targets(results: Sequence[PeriodResult], policy_index: int) -> dict[Target, Proportion]:
    found: dict[Target, list[int]] = {}
    for one in results:
        for deed in one.outcomes[policy_index]:
            for target, (_, right) in deed.labels_set.items():
                if right is not None:
                    found.setdefault(target, [0, 0])
                    found[target][0] += right
                    found[target][1] += 1
    return {target: Proportion(*counted) for target, counted in found.items()}
