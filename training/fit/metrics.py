"""What a model is worth on tickets it has never seen: figures a manager and a data scientist both read.

In come beliefs, the truth and what a contract drawn up before routes; out come plain numbers. Never fits anything.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score

from deskyard.domain.ticket import Ticket
from deskyard.guarantees.intervals import lower_bound
from training.data.label_sets import UNLABELLED

N_BINS: Final = 15
"""Equal-width bins of confidence in the calibration error."""

Positions = npt.NDArray[np.int32]
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """One target on the judged tickets; shares in 0..1.

    `ece`: mean distance between confidence and share right, over `N_BINS` bins. `coverage`: share of the tickets that
    the contract lets route; `precision`: share of those that is right, None when there are none; `precision_lower95`:
    its exact lower bound. `majority_accuracy` and `last_label_accuracy`: the accuracy of always saying the most
    frequent label, and of saying what this requester's last ticket got (None without requesters). `at_random`: the
    accuracy of the same recipe where tickets were split at random instead of by time (None when time is not known).
    """

    n: int
    accuracy: float
    macro_f1: float
    top3: float
    ece: float
    coverage: float
    precision: float | None
    precision_lower95: float | None
    majority: float
    last_of_requester: float | None
    at_random: float | None


def compute_metrics(probabilities: Probabilities, truth: Positions, routed: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """The figures of `Score` that need no history; `truth` holds label positions, negative ones are misses."""
    said = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = said == truth
    hits = int((right & routed).sum())
    return {
        "n": len(truth),
        "accuracy": accuracy(probabilities, truth),
        "macro_f1": macro_f1(said, truth),
        "top3": float((np.argsort(-probabilities, axis=1, kind="stable")[:, :3] == truth[:, None]).any(axis=1).mean()),
        "ece": expected_calibration_error(confidence, right),
        "coverage": float(routed.mean()),
        "precision": hits / int(routed.sum()) if routed.any() else None,
        "precision_lower95": lower_bound(hits, int(routed.sum())) if routed.any() else None,
    }


def accuracy(probabilities: Probabilities, truth: Positions) -> float:
    """The share of tickets whose most probable label is the true one."""
    return float((probabilities.argmax(axis=1) == truth).mean())


def macro_f1(predicted: npt.NDArray[np.int64], truth: Positions) -> float:
    """The mean F1 over the labels that occur in the truth; labels the model can't know count as 0."""
    return float(f1_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0.0))


def expected_calibration_error(confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> float:
    """The expected calibration error (Naeini et al. 2015).

    >>> float(round(expected_calibration_error(np.array([0.9, 0.9]), np.array([True, False])), 3))
    0.4
    """
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    gap = np.bincount(bins, confidence, N_BINS) - np.bincount(bins, right.astype(float), N_BINS)
    return float(np.abs(gap).sum() / max(len(confidence), 1))


def majority_accuracy(training_labels: Positions, truth: Positions) -> float:
    """The accuracy of always saying the most frequent learnt label."""
    return float((truth == _majority_label(training_labels)).mean())


def last_label_accuracy(
    training_tickets: Sequence[Ticket], training_labels: Positions, tickets: Sequence[Ticket], truth: Positions
) -> float | None:
    """The accuracy of repeating the label of the requester's last learnt ticket (else the most frequent label)."""
    if not any(ticket.requester for ticket in tickets):
        return None
    pairs = zip(training_tickets, training_labels.tolist(), strict=True)
    last = {ticket.requester: label for ticket, label in pairs if label != UNLABELLED and ticket.requester}
    fallback = _majority_label(training_labels)
    said = [last.get(ticket.requester, fallback) for ticket in tickets]
    return float((np.array(said) == truth).mean())


def _majority_label(training_labels: Positions) -> int:
    counts = Counter(training_labels[training_labels >= 0].tolist())
    return min(counts, key=lambda label: (-counts[label], label)) if counts else UNLABELLED
