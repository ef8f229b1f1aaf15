"""The out-of-scope guard: a likeness threshold below which tickets that fit no label are not routed.

A model can be confident about such tickets. The guard is fitted to the likenesses of past tickets that a contract
routes and of out-of-scope tickets, whose labels were left out of training one cluster at a time, so that no answer to
them is right. It uses no true labels, so proofs on the tickets that pass it stay valid.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

DEFAULT_OUT_OF_SCOPE_RATE: Final = 0.04
"""The share of each cluster of out-of-scope tickets that may still be routed, where the policy sets no other."""

MIN_EXCLUSION_RATIO: Final = 2.0
"""Points of out-of-scope tickets kept out for each point of other tickets given up, at least."""

MIN_LAST_STEP_RATIO: Final = 1.25
"""The same for the last step of the looser guard that is used where the default rate costs more."""

MIN_TICKETS: Final = 100
"""Out-of-scope tickets below which no guard is fitted."""

Likenesses = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class OutOfScopeGuard:
    """Nothing with a likeness below `threshold` is routed.

    `tickets`: the out-of-scope tickets it was measured on; `before` and `after`: the shares (0..1) of them that are
    routed without and with the guard; `given_up`: the share of all other tickets that is no longer routed.
    """

    threshold: float
    tickets: int
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
    """The guard for a contract that routes the likenesses `routed` of `total` tickets; None where no guard pays.

    `out_of_scope` holds one likeness per out-of-scope ticket, minus infinity where the contract does not route it;
    `clusters` holds its cluster. The result is the loosest guard that lets through `DEFAULT_OUT_OF_SCOPE_RATE` of each
    cluster, if it pays at `MIN_EXCLUSION_RATIO`; else, of the guards that pay, the one that keeps out most for what it
    gives up (`MIN_LAST_STEP_RATIO`). A `rate` (0..1) that is given is met at any cost.
    """
    if len(out_of_scope) < MIN_TICKETS or not len(routed):
        return None
    levels = np.unique(out_of_scope[np.isfinite(out_of_scope)])  # the threshold lies just above one of these
    before = len(out_of_scope) - np.searchsorted(np.sort(out_of_scope), -np.inf, "right")
    passing = len(out_of_scope) - np.searchsorted(np.sort(out_of_scope), levels, "right")
    lost = np.searchsorted(np.sort(routed), levels, "right") / total
    kept_out = (before - passing) / len(out_of_scope)
    pays = kept_out >= (MIN_EXCLUSION_RATIO * lost if rate is None else 0)
    share = DEFAULT_OUT_OF_SCOPE_RATE if rate is None else rate
    allowed = np.ones(len(levels), bool)
    for cluster in np.unique(clusters):
        likeness = np.sort(out_of_scope[clusters == cluster])
        remaining = len(likeness) - np.searchsorted(likeness, levels, "right")
        allowed &= remaining <= share * len(likeness)
    if before <= share * len(out_of_scope) or not pays.any():
        return None
    loosest = np.flatnonzero(allowed)[0]
    at = loosest if pays[loosest] else int(np.where(pays, kept_out - MIN_LAST_STEP_RATIO * lost, -np.inf).argmax())
    n = len(out_of_scope)
    return OutOfScopeGuard(
        threshold=float(np.nextafter(np.float32(levels[at]), np.float32(np.inf))),
        tickets=n,
        before=float(before / n),
        after=float(passing[at] / n),
        given_up=float(lost[at]),
    )
