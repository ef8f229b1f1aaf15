"""Proportions with exact confidence intervals, and whether they meet a contract."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from deskyard.guarantees.intervals import ALPHA, interval

ContractStatus = Literal["met", "undecided", "missed", ""]
"""Whether a contract was met: correct at least as often as required; less often, but not significantly; significantly
less often; "": no ticket to judge by."""


@dataclass(frozen=True)
class Proportion:
    """`right` correct tickets of `n`.

    >>> Proportion(59, 60).share, [round(end, 3) for end in Proportion(59, 60).interval], Proportion(0, 0).interval
    (0.9833333333333333, [0.911, 1.0], None)
    """

    right: int
    n: int

    @property
    def wrong(self) -> int:
        """Tickets that are not correct."""
        return self.n - self.right

    @property
    def share(self) -> float | None:
        """The share of correct tickets, 0..1; None without tickets."""
        return self.right / self.n if self.n else None

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """The exact 95 % confidence interval of the share (Clopper and Pearson 1934); None without tickets."""
        return interval(self.right, self.n) if self.n else None

    def contract_status(self, required_precision: float) -> ContractStatus:
        """Whether the tickets meet a required precision (0..1).

        >>> [Proportion(right, n).contract_status(0.95) for right, n in ((95, 100), (94, 100), (80, 100), (0, 0))]
        ['met', 'undecided', 'missed', '']
        """
        from scipy.special import bdtr  # only here: the service starts without SciPy

        if not self.n:
            return ""
        if self.right >= required_precision * self.n - 1e-9:
            return "met"
        return "missed" if bdtr(self.right, self.n, required_precision) <= ALPHA else "undecided"
