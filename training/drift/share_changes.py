"""Finds values (words, channels, languages, labels) whose share of tickets has changed significantly."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import hypergeom

MIN_TICKETS: Final = 10
"""Tickets with a value, before and now together, below which it is not tested."""

MAX_P_VALUE: Final = 0.001
"""The probability that any value of a kind is reported although none has changed."""

MIN_RATIO: Final = 1.5
"""Changes by a smaller factor are not reported, however significant."""


@dataclass(frozen=True, slots=True)
class ShareChange:
    """A value's share of tickets (0..1) before and now, and the p-value of the change, corrected for all values of its
    kind."""

    value: str
    before: float
    now: float
    p_value: float

    @property
    def size(self) -> float:
        """The absolute change of the share, 0..1."""
        return abs(self.now - self.before)


def find_share_changes(before: Sequence[Collection[str]], now: Sequence[Collection[str]]) -> list[ShareChange]:
    """The values with significant changes, the largest first; each ticket is given as the values that it has.

    Fisher's exact test of each value, two-sided, with Bonferroni's correction: where nothing has changed and tickets
    are independent, anything is reported with probability `MAX_P_VALUE` at most.

    >>> find_share_changes([["mail"]] * 90 + [["form"]] * 10, [["mail"]] * 50 + [["form"]] * 50)[0].value
    'form'
    >>> find_share_changes([["mail"], ["form"]] * 100, [["form"], ["mail"]] * 50)
    []
    """
    if not before or not now:
        return []
    was, came = (Counter(value for ticket in tickets for value in set(ticket)) for tickets in (before, now))
    values = sorted(value for value in was | came if was[value] + came[value] >= MIN_TICKETS)
    k, total = np.array([came[v] for v in values]), np.array([was[v] + came[v] for v in values])
    p_values = hypergeometric_p_value(k, total, len(now), len(before) + len(now)) * len(values)
    found = [
        ShareChange(value, was[value] / len(before), came[value] / len(now), float(p))
        for value, p in zip(values, p_values, strict=True)
        if p <= MAX_P_VALUE
    ]
    large = [one for one in found if max(one.before, one.now) >= MIN_RATIO * min(one.before, one.now)]
    return sorted(large, key=lambda one: (-one.size, one.value))


def hypergeometric_p_value(
    k: np.ndarray[tuple[int], np.dtype[np.int_]],
    with_it: np.ndarray[tuple[int], np.dtype[np.int_]],
    now: int,
    total: int,
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Two-sided p-values: `now` tickets drawn from `total`, of which `with_it` have the value, contain `k` of these."""
    more, fewer = hypergeom.sf(k - 1, total, with_it, now), hypergeom.cdf(k, total, with_it, now)
    both: np.ndarray[tuple[int], np.dtype[np.float64]] = np.minimum(2 * np.minimum(more, fewer), 1.0)
    return both
