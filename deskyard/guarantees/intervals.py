"""Exact binomial bounds on the true share of right answers, given `right` of `n`.

All bounds are those of Clopper and Pearson (1934). They hold at their confidence for every n and every true share, and
are wider than approximations.
"""

from typing import Final

import numpy as np

ALPHA: Final = 0.05
"""The probability that a bound does not hold: 95 % confidence."""


def lower_bound(right: int, n: int, alpha: float = ALPHA) -> float:
    """The lower bound (0..1) of the share of right answers, at confidence 1 - `alpha`; 0 without evidence.

    >>> round(lower_bound(59, 59), 3), lower_bound(0, 0)
    (0.95, 0.0)
    """
    from scipy.special import betaincinv  # only here: the service starts without SciPy

    return float(betaincinv(right, n - right + 1, alpha)) if right else 0.0


def upper_bound(right: int, n: int, alpha: float = ALPHA) -> float:
    """The upper bound (0..1) of the share of right answers, at confidence 1 - `alpha`; 1 without evidence.

    >>> round(upper_bound(0, 59), 3), upper_bound(59, 59)
    (0.05, 1.0)
    """
    return 1 - lower_bound(n - right, n, alpha)


def interval(right: int, n: int) -> tuple[float, float]:
    """The two-sided 95 % interval of the share `right` of `n`; all of 0..1 without tickets.

    >>> tuple(round(edge, 3) for edge in interval(9, 10)), interval(0, 0)
    ((0.555, 0.997), (0.0, 1.0))
    """
    return lower_bound(right, n, ALPHA / 2), upper_bound(right, n, ALPHA / 2)


def min_tickets_to_prove(required_precision: float, alpha: float = ALPHA) -> int:
    """The fewest tickets, all of them right, that prove `required_precision`.

    >>> min_tickets_to_prove(0.95), min_tickets_to_prove(0.99)
    (59, 299)
    """
    return int(np.ceil(np.log(alpha) / np.log(required_precision)))
