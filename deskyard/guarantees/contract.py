"""Contracts: "of the tickets routed, at least 95 % are right, with 95 % confidence" – and what proves it.

`deskyard.guarantees.contract_fitting` draws a contract up from *evidence*: for past tickets that the model had not learnt from, how sure it
was, what it said, what was true. A point estimate does not keep promises (it is right on average, so it is wrong half
the time); exact binomial bounds do. In comes a prediction, out goes what may be done with it. Never looks at a ticket.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.decision import Action, Prediction, Reason
from deskyard.domain.ticket import Target
from deskyard.guarantees.intervals import MISS, fewest_to_prove, lower_bound
from deskyard.guarantees.out_of_scope_guard import Guard
from deskyard.guarantees.urgent_ticket_bound import URGENT, Urgency

EVIDENCE: Final = np.dtype(
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
"""One row a past ticket: the confidence of the predicted label, both labels as positions in the list of labels (a truth
that is not among the labels is negative, and a miss), and the likeness. `kind` is 0; from 1 on it numbers the kinds of
*strangers*, tickets whose labels were left out of learning, which prove nothing and only show what slips through.
`parent` is the most probable parent (`deskyard.domain.label_hierarchy`) and `above` its confidence, both 0 where labels have none;
`urgent` is P(high or critical), 0 but for priorities."""

Evidence = npt.NDArray[np.void]

SHORT_OF_PROOF: Final = ("unsure", "no_contract", "no_evidence", "base_rate", "own_record")
"""Reasons for which a label is not told, and its parent may be."""

WALKS: Final = 2
"""Walks from strict to loose that share the error budget."""

FEWEST: Final = 5
"""Tickets of evidence at the threshold that a label needs to be routed."""


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
    from scipy.special import bdtr  # only here: the service starts without SciPy

    return next((n - wrong + 1 for wrong in range(n + 1) if bdtr(wrong, n, 1 - asked) > MISS / WALKS), n + 1)


@dataclass(frozen=True, slots=True)
class Contract:
    """What may be routed for one target, and on what evidence.

    `threshold` is the lowest confidence at which `asked` is proved, None where nothing is. `labels` are those the
    promise was proved on; `missing` says of each other label why it is not among them. `n` and `right` count the
    evidence at the threshold, `of` all evidence; where nothing is proved they count the strictest look. `record` tells
    of each of the labels how many said it at the threshold and how many of those were right. The `guard`
    keeps strangers out, where there is one. `parents` is the contract on the labels' parents, for tickets that this one
    does not route. `urgency` says below which chance of being urgent a priority may be set low. `outdated`: the newest
    evidence broke what all of it proves, so only the newest counts.
    """

    target: Target
    asked: float
    threshold: float | None
    labels: frozenset[str]
    missing: dict[str, Reason]
    n: int
    right: int
    of: int
    record: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    guard: Guard | None = None
    parents: "Contract | None" = None
    urgency: Urgency | None = None
    outdated: bool = False

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
        if self.guard is not None and prediction.likeness < self.guard.threshold:
            return Action.SUGGEST, Reason("unlike", "nothing like it in the history: no label may fit it")
        if self.urgency is not None and self._urgent(prediction):
            return Action.SUGGEST, Reason("urgent", f"it may be urgent, so it is not set to {label} without a person")
        return Action.ROUTE, Reason(
            "contract",
            f"{confidence:.1%} sure; from {self.threshold:.1%} on, {self.right} of {self.n} past tickets were right "
            f"({lower_bound(self.right, self.n):.1%} or more with {1 - MISS:.0%} confidence){self._alone(label)}",
        )

    def _alone(self, label: str) -> str:
        """What stands behind the label itself."""
        if label not in self.record:
            return ""
        n, right = self.record[label]
        alone = lower_bound(right, n, MISS / len(self.record)) >= self.asked
        shared = "proved for it alone too" if alone else "too few to prove it alone, so it shares that of all labels"
        return f"; {right} of {n} for {label!r}: {shared}"

    def backed_off(self, prediction: Prediction, reason: Reason) -> tuple[str, float, Reason] | None:
        """The parent that may be told where the label may not, for `reason`: its name, its confidence, and why."""
        if self.parents is None or prediction.parent is None or reason.code not in SHORT_OF_PROOF:
            return None
        name, confidence = prediction.parent
        asked = Prediction(self.target, (prediction.parent,), prediction.familiar, prediction.likeness)
        if self.guard is not None and prediction.likeness < self.guard.threshold:
            return None
        action, why = self.parents.allows(asked)
        if action is not Action.ROUTE:
            return None
        return name, confidence, Reason("parent", f"{name!r}, as no label below it is sure enough: {why.text}")

    def _urgent(self, prediction: Prediction) -> bool:
        held = self.urgency.threshold if self.urgency is not None else None
        if held is None or prediction.label in URGENT:
            return False
        return float(np.float32(sum(p for label, p in prediction.top if label in URGENT))) >= held
