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

from deskyard.analytics.savings import USUAL, Prices
from deskyard.domain.taxonomy import names
from deskyard.errors import BadInput
from deskyard.policy.policy import PLACING, Policy
from training.backtest.accounting import Account, account
from training.backtest.cost_curve import Curve, curve
from training.backtest.misroute_costs import Costs
from training.backtest.periods import Period, periods
from training.backtest.policy_difference import Difference, difference
from training.backtest.walk_forward import Lived, Stretch, live, placing
from training.data.history import History
from training.fit.backend import side_by_side
from training.fit.cross_fitting import Progress
from training.pipeline.options import Options
from training.pipeline.run import quiet


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How time goes: a model serves `every`, learns from at most `window` tickets, a ticket is settled when it was
    resolved or `lag` after it came, and the first model starts at `begin` (None: when a fifth of the tickets came)."""

    every: timedelta = timedelta(days=30)
    lag: timedelta = timedelta(days=7)
    window: int = 10_000
    begin: datetime | None = None


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of it: the accounts, a policy each; how many tickets each period's model had learnt from; the costs;
    the curve of the first policy; and the difference of the first two (None: there is one policy)."""

    accounts: tuple[Account, ...]
    periods: tuple[tuple[datetime, int], ...]
    costs: Costs
    curve: Curve
    difference: Difference | None


def backtest(
    history: History,
    policies: Mapping[str, Policy],
    options: Options,
    rhythm: Rhythm | None = None,
    prices: Prices = USUAL,
    progress: Progress = quiet,
) -> Backtest:
    """Let each of `policies` (by name) live through the history; raises BadInput where it can't be cut in time."""
    rhythm = rhythm or Rhythm()
    if not set(options.targets) & set(PLACING):
        raise BadInput("nothing that places tickets is learnt: name queue or category among the targets")
    first = next(iter(policies.values()))
    cut = periods(history, rhythm.every, rhythm.lag, rhythm.window, rhythm.begin)
    jobs = [delayed(live)(_stretch(history, one, options, list(policies.values()))) for one in cut]
    lived: list[Lived] = list(progress(side_by_side(jobs, len(history)), len(jobs), "living through"))
    asked, by = [one.ask for one in cut], placing(history)
    name = names(first.taxonomy, "queue")
    belongs = [None if (queue := first.bound_for(by, label)) is None else name(queue) for label in history.labels[by]]
    if not any(belongs[n] for positions in asked for n in positions):
        raise BadInput("none of the tickets that would be routed has a queue or category: nothing can be judged")
    costs = Costs.learnt(history, name, prices)
    accounts = tuple(
        account(label, which, history, lived, asked, belongs, costs) for which, label in enumerate(policies)
    )
    return Backtest(
        accounts,
        tuple((one.start, one.learnt) for one in lived),
        costs,
        curve(history, lived, asked, belongs, costs, first, options.precision),
        difference(accounts[0], accounts[1]) if len(accounts) > 1 else None,
    )


def _stretch(history: History, period: Period, options: Options, policies: Sequence[Policy]) -> Stretch:
    past, came = history.part(period.learn), history.part(period.ask)
    return Stretch(period.number, period.start, past, came, period.settled, options, policies)
