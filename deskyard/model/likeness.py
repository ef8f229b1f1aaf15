"""Likeness: whether a ticket is about one of the learnt matters at all, or about something no label stands for.

In come five signs of an answer: the belief's entropy, the largest margin, the similarity of the nearest past ticket,
the share of the ticket's words and pairs that the history knows, and how much its margins are like those that tickets
of the predicted label usually have. Out goes one number, the log-odds that the ticket's label was learnt;
`training.fit.out_of_scope` fits the weights on tickets whose labels were left out on purpose. Confidence alone can't
tell: it is sure of the wrong label where the right one does not exist. Never looks at a ticket, nor at what was true
of one.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

LIKENESS_FEATURES: Final = ("entropy", "margin", "nearest", "known", "usual")
"""What the weights of a likeness are for, after its intercept."""

UNGUARDED_LIKENESS: Final = 0.0
"""The likeness of every ticket where no weights were fitted."""

PRIOR_TICKETS: Final = 3
"""Tickets of no leaning at all that each label's are taken together with."""

BATCH_SIZE: Final = 1_000
"""Tickets compared with what is usual at a time: each takes three rows as long as there are labels."""

_MIN_ENTROPY: Final = 1e-3
_MIN_NORM: Final = 1e-12

Rows = npt.NDArray[np.floating[Any]]
SeenLabels = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MarginProfile:
    """The margins that tickets usually have.

    Their `mean` over all tickets (labels), and how those of each predicted label's tickets lie `apart` from it (labels
    x labels, half precision): a real question about one label stands near the same other labels as those before it,
    a stranger anywhere.
    """

    mean: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.float16]

    @classmethod
    def fit(cls, margins: Rows, predicted: npt.NDArray[np.integer[Any]], seen_labels: SeenLabels) -> Self:
        """From `margins` (tickets x labels) of new tickets, each one's predicted label, and the labels `heard` of.

        `heard` (tickets x labels): which labels the model that was asked had learnt; its other margins say nothing.
        """
        mean = (np.where(seen_labels, margins, 0).sum(axis=0) / np.maximum(seen_labels.sum(axis=0), 1)).astype(
            np.float32
        )
        said = np.bincount(predicted, minlength=len(mean))
        apart = np.zeros((len(mean), len(mean)))
        for label in np.flatnonzero(said).tolist():
            of = predicted == label
            apart[label] = np.where(seen_labels[of], margins[of] - mean, 0).sum(axis=0) / (said[label] + PRIOR_TICKETS)
        return cls(mean, apart.astype(np.float16))

    def similarity(
        self, margins: Rows, predicted: npt.NDArray[np.integer[Any]], seen_labels: SeenLabels | None = None
    ) -> npt.NDArray[np.float64]:
        """How like the predicted labels' usual margins these are (tickets): the cosine, both taken from the mean."""
        found = np.empty(len(margins))
        for start in range(0, len(margins), BATCH_SIZE):
            some = slice(start, start + BATCH_SIZE)
            ours = np.subtract(margins[some], self.mean, dtype=np.float64)
            usual = self.offsets[predicted[some]].astype(np.float64)
            if seen_labels is not None:
                ours *= seen_labels[some]
                usual *= seen_labels[some]
            lengths = np.sqrt(_row_dot(ours, ours) * _row_dot(usual, usual))
            found[some] = _row_dot(ours, usual) / np.maximum(lengths, _MIN_NORM)
        return found


@dataclass(frozen=True, slots=True)
class LikenessModel:
    """The `weights` of the signs, the intercept first (1 + `LIKENESS_FEATURES`), and what margins are `usual`."""

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
        """The log-odds of each ticket; see `likeness_features`."""
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
    """The signs (tickets x `LIKENESS_FEATURES`) of `beliefs` and `margins` (tickets x labels), `nearest` and `known`
    (tickets).

    `heard` (tickets x labels; None: all): the labels that the model that was asked had learnt.
    """
    entropy = -_row_dot(probabilities, np.log(np.maximum(probabilities, _MIN_NORM)))
    like = profile.similarity(margins, probabilities.argmax(axis=-1), seen_labels)
    found = [np.log(entropy + _MIN_ENTROPY), margins.max(axis=-1), nearest, known_share, like]
    return np.column_stack(found).astype(np.float64)


def _row_dot(ours: Rows, theirs: Rows) -> Rows:
    """The sum of each row's products: `(ours * theirs).sum(axis=1)` with half its cost."""
    return np.asarray(np.einsum("tl,tl->t", ours, theirs))
