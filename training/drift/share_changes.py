"""Changes: values that came more often, or less often, than chance explains; words, channels, languages, labels alike.

In come the values of tickets before and of tickets now, out go the values whose share has changed. Reads no text.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import hypergeom

MIN_TICKETS: Final = 10
"""Tickets with a value, before and now together, below which nothing can be said of it."""

MAX_P_VALUE: Final = 0.001
"""The chance that any value of a kind is said to have changed though none has."""

MIN_RATIO: Final = 1.5
"""A share that has changed by a smaller factor than this is told by nobody, however certain it is."""


@dataclass(frozen=True, slots=True)
class ShareChange:
    """A value's share of tickets (0..1) before and now, and how probable so great a change is by chance, all values of
    its kind taken together."""

    value: str
    before: float
    now: float
    chance: float

    @property
    def size(self) -> float:
        """How far its share has moved, 0..1."""
        return abs(self.now - self.before)


def find_share_changes(before: Sequence[Collection[str]], now: Sequence[Collection[str]]) -> list[ShareChange]:
    """The values that changed surely, the greatest change first; each ticket is given as the values that it has.

    Fisher's exact test of each value, both sides, with Bonferroni's correction: where tickets come independently of
    each other and nothing has changed, something is told with a chance of `MAX_P_VALUE` at most.

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
    chances = hypergeometric_p_value(k, total, len(now), len(before) + len(now)) * len(values)
    found = [
        ShareChange(value, was[value] / len(before), came[value] / len(now), float(p))
        for value, p in zip(values, chances, strict=True)
        if p <= MAX_P_VALUE
    ]
    worth = [one for one in found if max(one.before, one.now) >= MIN_RATIO * min(one.before, one.now)]
    return sorted(worth, key=lambda one: (-one.size, one.value))


def hypergeometric_p_value(
    k: np.ndarray[tuple[int], np.dtype[np.int_]],
    with_it: np.ndarray[tuple[int], np.dtype[np.int_]],
    now: int,
    total: int,
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The chance that `now` tickets drawn from all `of` hold so unlikely a number of those `with_it` as `k`."""
    more, fewer = hypergeom.sf(k - 1, total, with_it, now), hypergeom.cdf(k, total, with_it, now)
    both: np.ndarray[tuple[int], np.dtype[np.float64]] = np.minimum(2 * np.minimum(more, fewer), 1.0)
    return both
