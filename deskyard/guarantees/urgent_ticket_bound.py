"""Urgency: no more than a stated share of the truly critical tickets is set to a priority below `high`.

In come the critical tickets of the evidence: how probable `high` or `critical` was, and whether a contract would have
set them lower all the same. Out goes the probability from which on nothing is set below `high` (conformal risk control:
Angelopoulos, Bates, Fisch, Lei, Schuster 2022). Never makes a ticket more urgent; a person does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import PRIORITIES

MAX_LOWERED_SHARE: Final = 0.05
"""The expected share of critical tickets that the machine may set below `high`."""

URGENT: Final = PRIORITIES[PRIORITIES.index("high") :]
CRITICAL: Final = PRIORITIES[-1]


@dataclass(frozen=True, slots=True)
class UrgentBound:
    """Nothing is set below `high` where `high` or `critical` is as probable as `threshold`.

    It rests on `critical` past tickets, of which the contract set `before` below `high` without it and `after` with it.
    `lacking` says how many more it takes to promise anything; `threshold` is then None, and nothing is held back.
    """

    threshold: float | None
    critical: int
    before: int
    after: int
    lacking: int


def min_critical_tickets() -> int:
    """How many critical tickets it takes: with one less, even none set too low would not do.

    >>> min_critical_tickets()
    19
    """
    return int(np.ceil(1 / MAX_LOWERED_SHARE)) - 1


def fit_bound(probabilities: npt.NDArray[np.floating[Any]], lowered: npt.NDArray[np.bool_]) -> UrgentBound:
    """The bound, from critical tickets: P(high or critical) of each, and which of them are set below `high`.

    With n tickets the loosest threshold is taken at which (k + 1) / (n + 1) is at most `MAX_LOWERED_SHARE`, where k of
    them are set too low: the next critical ticket is then set too low with at most that probability.
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
    """P(high or critical) of tickets, from beliefs (tickets x labels)."""
    return np.asarray(probabilities[:, [i for i, label in enumerate(labels) if label in URGENT]].sum(axis=1))
