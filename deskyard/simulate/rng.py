"""Dice: seeded chance that gives the same throws on every machine and Python.

In: names (a seed is any text). Out: numbers and picks. Never: the process's hash seed, the clock, or NumPy's streams,
which may change between versions; only `random.Random.random`, which Python promises to keep.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from statistics import NormalDist
from typing import Generic, TypeVar

Item = TypeVar("Item")

_NORMAL = NormalDist()


class Distribution(Generic[Item]):
    """A finite distribution: `items` with weights >= 0 that need not add up to 1.

    >>> Distribution(["a", "b"], [1.0, 3.0]).shares
    (0.25, 0.75)
    """

    __slots__ = ("_edges", "items", "shares")

    def __init__(self, items: Sequence[Item], weights: Sequence[float]) -> None:
        """Scale the weights once, so that a throw is one bisection."""
        total = math.fsum(weights)
        self.items = tuple(items)
        self.shares = tuple(weight / total for weight in weights)
        self._edges = tuple(accumulate(self.shares))[:-1]

    def quantile(self, u: float) -> Item:
        """The item at the cumulative share `u` in [0, 1)."""
        return self.items[bisect_right(self._edges, u)]


class Rng:
    """Throws from one named stream; two streams with different names don't disturb each other.

    >>> Rng("desk/1").integer(6) == Rng("desk/1").integer(6)
    True
    """

    __slots__ = ("uniform",)

    def __init__(self, name: str) -> None:
        """Seed from the text `name` (Python hashes it with SHA-512)."""
        self.uniform = Random(name).random
        """The next number in [0, 1)."""

    def chance(self, p: float) -> bool:
        """True with probability `p`; 0 is never, 1 is always."""
        return self.uniform() < p

    def integer(self, n: int) -> int:
        """A whole number in [0, n), all alike."""
        return int(self.uniform() * n)

    def pick(self, items: Sequence[Item]) -> Item:
        """One of `items` (not empty), all alike."""
        return items[int(self.uniform() * len(items))]

    def draw(self, odds: Distribution[Item]) -> Item:
        """One item by its odds."""
        return odds.quantile(self.uniform())

    def lognormal(self, median: float, sigma: float) -> float:
        """A positive number with this median; sigma is the spread of its logarithm."""
        return median * math.exp(sigma * _NORMAL.inv_cdf(min(max(self.uniform(), 1e-9), 1 - 1e-9)))
