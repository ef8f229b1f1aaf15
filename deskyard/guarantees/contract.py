"""Contracts: "of the routed tickets at least 95 % are right, with 95 % confidence", and the evidence behind them.

`deskyard.guarantees.contract_fitting` fits a contract to *evidence*: for past tickets that the model was not trained
on, its confidence, its prediction and the true label. Point estimates are not enough (half of them are too optimistic),
so exact binomial bounds are used. `Contract.decide` says what may be done with a prediction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.decision import Action, Prediction, Reason
from deskyard.domain.ticket import Target
from deskyard.guarantees.intervals import ALPHA, lower_bound, min_tickets_to_prove
from deskyard.guarantees.out_of_scope_guard import OutOfScopeGuard
from deskyard.guarantees.urgent_ticket_bound import URGENT, UrgentBound

EVIDENCE_DTYPE: Final = np.dtype(
    [
        ("confidence", "<f4"),
        ("predicted", "<i4"),
        ("truth", "<i4"),
        ("likeness", "<f4"),
        ("kind", "<i4"),
        ("above", "<f4"),
        ("parent", "<i4"),
        ("urgent", "<f4"),
    ]
)
"""One row per past ticket: the confidence of the predicted label, the predicted and the true label as positions in the
list of labels (a true label outside the list is negative and counts as an error), and the likeness. `kind` is 0 for
in-scope tickets; from 1 on it numbers the clusters of out-of-scope tickets, whose labels were left out of training and
which only fit and measure the guard. `parent` is the most probable parent label (`deskyard.domain.label_hierarchy`)
and `above` its confidence, both 0 where labels have no parents; `urgent` is P(high or critical), 0 except for
priorities."""

Evidence = npt.NDArray[np.void]

UNPROVED_REASONS: Final = ("unsure", "no_contract", "no_evidence", "base_rate", "own_record")
"""Reasons for which the parent of a label may be used instead of the label."""

N_TEST_SEQUENCES: Final = 2
"""Sequences of tests from strict to loose that share the error budget."""

MIN_LABEL_EVIDENCE: Final = 5
"""Tickets of evidence at the threshold below which a label is not routed."""


def min_evidence(required_precision: float) -> int:
    """The fewest tickets of evidence, all of them right, that allow routing anything.

    >>> min_evidence(0.95), min_evidence(0.99)
    (72, 368)
    """
    return min_tickets_to_prove(required_precision, ALPHA / N_TEST_SEQUENCES)


def min_correct_to_prove(n: int, required_precision: float) -> int:
    """How many of `n` tickets must be right to prove `required_precision` in one test; more than `n` if none can.

    >>> min_correct_to_prove(150, 0.95), min_correct_to_prove(72, 0.95), min_correct_to_prove(50, 0.95)
    (148, 72, 51)
    """
    from scipy.special import bdtr  # only here: the service starts without SciPy

    return next(
        (n - wrong + 1 for wrong in range(n + 1) if bdtr(wrong, n, 1 - required_precision) > ALPHA / N_TEST_SEQUENCES),
        n + 1,
    )


@dataclass(frozen=True, slots=True)
class Contract:
    """What may be routed for one target, and on what evidence.

    `threshold`: the lowest confidence at which `required_precision` is proved, None where none is. `labels`: the labels
    it is proved for; `unproved`: the reason for each other label. `routed` and `right` count the evidence at the
    threshold, `total` all evidence; where nothing is proved, `routed` and `right` count the strictest test.
    `counts_by_label`: how many tickets were predicted as each label at the threshold, and how many of them rightly.
    `guard` keeps out-of-scope tickets from being routed, where it pays. `parent_contract` applies to the labels'
    parents, for tickets that this contract does not route. `urgent_bound` limits setting priorities below `high`.
    `outdated`: the newest evidence contradicts the rest, so only the newest counts.
    """

    target: Target
    required_precision: float
    threshold: float | None
    labels: frozenset[str]
    unproved: dict[str, Reason]
    routed: int
    right: int
    total: int
    counts_by_label: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    guard: OutOfScopeGuard | None = None
    parent_contract: "Contract | None" = None
    urgent_bound: UrgentBound | None = None
    outdated: bool = False

    def decide(self, prediction: Prediction) -> tuple[Action, Reason]:
        """The action allowed for a prediction of this target, and the reason."""
        label, confidence = prediction.label, prediction.confidence
        promise = f"{self.required_precision:.0%}"
        if not prediction.familiar:
            return Action.LEAVE, Reason("unfamiliar", "nothing in this ticket occurs in the training history")
        if self.threshold is None:
            return Action.SUGGEST, Reason("no_contract", f"the evidence does not prove {promise} at any confidence")
        if label not in self.labels:
            return Action.SUGGEST, self.unproved.get(label, Reason("no_evidence", f"no evidence for {label!r} yet"))
        if confidence < self.threshold:
            return Action.SUGGEST, Reason("unsure", f"{confidence:.1%} sure; {promise} requires {self.threshold:.1%}")
        if self.guard is not None and prediction.likeness < self.guard.threshold:
            return Action.SUGGEST, Reason("unlike", "nothing like it in the history: no label may fit it")
        if self.urgent_bound is not None and self._is_held_as_urgent(prediction):
            return Action.SUGGEST, Reason("urgent", f"it may be urgent, so it is not set to {label} without a person")
        return Action.ROUTE, Reason(
            "contract",
            f"{confidence:.1%} sure; from {self.threshold:.1%} on, "
            f"{self.right} of {self.routed} past tickets were right "
            f"({lower_bound(self.right, self.routed):.1%} or more with {1 - ALPHA:.0%} confidence)"
            f"{self._describe_label_evidence(label)}",
        )

    def _describe_label_evidence(self, label: str) -> str:
        """The evidence for the label itself, as the end of a sentence."""
        if label not in self.counts_by_label:
            return ""
        n, right = self.counts_by_label[label]
        alone = lower_bound(right, n, ALPHA / len(self.counts_by_label)) >= self.required_precision
        shared = "proved for it alone too" if alone else "too few to prove it alone, so it shares that of all labels"
        return f"; {right} of {n} for {label!r}: {shared}"

    def decide_parent(self, prediction: Prediction, reason: Reason) -> tuple[str, float, Reason] | None:
        """The parent that may be used where the label may not (for `reason`): its name, its confidence and the
        reason."""
        if self.parent_contract is None or prediction.parent is None or reason.code not in UNPROVED_REASONS:
            return None
        name, confidence = prediction.parent
        parent = Prediction(self.target, (prediction.parent,), prediction.familiar, prediction.likeness)
        if self.guard is not None and prediction.likeness < self.guard.threshold:
            return None
        action, why = self.parent_contract.decide(parent)
        if action is not Action.ROUTE:
            return None
        return name, confidence, Reason("parent", f"{name!r}, as no label below it is sure enough: {why.text}")

    def _is_held_as_urgent(self, prediction: Prediction) -> bool:
        threshold = self.urgent_bound.threshold if self.urgent_bound is not None else None
        if threshold is None or prediction.label in URGENT:
            return False
        return float(np.float32(sum(p for label, p in prediction.top if label in URGENT))) >= threshold
