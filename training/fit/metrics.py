"""Metrics of a model on holdout tickets, from probabilities, true labels and what a contract routes."""

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
"""Equal-width bins of confidence for the calibration error."""

Positions = npt.NDArray[np.int32]
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """The metrics of one target on the holdout; shares in 0..1.

    `ece`: expected calibration error over `N_BINS` bins. `coverage`: the share of tickets that the contract routes;
    `precision`: the share of those that is right (None if there are none); `precision_lower95`: its exact lower bound.
    `majority` and `last_of_requester`: the accuracy of always predicting the most frequent label, and of predicting the
    label of the requester's last ticket (None without requesters). `at_random`: the accuracy with a random split
    instead of one by time (None where time is not known).
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
    """The metrics of `Score` that need no training labels; `truth` holds label positions, negative ones are errors."""
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = predicted == truth
    hits = int((right & routed).sum())
    return {
        "n": len(truth),
        "accuracy": accuracy(probabilities, truth),
        "macro_f1": macro_f1(predicted, truth),
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
    """The mean F1 over the labels that occur in `truth`; labels that the model does not know count as 0."""
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
    """The accuracy of always predicting the most frequent training label."""
    return float((truth == _majority_label(training_labels)).mean())


def last_label_accuracy(
    training_tickets: Sequence[Ticket], training_labels: Positions, tickets: Sequence[Ticket], truth: Positions
) -> float | None:
    """The accuracy of predicting the label of the requester's last training ticket, or else the most frequent label."""
    if not any(ticket.requester for ticket in tickets):
        return None
    pairs = zip(training_tickets, training_labels.tolist(), strict=True)
    last = {ticket.requester: label for ticket, label in pairs if label != UNLABELLED and ticket.requester}
    fallback = _majority_label(training_labels)
    predicted = [last.get(ticket.requester, fallback) for ticket in tickets]
    return float((np.array(predicted) == truth).mean())


def _majority_label(training_labels: Positions) -> int:
    counts = Counter(training_labels[training_labels >= 0].tolist())
    return min(counts, key=lambda label: (-counts[label], label)) if counts else UNLABELLED
