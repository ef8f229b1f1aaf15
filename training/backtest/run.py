"""Runs a backtest of policies on a history.

    split into periods     each model is trained on what was settled by its first day
    replay each period     in parallel: train, predict, decide under each policy with the circuit breaker
    account                sum up outcomes and costs; the cost curve; the difference of two policies

No file is read or written. Every model is used as trained; comparing it with its predecessor (`deskyard retrain`) would
need a month of holdout tickets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from joblib import delayed

from deskyard.analytics.savings import DEFAULT_COSTS, RoutingCosts
from deskyard.domain.taxonomy import make_translator
from deskyard.domain.ticket import PLACING_TARGETS
from deskyard.errors import BadInput
from deskyard.policy.policy import Policy
from training.backtest.accounting import PolicyResult, account_policy
from training.backtest.cost_curve import CostCurve, build_cost_curve
from training.backtest.misroute_costs import MisrouteCosts
from training.backtest.periods import Period, split_periods
from training.backtest.policy_difference import PolicyDifference, compare_policies
from training.backtest.walk_forward import PeriodJob, PeriodResult, find_placing_target, replay_period
from training.data.history import History
from training.fit.backend import run_parallel
from training.fit.cross_fitting import Progress
from training.pipeline.options import Options
from training.pipeline.run import no_progress


@dataclass(frozen=True, slots=True)
class BacktestSchedule:
    """The schedule: a model is used for `interval` and trained on at most `window` tickets; a ticket is settled when it
    was resolved, or `settled_after` it was received; the first model starts at `begin` (None: after a fifth of the
    tickets)."""

    interval: timedelta = timedelta(days=30)
    settled_after: timedelta = timedelta(days=7)
    window: int = 10_000
    begin: datetime | None = None


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """The `results`, one per policy; the start and number of training tickets of each period; the `costs` of misroutes;
    the cost `curve` of the first policy; and the `difference` of two policies (None: there is one)."""

    results: tuple[PolicyResult, ...]
    periods: tuple[tuple[datetime, int], ...]
    costs: MisrouteCosts
    curve: CostCurve
    difference: PolicyDifference | None


def run_backtest(
    history: History,
    policies: Mapping[str, Policy],
    options: Options,
    schedule: BacktestSchedule | None = None,
    prices: RoutingCosts = DEFAULT_COSTS,
    progress: Progress = no_progress,
) -> BacktestResult:
    """Replay the history under each of `policies` (by name). Raises BadInput where it can't be split by time."""
    schedule = schedule or BacktestSchedule()
    if not set(options.targets) & set(PLACING_TARGETS):
        raise BadInput("nothing that places tickets is learnt: name queue or category among the targets")
    first = next(iter(policies.values()))
    periods = split_periods(history, schedule.interval, schedule.settled_after, schedule.window, schedule.begin)
    jobs = [delayed(replay_period)(_make_job(history, one, options, list(policies.values()))) for one in periods]
    replayed: list[PeriodResult] = list(progress(run_parallel(jobs, len(history)), len(jobs), "replaying"))
    ticket_ranges, by = [one.ticket_range for one in periods], find_placing_target(history)
    name = make_translator(first.taxonomy, "queue")
    true_queues = [
        None if (queue := first.destination_queue(by, label)) is None else name(queue) for label in history.labels[by]
    ]
    if not any(true_queues[n] for positions in ticket_ranges for n in positions):
        raise BadInput("none of the tickets that would be routed has a queue or category: nothing can be evaluated")
    costs = MisrouteCosts.fit(history, name, prices)
    results = tuple(
        account_policy(label, n, history, replayed, ticket_ranges, true_queues, costs)
        for n, label in enumerate(policies)
    )
    return BacktestResult(
        results,
        tuple((one.start, one.tickets_learnt) for one in replayed),
        costs,
        build_cost_curve(history, replayed, ticket_ranges, true_queues, costs, first, options.precision),
        compare_policies(results[0], results[1]) if len(results) > 1 else None,
    )


def _make_job(history: History, period: Period, options: Options, policies: Sequence[Policy]) -> PeriodJob:
    past, arrivals = history.select(period.learn), history.select(period.ticket_range)
    return PeriodJob(period.number, period.start, past, arrivals, period.settled, options, policies)
