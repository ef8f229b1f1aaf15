"""The bound on urgent tickets: at most a stated share of the truly critical tickets is set to a priority below `high`.

It is fitted to the critical tickets of the evidence: the probability of `high` or `critical`, and whether a contract
would have set them lower. From the resulting probability on, nothing is set below `high` (conformal risk control:
Angelopoulos, Bates, Fisch, Lei, Schuster 2022). The bound never raises a priority.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import PRIORITIES

MAX_LOWERED_SHARE: Final = 0.05
"""The expected share of critical tickets that may be set below `high` automatically."""

URGENT: Final = PRIORITIES[PRIORITIES.index("high") :]
CRITICAL: Final = PRIORITIES[-1]


@dataclass(frozen=True, slots=True)
class UrgentBound:
    """Nothing is set below `high` where the probability of `high` or `critical` is `threshold` or more.

    Fitted to `critical` past tickets, of which the contract sets `before` below `high` without the bound and `after`
    with it. `lacking`: how many more critical tickets a bound needs; `threshold` is then None and nothing is held back.
    """

    threshold: float | None
    critical: int
    before: int
    after: int
    lacking: int


def min_critical_tickets() -> int:
    """The fewest critical tickets that support a bound, even if none of them is set too low.

    >>> min_critical_tickets()
    19
    """
    return int(np.ceil(1 / MAX_LOWERED_SHARE)) - 1


def fit_bound(probabilities: npt.NDArray[np.floating[Any]], lowered: npt.NDArray[np.bool_]) -> UrgentBound:
    """The bound from critical tickets: P(high or critical) of each, and which of them are set below `high`.

    With n tickets, the result is the loosest threshold at which (k + 1) / (n + 1) is at most `MAX_LOWERED_SHARE`, where
    k is the number set too low; the next critical ticket is then set too low with at most that probability.
    """
    n, before = len(probabilities), int(lowered.sum())
    allowed = int(np.floor(MAX_LOWERED_SHARE * (n + 1) + 1e-9)) - 1
    if allowed < 0:
        return UrgentBound(None, n, before, before, min_critical_tickets() - n)
    low = np.sort(probabilities[lowered])
    if before <= allowed:
        return UrgentBound(None, n, before, before, 0)
    threshold = low[allowed]
    return UrgentBound(float(threshold), n, before, int((low < threshold).sum()), 0)


def urgent_probability(
    probabilities: npt.NDArray[np.floating[Any]], labels: Sequence[str]
) -> npt.NDArray[np.floating[Any]]:
    """P(high or critical) of each ticket, from probabilities (tickets x labels)."""
    return np.asarray(probabilities[:, [i for i, label in enumerate(labels) if label in URGENT]].sum(axis=1))
