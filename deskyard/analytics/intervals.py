"""Intervals: what so many right of so many tickets say about the share of right."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from deskyard.guarantees.intervals import MISS, interval

Verdict = Literal["kept", "open", "broken", ""]
"""Whether a promise held: as often right as promised; less often, which may be chance; surely less often; no ticket."""


@dataclass(frozen=True)
class Share:
    """`right` of `n` tickets.

    >>> Share(59, 60).share, [round(end, 3) for end in Share(59, 60).interval], Share(0, 0).interval
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

    def keeps(self, promised: float) -> Verdict:
        """Whether so many right keep the promise of a share.

        >>> Share(95, 100).keeps(0.95), Share(94, 100).keeps(0.95), Share(80, 100).keeps(0.95), Share(0, 0).keeps(0.9)
        ('kept', 'open', 'broken', '')
        """
        from scipy.special import bdtr  # only here: the service starts without SciPy

        if not self.n:
            return ""
        if self.right >= promised * self.n - 1e-9:
            return "kept"
        return "broken" if bdtr(self.right, self.n, promised) <= MISS else "open"
