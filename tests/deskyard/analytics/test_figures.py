"""Intervals, contract status, forecasts and savings follow from the counts."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from deskyard.analytics.forecast import WARM_UP_DAYS, WEEK, _smooth_forecasts, count_missing_days, forecast_week
from deskyard.analytics.intervals import Proportion
from deskyard.analytics.response_times import compute_quantiles
from deskyard.analytics.savings import RoutingCosts, estimate_blind_savings, estimate_savings
from deskyard.errors import BadInput


@pytest.mark.parametrize(("right", "n"), [(0, 5), (5, 5), (3, 7), (970, 1000), (1, 1)])
def test_intervals_are_exact(right, n):
    exact = binomtest(right, n).proportion_ci(0.95, method="exact")
    assert Proportion(right, n).interval == pytest.approx((exact.low, exact.high))


def test_a_contract_is_missed_only_where_chance_does_not_explain_it():
    for n in (20, 200, 2000):
        for right in range(n + 1):
            verdict = Proportion(right, n).contract_status(0.95)
            chance = binomtest(right, n, 0.95, alternative="less").pvalue
            assert verdict == ("met" if right >= 0.95 * n else "missed" if chance <= 0.05 else "undecided")


def weeks(n, seed=1, growth=0.0):
    dice = np.random.default_rng(seed)
    shape = np.array([60, 55, 50, 50, 45, 8, 5])
    return [int(dice.poisson(shape[day % 7] * (1 + growth * day))) for day in range(7 * n)]


def test_a_forecast_of_noisy_weeks_beats_last_weeks_figures():
    found = forecast_week(weeks(26))
    assert found.beats_naive
    assert found.best == found.smooth
    assert found.total == pytest.approx(273, rel=0.15)
    assert found.judged == 56


def test_a_forecast_that_does_not_beat_them_says_so_and_shows_them():
    counts = weeks(8, seed=3)
    counts[-7 * 6 :] = [counts[0] * 40 + day % 7 * 11 for day in range(7 * 6)]  # a jump, then every week the same
    found = forecast_week(counts)
    assert not found.beats_naive
    assert found.best == found.naive == counts[-7:]


def test_a_forecast_knows_nothing_of_the_days_it_is_judged_on():
    counts = weeks(10)
    changed = [*counts[:60], *([999] * 10)]
    before, after = (_smooth_forecasts(np.array(one, float)) for one in (counts, changed))
    assert (before[:61] == after[:61]).all()
    assert (before[61:] != after[61:]).any()


def test_the_range_of_the_week_holds_about_as_often_as_it_says():
    held = 0
    for seed in range(60):
        counts = weeks(27, seed)
        found = forecast_week(counts[:-7])
        held += found.week_range[0] <= sum(counts[-7:]) <= found.week_range[1]
    assert 0.6 <= held / 60 <= 0.95


def test_too_short_a_history_says_how_many_days_it_lacks():
    needed = WARM_UP_DAYS + 2 * WEEK
    assert forecast_week([5] * (needed - 1)) is None
    assert count_missing_days(needed - 1) == 1
    assert forecast_week([5] * needed) is not None


def test_a_desk_without_tickets_has_a_forecast_of_none():
    found = forecast_week([0] * 60)
    assert (found.total, found.error) == (0.0, 0.0)


def test_savings_are_net_of_mistakes_and_may_be_losses():
    assert estimate_savings(Proportion(10, 100), RoutingCosts(1.0, 10.0, 60.0)).minutes == 10 - 900
    assert estimate_savings(Proportion(0, 0), RoutingCosts()).money == 0


def test_the_blind_estimate_is_used_on_the_same_tickets():
    found = estimate_blind_savings(Proportion(970, 1000), Proportion(18, 20), RoutingCosts(3.0, 15.0, 20.0))
    assert (found.right.right, found.right.n) == (900, 1000)
    assert estimate_blind_savings(Proportion(970, 1000), Proportion(0, 0), RoutingCosts()) is None


@pytest.mark.parametrize("wrong", [-1.0, 1e9, float("nan")])
def test_prices_that_cannot_be_are_refused(wrong):
    with pytest.raises(BadInput):
        RoutingCosts(wrong)


def test_nine_of_ten_do_not_exceed_the_ninth_decile():
    for n in (1, 2, 9, 10, 11, 500):
        values = np.random.default_rng(n).integers(0, 60, n)
        found, ordered = compute_quantiles(values), sorted(values.tolist())
        assert (found.n, found.median, found.p90) == (n, ordered[math.ceil(n / 2) - 1], ordered[math.ceil(0.9 * n) - 1])
