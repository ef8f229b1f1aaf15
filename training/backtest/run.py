"""A backtest: a history and policies go in; what each would have done, what it cost, and the difference come out.

    cut into periods       each model learns what was settled by its first day
    live each period       side by side: learn, predict, decide under each policy, the breaker looking on
    account                deeds and costs to sums; the curve of costs; the difference of two policies

Reads no file and writes none. Each model is put in use as it is: comparing it with the one before is another matter
(`deskyard retrain`), and costs a month's tickets that judge.
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
    """How time goes: a model serves `every`, learns from at most `window` tickets, a ticket is settled when it was
    resolved or `lag` after it came, and the first model starts at `begin` (None: when a fifth of the tickets came)."""

    interval: timedelta = timedelta(days=30)
    settled_after: timedelta = timedelta(days=7)
    window: int = 10_000
    begin: datetime | None = None


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """What came of it: the accounts, a policy each; how many tickets each period's model had learnt from; the costs;
    the curve of the first policy; and the difference of the first two (None: there is one policy)."""

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
    """Let each of `policies` (by name) live through the history; raises BadInput where it can't be cut in time."""
    schedule = schedule or BacktestSchedule()
    if not set(options.targets) & set(PLACING_TARGETS):
        raise BadInput("nothing that places tickets is learnt: name queue or category among the targets")
    first = next(iter(policies.values()))
    cut = split_periods(history, schedule.interval, schedule.settled_after, schedule.window, schedule.begin)
    jobs = [delayed(replay_period)(_make_job(history, one, options, list(policies.values()))) for one in cut]
    lived: list[PeriodResult] = list(progress(run_parallel(jobs, len(history)), len(jobs), "living through"))
    asked, by = [one.ticket_range for one in cut], find_placing_target(history)
    name = make_translator(first.taxonomy, "queue")
    belongs = [
        None if (queue := first.destination_queue(by, label)) is None else name(queue) for label in history.labels[by]
    ]
    if not any(belongs[n] for positions in asked for n in positions):
        raise BadInput("none of the tickets that would be routed has a queue or category: nothing can be judged")
    costs = MisrouteCosts.fit(history, name, prices)
    accounts = tuple(
        account_policy(label, which, history, lived, asked, belongs, costs) for which, label in enumerate(policies)
    )
    return BacktestResult(
        accounts,
        tuple((one.start, one.tickets_learnt) for one in lived),
        costs,
        build_cost_curve(history, lived, asked, belongs, costs, first, options.precision),
        compare_policies(accounts[0], accounts[1]) if len(accounts) > 1 else None,
    )


def _make_job(history: History, period: Period, options: Options, policies: Sequence[Policy]) -> PeriodJob:
    past, came = history.select(period.learn), history.select(period.ticket_range)
    return PeriodJob(period.number, period.start, past, came, period.settled, options, policies)
