"""Intervals: what so many right of so many tickets say about the share of right."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from deskyard.guarantees.intervals import ALPHA, interval

ContractStatus = Literal["kept", "open", "broken", ""]
"""Whether a promise held: as often right as promised; less often, which may be chance; surely less often; no ticket."""


@dataclass(frozen=True)
class Proportion:
    """`right` of `n` tickets.

    >>> Proportion(59, 60).share, [round(end, 3) for end in Proportion(59, 60).interval], Proportion(0, 0).interval
    (0.9833333333333333, [0.911, 1.0], None)
    """

    right: int
    n: int

    @property
    def wrong(self) -> int:
        """The others."""
        return self.n - self.right

    @property
    def share(self) -> float | None:
        """The share of right, 0..1; None without tickets."""
        return self.right / self.n if self.n else None

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """Between what the true share lies with 95 % confidence: exact (Clopper and Pearson 1934)."""
        return interval(self.right, self.n) if self.n else None

    def contract_status(self, required_precision: float) -> ContractStatus:
        """Whether so many right keep the promise of a share.

        >>> Proportion(95, 100).contract_status(0.95), Proportion(94, 100).contract_status(0.95), Proportion(80, 100).contract_status(0.95), Proportion(0, 0).contract_status(0.9)
        ('kept', 'open', 'broken', '')
        """
        from scipy.special import bdtr  # only here: the service starts without SciPy

        if not self.n:
            return ""
        if self.right >= required_precision * self.n - 1e-9:
            return "kept"
        return "broken" if bdtr(self.right, self.n, required_precision) <= ALPHA else "open"
