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

TOLERATED: Final = 0.05
"""The expected share of critical tickets that the machine may set below `high`."""

URGENT: Final = PRIORITIES[PRIORITIES.index("high") :]
CRITICAL: Final = PRIORITIES[-1]


@dataclass(frozen=True, slots=True)
class Urgency:
    """Nothing is set below `high` where `high` or `critical` is as probable as `threshold`.

    It rests on `critical` past tickets, of which the contract set `before` below `high` without it and `after` with it.
    `lacking` says how many more it takes to promise anything; `threshold` is then None, and nothing is held back.
    """

    threshold: float | None
    critical: int
    before: int
    after: int
    lacking: int


def fewest() -> int:
    """How many critical tickets it takes: with one less, even none set too low would not do.

    >>> fewest()
    19
    """
    return int(np.ceil(1 / TOLERATED)) - 1


def bound(urgent: npt.NDArray[np.floating[Any]], lowered: npt.NDArray[np.bool_]) -> Urgency:
    """The bound, from critical tickets: P(high or critical) of each, and which of them are set below `high`.

    With n tickets the loosest threshold is taken at which (k + 1) / (n + 1) is at most `TOLERATED`, where k of them are
    set too low: the next critical ticket is then set too low with at most that probability.
    """
    n, before = len(urgent), int(lowered.sum())
    allowed = int(np.floor(TOLERATED * (n + 1) + 1e-9)) - 1
    if allowed < 0:
        return Urgency(None, n, before, before, fewest() - n)
    low = np.sort(urgent[lowered])
    if before <= allowed:
        return Urgency(None, n, before, before, 0)
    threshold = low[allowed]
    return Urgency(float(threshold), n, before, int((low < threshold).sum()), 0)


def urgent(beliefs: npt.NDArray[np.floating[Any]], labels: Sequence[str]) -> npt.NDArray[np.floating[Any]]:
    """P(high or critical) of tickets, from beliefs (tickets x labels)."""
    return np.asarray(beliefs[:, [i for i, label in enumerate(labels) if label in URGENT]].sum(axis=1))
