"""The exact bounds are those of SciPy's binomial test, on both sides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from deskyard.guarantees.intervals import interval, lower_bound, upper_bound


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_interval_is_the_exact_one_of_clopper_and_pearson(right, wrong):
    n = right + wrong
    if n == 0:
        assert interval(right, n) == (0, 1)
        return
    exact = binomtest(right, n).proportion_ci(0.95, method="exact")
    assert interval(right, n) == pytest.approx((exact.low, exact.high), abs=1e-9)


@pytest.mark.parametrize(("right", "n"), [(0, 0), (0, 9), (9, 9), (94, 100)])
def test_a_true_share_lies_between_the_bounds_and_the_one_sided_ones_are_closer(right, n):
    low, high = interval(right, n)
    assert low <= lower_bound(right, n) <= upper_bound(right, n) <= high
    assert n == 0 or lower_bound(right, n) <= right / n <= upper_bound(right, n)
