"""The guard against strangers: tickets about matters that no label stands for, of which a model is sure all the same.

In come the likenesses of past tickets that a contract routes, and of *strangers*: tickets whose labels were left out
of learning, kind by kind, so that no answer could be right. Out goes the likeness below which nothing is routed.
Looks at no truth, so what is proved on the tickets that pass is not spoilt by it.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

DEFAULT_OUT_OF_SCOPE_RATE: Final = 0.04
"""The share of each kind of strangers that may still be routed, where the policy does not say another."""

MIN_EXCLUSION_RATIO: Final = 2.0
"""Points of strangers kept out for each point of other tickets given up: what the tolerated share may cost."""

MIN_LAST_STEP_RATIO: Final = 1.25
"""The same for the last step of the guard that is taken where that share is dearer."""

MIN_TICKETS: Final = 100
"""Strangers that it takes to say anything about them."""

Likenesses = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class OutOfScopeGuard:
    """Below `threshold` nothing is routed.

    Of the `strangers` asked about, the share `before` would be routed without it and `after` with it; `given_up` is
    the share of all other tickets that is no longer routed.
    """

    threshold: float
    strangers: int
    before: float
    after: float
    given_up: float


def fit_guard(
    routed: Likenesses,
    total: int,
    out_of_scope: Likenesses,
    clusters: npt.NDArray[np.int32],
    rate: float | None = None,
) -> OutOfScopeGuard | None:
    """The guard for a contract that routes the likenesses `routed` of `of` tickets, None where none pays.

    `strangers` holds one likeness each, minus infinity where the contract does not route it, and `kinds` its kind.
    The loosest guard that leaves `DEFAULT_OUT_OF_SCOPE_RATE` of each kind, if it pays at `MIN_EXCLUSION_RATIO`; else,
    of those that pay, the one that keeps out most for what it gives up (`MIN_LAST_STEP_RATIO`). A share that was asked
    for, `tolerated` (0..1), is kept whatever it costs.
    """
    if len(out_of_scope) < MIN_TICKETS or not len(routed):
        return None
    levels = np.unique(out_of_scope[np.isfinite(out_of_scope)])  # the guard stands just above one of these
    before = len(out_of_scope) - np.searchsorted(np.sort(out_of_scope), -np.inf, "right")
    passing = len(out_of_scope) - np.searchsorted(np.sort(out_of_scope), levels, "right")
    lost = np.searchsorted(np.sort(routed), levels, "right") / total
    kept_out = (before - passing) / len(out_of_scope)
    pays = kept_out >= (MIN_EXCLUSION_RATIO * lost if rate is None else 0)
    share = DEFAULT_OUT_OF_SCOPE_RATE if rate is None else rate
    allowed = np.ones(len(levels), bool)
    for kind in np.unique(clusters):
        of_kind = np.sort(out_of_scope[clusters == kind])
        left = len(of_kind) - np.searchsorted(of_kind, levels, "right")
        allowed &= left <= share * len(of_kind)
    if before <= share * len(out_of_scope) or not pays.any():
        return None
    wanted = np.flatnonzero(allowed)
    at = wanted[0] if pays[wanted[0]] else int(np.where(pays, kept_out - MIN_LAST_STEP_RATIO * lost, -np.inf).argmax())
    n = len(out_of_scope)
    return OutOfScopeGuard(
        threshold=float(np.nextafter(np.float32(levels[at]), np.float32(np.inf))),
        strangers=n,
        before=float(before / n),
        after=float(passing[at] / n),
        given_up=float(lost[at]),
    )
