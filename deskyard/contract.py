"""Contracts: "of the tickets routed, at least 95 % are right, with 95 % confidence" – and what proves it.

In comes *evidence*: for past tickets that the model had not learnt from, how sure it was, what it said, what was true.
Out goes the lowest confidence at which the promise still holds, and the labels it holds for. A point estimate does not
keep promises (it is right on average, so it is wrong half the time); exact binomial bounds do. Never learns, never
looks at a ticket.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrc, betaincinv

from deskyard.decision import Action, Prediction, Reason
from deskyard.ticket import Target

EVIDENCE: Final = np.dtype([("confidence", "<f4"), ("predicted", "<i4"), ("truth", "<i4")])
"""One row a past ticket: the confidence of the predicted label, and both labels as positions in the list of labels
(a truth that is not among the labels is negative, and a miss)."""

Evidence = npt.NDArray[np.void]

MISS: Final = 0.05
"""The chance that a promise is not kept: 95 % confidence."""

LUCK: Final = 0.001
"""A label is routed only if chance alone would be right as often with at most this probability."""

EVEN: Final = 0.5
"""A ticket that is more likely wrong than right is never routed, however well the others would carry it."""

FIRST_LOOK: Final = 150
"""The strictest threshold tested leaves this many tickets: fewer can't prove 95 % once a single label is wrong."""

WALKS: Final = 2
"""Walks from strict to loose that share the error budget."""

FEWEST: Final = 5
"""Tickets of evidence at the threshold that a label needs to be routed."""


def lower_bound(right: int, n: int, miss: float = MISS) -> float:
    """The share of right that `right` of `n` proves, at confidence 1 - `miss`; 0 without evidence.

    One-sided exact bound (Clopper and Pearson 1934).

    >>> round(lower_bound(59, 59), 3), lower_bound(0, 0)
    (0.95, 0.0)
    """
    return float(betaincinv(right, n - right + 1, miss)) if right else 0.0


def fewest_to_prove(asked: float, miss: float = MISS) -> int:
    """How many tickets, all of them right, it takes to prove the share `asked`.

    >>> fewest_to_prove(0.95), fewest_to_prove(0.99)
    (59, 299)
    """
    return int(np.ceil(np.log(miss) / np.log(asked)))


@dataclass(frozen=True, slots=True)
class Contract:
    """What may be routed for one target, and on what evidence.

    `threshold` is the lowest confidence at which `asked` is proved, None where nothing is. `labels` are those the
    promise was proved on; `missing` says of each other label why it is not among them. `n` and `right` count the
    evidence at the threshold, `of` all evidence; where nothing is proved they count the strictest look.
    """

    target: Target
    asked: float
    threshold: float | None
    labels: frozenset[str]
    missing: dict[str, Reason]
    n: int
    right: int
    of: int

    def allows(self, prediction: Prediction) -> tuple[Action, Reason]:
        """What may be done with a prediction of this target, and why."""
        label, confidence = prediction.label, prediction.confidence
        promise = f"{self.asked:.0%}"
        if not prediction.familiar:
            return Action.LEAVE, Reason("unfamiliar", "nothing in this ticket occurs in the history that was learnt")
        if self.threshold is None:
            return Action.SUGGEST, Reason("no_contract", f"the evidence does not prove {promise} at any confidence")
        if label not in self.labels:
            return Action.SUGGEST, self.missing.get(label, Reason("no_evidence", f"no evidence for {label!r} yet"))
        if confidence < self.threshold:
            return Action.SUGGEST, Reason("unsure", f"{confidence:.1%} sure; {promise} takes {self.threshold:.1%}")
        return Action.ROUTE, Reason(
            "contract",
            f"{confidence:.1%} sure; from {self.threshold:.1%} on, {self.right} of {self.n} past tickets were right "
            f"({lower_bound(self.right, self.n):.1%} or more with {1 - MISS:.0%} confidence)",
        )


def draw_up(target: Target, evidence: Evidence, labels: Sequence[str], asked: float) -> Contract:
    """The contract that `evidence` supports at the precision `asked` (0 < asked < 1).

    The promise is proved on all routed tickets together. Labels with fewer than `FEWEST` tickets of evidence, labels
    that are surely wrong more than twice as often as promised, and labels that do no better than their share of all
    tickets are taken out and the rest is tested again, until all that is left holds.
    """
    if not 0 < asked < 1:
        raise ValueError(f"the asked precision must lie between 0 and 1, not {asked}")
    missing: dict[int, Reason] = {}
    order = np.argsort(-evidence["confidence"], kind="stable")
    rows = evidence[order]
    shares = np.bincount(rows["truth"][rows["truth"] >= 0], minlength=len(labels)) / max(len(rows), 1)
    while True:
        kept = rows[(rows["confidence"] >= EVEN) & ~np.isin(rows["predicted"], list(missing))]
        n = _loosest(kept, asked)
        routed = kept[:n]
        failing = dict(_failing(routed, labels, shares, asked, missing)) if n else {}
        if not failing:
            break
        missing |= failing
    looked_at = routed if n else rows[: _first_look(len(rows), asked)]
    return Contract(
        target=target,
        asked=asked,
        threshold=float(routed["confidence"][-1]) if n else None,
        labels=frozenset(name for i, name in enumerate(labels) if i not in missing) if n else frozenset(),
        missing={labels[i]: reason for i, reason in missing.items()},
        n=len(looked_at),
        right=int((looked_at["predicted"] == looked_at["truth"]).sum()),
        of=len(rows),
    )


def _loosest(rows: Evidence, asked: float) -> int:
    """How many of `rows` (surest first) can be routed with the promise proved; 0 if none.

    Fixed-sequence testing (Angelopoulos et al. 2021, "Learn then Test"): thresholds go from strict to loose in an
    order fixed before any truth is seen, each is tested at full strength, and the first failure ends the walk. Two
    walks share the error budget, as one early wrong label must not silence a desk with thousands of sure tickets.
    """
    errors = np.cumsum(rows["predicted"] != rows["truth"])
    last_of_tie = np.flatnonzero(np.diff(rows["confidence"], append=-1.0)) + 1
    proved = 0
    for start in (min(FIRST_LOOK, len(rows)), len(rows) // 5):  # the same looks whatever is asked
        for n in _looks(start, last_of_tie):
            if n < least_evidence(asked):
                continue
            if bdtr(errors[n - 1], n, 1 - asked) > MISS / WALKS:
                break
            proved = max(proved, int(n))
    return proved


def _first_look(n: int, asked: float) -> int:
    return max(min(FIRST_LOOK, n), least_evidence(asked))


def least_evidence(asked: float) -> int:
    """How many tickets of evidence, all of them right, it takes to route anything at all.

    >>> least_evidence(0.95), least_evidence(0.99)
    (72, 368)
    """
    return fewest_to_prove(asked, MISS / WALKS)


def right_to_prove(n: int, asked: float) -> int:
    """How many of `n` tickets must be right to prove the share `asked` in one look; more than `n` if none can.

    >>> right_to_prove(150, 0.95), right_to_prove(72, 0.95), right_to_prove(50, 0.95)
    (148, 72, 51)
    """
    return next((n - wrong + 1 for wrong in range(n + 1) if bdtr(wrong, n, 1 - asked) > MISS / WALKS), n + 1)


def _looks(start: int, ends: npt.NDArray[np.intp]) -> Iterator[int]:
    """Counts from `start` up in steps of 2 % to all there are, each at the end of a run of equal confidences."""
    at, last = int(np.searchsorted(ends, start)), len(ends) - 1
    while at <= last:
        yield int(ends[at])
        if at == last:
            return
        at = min(max(at + 1, int(np.searchsorted(ends, int(ends[at] * 1.02)))), last)


def _failing(
    routed: Evidence, labels: Sequence[str], shares: npt.NDArray[np.float64], asked: float, known: dict[int, Reason]
) -> Iterator[tuple[int, Reason]]:
    """The labels that must not be routed at this threshold, with the reason."""
    n = np.bincount(routed["predicted"], minlength=len(labels))
    right = np.bincount(routed["predicted"][routed["predicted"] == routed["truth"]], minlength=len(labels))
    for i, name in enumerate(labels):
        if i in known:
            continue
        if n[i] < FEWEST:
            lacking = f"{n[i]} past tickets were as sure of {name!r}: {FEWEST - n[i]} more are needed"
            yield i, Reason("no_evidence", lacking)
        elif _by_luck(int(right[i]), int(n[i]), float(shares[i])) > LUCK:
            luck = f"no better than always saying {name!r} ({shares[i]:.0%} of all tickets)"
            yield i, Reason("base_rate", f"{right[i]} of {n[i]} right is {luck}")
        elif bdtr(int(right[i]), int(n[i]), max(1 - 2 * (1 - asked), 0)) < MISS:
            yield i, Reason("own_record", f"only {right[i]} of {n[i]} were right where {name!r} was said")


def _by_luck(right: int, n: int, share: float) -> float:
    """The chance that `right` or more of `n` are right if each is with probability `share`."""
    return float(bdtrc(right - 1, n, share)) if right else 1.0
