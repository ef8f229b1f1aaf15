"""Likeness: the log-odds that a ticket belongs to one of the trained labels, rather than being out of scope.

A logistic model of five features of a prediction: its entropy, the largest margin, the similarity of the nearest past
ticket, the share of known words and pairs, and how similar the margins are to those of past tickets with the same
predicted label. `training.fit.out_of_scope` fits the weights on tickets whose labels were left out on purpose. A higher
likeness means more in scope. Confidence alone is not enough: it can be high where the right label does not exist.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

LIKENESS_FEATURES: Final = ("entropy", "margin", "nearest", "known", "usual")
"""The features, in the order of the weights after the intercept."""

UNGUARDED_LIKENESS: Final = 0.0
"""The likeness of every ticket of a target without a fitted model."""

PRIOR_TICKETS: Final = 3
"""Pseudo-tickets with average margins that each label's mean is shrunk with."""

BATCH_SIZE: Final = 1_000
"""Tickets compared with the profile at a time; each needs three rows of one number per label."""

_MIN_ENTROPY: Final = 1e-3
_MIN_NORM: Final = 1e-12

Rows = npt.NDArray[np.floating[Any]]
SeenLabels = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MarginProfile:
    """The typical margins of tickets, by predicted label.

    `mean`: over all tickets (labels). `offsets`: the mean margins of each predicted label's tickets minus `mean`
    (labels x labels, half precision). In-scope tickets of a label resemble the other labels in the same way as past
    ones do; out-of-scope tickets do not.
    """

    mean: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.float16]

    @classmethod
    def fit(cls, margins: Rows, predicted: npt.NDArray[np.integer[Any]], seen_labels: SeenLabels) -> Self:
        """Fit on held-out tickets: their `margins` (tickets x labels) and `predicted` label positions.

        `seen_labels` (tickets x labels): which labels the predicting model was trained on; other margins are ignored.
        """
        mean = (np.where(seen_labels, margins, 0).sum(axis=0) / np.maximum(seen_labels.sum(axis=0), 1)).astype(
            np.float32
        )
        counts = np.bincount(predicted, minlength=len(mean))
        offsets = np.zeros((len(mean), len(mean)))
        for label in np.flatnonzero(counts).tolist():
            rows = predicted == label
            total = np.where(seen_labels[rows], margins[rows] - mean, 0).sum(axis=0)
            offsets[label] = total / (counts[label] + PRIOR_TICKETS)
        return cls(mean, offsets.astype(np.float16))

    def similarity(
        self, margins: Rows, predicted: npt.NDArray[np.integer[Any]], seen_labels: SeenLabels | None = None
    ) -> npt.NDArray[np.float64]:
        """The cosine between each ticket's margins and those typical of its predicted label, both minus the mean
        (tickets)."""
        found = np.empty(len(margins))
        for start in range(0, len(margins), BATCH_SIZE):
            batch = slice(start, start + BATCH_SIZE)
            ours = np.subtract(margins[batch], self.mean, dtype=np.float64)
            typical = self.offsets[predicted[batch]].astype(np.float64)
            if seen_labels is not None:
                ours *= seen_labels[batch]
                typical *= seen_labels[batch]
            lengths = np.sqrt(_row_dot(ours, ours) * _row_dot(typical, typical))
            found[batch] = _row_dot(ours, typical) / np.maximum(lengths, _MIN_NORM)
        return found


@dataclass(frozen=True, slots=True)
class LikenessModel:
    """The `weights` of the features, the intercept first (1 + features), and the margin profile."""

    weights: npt.NDArray[np.float64]
    margin_profile: MarginProfile

    def log_odds(
        self,
        probabilities: Rows,
        margins: Rows,
        nearest: Rows,
        known_share: Rows,
        seen_labels: SeenLabels | None = None,
    ) -> npt.NDArray[np.float32]:
        """The likeness of each ticket; arguments as in `likeness_features`."""
        found = likeness_features(probabilities, margins, nearest, known_share, self.margin_profile, seen_labels)
        return np.asarray(self.weights[0] + (found * self.weights[1:]).sum(axis=1), dtype=np.float32)


def likeness_features(
    probabilities: Rows,
    margins: Rows,
    nearest: Rows,
    known_share: Rows,
    profile: MarginProfile,
    seen_labels: SeenLabels | None = None,
) -> npt.NDArray[np.float64]:
    """The features (tickets x `LIKENESS_FEATURES`).

    `probabilities` and `margins` are (tickets x labels); `nearest`, the similarity of the nearest past ticket, and
    `known_share`, the share of known words, are (tickets). `seen_labels` (tickets x labels; None: all): the labels that
    the predicting model was trained on.
    """
    entropy = -_row_dot(probabilities, np.log(np.maximum(probabilities, _MIN_NORM)))
    similarity = profile.similarity(margins, probabilities.argmax(axis=-1), seen_labels)
    found = [np.log(entropy + _MIN_ENTROPY), margins.max(axis=-1), nearest, known_share, similarity]
    return np.column_stack(found).astype(np.float64)


def _row_dot(ours: Rows, theirs: Rows) -> Rows:
    """The sum of each row's products: `(ours * theirs).sum(axis=1)` with half its cost."""
    return np.asarray(np.einsum("tl,tl->t", ours, theirs))
