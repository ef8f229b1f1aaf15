"""Seeded random numbers that are the same on every machine and Python version.

Only `random.Random.random` is used, whose stream Python promises to keep; NumPy's streams may change between versions.
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
        """Normalise the weights, so that a draw is one bisection."""
        total = math.fsum(weights)
        self.items = tuple(items)
        self.shares = tuple(weight / total for weight in weights)
        self._edges = tuple(accumulate(self.shares))[:-1]

    def quantile(self, u: float) -> Item:
        """The item at the cumulative share `u` in [0, 1)."""
        return self.items[bisect_right(self._edges, u)]


class Rng:
    """A named stream of random numbers, independent of streams with other names.

    >>> Rng("desk/1").integer(6) == Rng("desk/1").integer(6)
    True
    """

    __slots__ = ("uniform",)

    def __init__(self, name: str) -> None:
        """Seed from the text `name` (Python hashes it with SHA-512)."""
        self.uniform = Random(name).random
        """The next number in [0, 1)."""

    def chance(self, p: float) -> bool:
        """True with probability `p`."""
        return self.uniform() < p

    def integer(self, n: int) -> int:
        """A uniform integer in [0, n)."""
        return int(self.uniform() * n)

    def pick(self, items: Sequence[Item]) -> Item:
        """One of `items` (not empty), each with the same probability."""
        return items[int(self.uniform() * len(items))]

    def draw(self, distribution: Distribution[Item]) -> Item:
        """An item drawn from a distribution."""
        return distribution.quantile(self.uniform())

    def lognormal(self, median: float, sigma: float) -> float:
        """A positive number with this median; sigma is the spread of its logarithm."""
        return median * math.exp(sigma * _NORMAL.inv_cdf(min(max(self.uniform(), 1e-9), 1 - 1e-9)))
