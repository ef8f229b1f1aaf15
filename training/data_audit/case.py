"""The input of all probes: a run's data and held-out predictions, with views that several probes share.

Where a probe needs a model of its own, it uses a cheap baseline: a linear head over words and fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from deskyard.domain.ticket import Target, Ticket
from deskyard.features.vectorizer import TicketVectorizer
from deskyard.model.linear_head import LinearHead
from training.data.history import LabelCleaning
from training.data.moves import Move
from training.data.splits import Positions, SplitPlan
from training.fit.cross_fitting import HeldOutPredictions, PoolWeights, TrainingData

MIN_SKILL: Final = 0.25
"""The skill score below which wrong or overlapping labels can't be told from a target that is not in the text."""


@dataclass(frozen=True, slots=True)
class LabelledPredictions:
    """Held-out predictions of the labelled tickets at `positions`: probabilities (tickets x labels) and true labels."""

    positions: Positions
    probabilities: npt.NDArray[np.float64]
    truth: npt.NDArray[np.int32]

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether the most probable label is the true one."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.truth)

    def __getitem__(self, mask: npt.NDArray[np.bool_]) -> "LabelledPredictions":
        """The predictions of some of the tickets."""
        return LabelledPredictions(self.positions[mask], self.probabilities[mask], self.truth[mask])


@dataclass(frozen=True)
class AuditCase:
    """A run as seen by the probes, with the predictions of its folds, its holdout and its random holdout.

    `label_cleaning`: what was done with the cells of labels when the history was read.
    """

    data: TrainingData
    plan: SplitPlan
    out_of_fold: HeldOutPredictions
    holdout: HeldOutPredictions
    random_holdout: HeldOutPredictions | None
    pools: PoolWeights
    moves: Sequence[Move] = field(default=())
    label_cleaning: Mapping[Target, LabelCleaning] = field(default_factory=dict)

    @property
    def tickets(self) -> Sequence[Ticket]:
        """All tickets; those of a test file follow the history's."""
        return self.data.tickets

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets of the run."""
        return tuple(self.data.label_sets)

    @property
    def ordered(self) -> bool:
        """Whether the history is in order of time."""
        return all(fold.learn.max() < fold.predict.min() for fold in self.plan.folds)

    def labels(self, target: Target) -> tuple[str, ...]:
        """The learnable labels of a target."""
        return self.data.label_sets[target].labels

    def ids(self, positions: npt.ArrayLike) -> tuple[str, ...]:
        """The ids of the tickets at these positions."""
        return tuple(self.tickets[int(i)].id for i in np.asarray(positions))

    def labelled_predictions(self, predictions: HeldOutPredictions, target: Target) -> LabelledPredictions:
        """The predictions of the tickets that have a label."""
        labelled = predictions.labelled(self.data, target)
        return LabelledPredictions(
            labelled.positions, labelled.probabilities(target, self.pools), labelled.true_labels(self.data, target)
        )

    def majority_label(self, target: Target) -> int:
        """The most frequent training label (the first of several)."""
        y = self.data.y[target][self.plan.holdout.learn]
        return int(np.bincount(y[y >= 0], minlength=1).argmax())

    def skill_score(self, target: Target) -> float:
        """The share of the majority baseline's errors that the model avoids, out of fold; 0: none, 1: all."""
        predictions = self.all_predictions[target]
        if not len(predictions.truth):
            return 0.0
        error = float((predictions.truth != self.majority_label(target)).mean())
        return 1 - float((~predictions.right).mean()) / error if error else 0.0

    @cached_property
    def holdout_predictions(self) -> Mapping[Target, LabelledPredictions]:
        """The predictions of the holdout, by target."""
        return {target: self.labelled_predictions(self.holdout, target) for target in self.targets}

    @cached_property
    def all_predictions(self) -> Mapping[Target, LabelledPredictions]:
        """The predictions of the folds and the holdout, by target."""
        together = HeldOutPredictions.concatenate([self.out_of_fold, self.holdout])
        return {target: self.labelled_predictions(together, target) for target in self.targets}

    @cached_property
    def baseline(self) -> "BaselineModel":
        """The baseline over words and fields, with column weights from the training tickets."""
        counts = self.data.counts
        few = counts.without_block("chars").without_block("subject")
        vectorizer = TicketVectorizer(latin=counts.latin).fit_counts(few[self.plan.holdout.learn])
        return BaselineModel(vectorizer, vectorizer.transform_counts(few), self.data)


@dataclass(frozen=True)
class BaselineModel:
    """A linear model over words and fields: the columns (tickets x columns), and heads fitted on some rows."""

    vectorizer: TicketVectorizer
    X: sparse.csr_array
    data: TrainingData
    _heads: dict[tuple[Target, bytes], LinearHead] = field(default_factory=dict)

    def head(self, target: Target, rows: Positions) -> LinearHead:
        """The head fitted on the labelled tickets among `rows`; cached by rows."""
        y = self.data.y[target]
        rows = rows[y[rows] >= 0]
        key = target, rows.tobytes()
        if key not in self._heads:
            labels = len(self.data.label_sets[target].labels)
            self._heads[key] = LinearHead(labels, seed=self.data.seed).fit(self.X[rows], y[rows])
        return self._heads[key]

    def transform(self, tickets: Sequence[Ticket]) -> sparse.csr_array:
        """The columns of other tickets."""
        return self.vectorizer.transform(tickets)
