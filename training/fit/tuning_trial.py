"""Evaluates recipes on one fold; parts that recipes have in common are fitted once."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import log_softmax

from deskyard.domain.ticket import Target
from deskyard.features.lsa import LsaProjection
from deskyard.features.ngrams import BLOCKS
from deskyard.features.vectorizer import CountsView, TicketVectorizer
from deskyard.model import opinion_pool
from deskyard.model.hyperparameters import Recipe
from deskyard.model.knn_head import NeighbourIndex, neighbour_votes
from deskyard.model.linear_head import Floats, LinearSeparators, sample_weights
from deskyard.model.ticket_model import PRIOR_COUNT
from training.data.splits import Fold
from training.fit.calibration import fit_pool
from training.fit.cross_fitting import TrainingData
from training.fit.metrics import macro_f1

MAX_TRAINING_TICKETS: Final = 20_000
MAX_VALIDATION_TICKETS: Final = 4_000
"""The newest training and validation tickets of a trial; tuning needs fewer tickets than a score."""

Losses = npt.NDArray[np.float64]


@dataclass
class TuningTrial:
    """One fold: rows for training and validation, and everything that recipes have in common."""

    X: sparse.csr_array
    y: npt.NDArray[np.int32]
    ages: Floats
    label_weights: Floats | None
    X_validation: sparse.csr_array
    truth: npt.NDArray[np.int32]
    labels: int
    seed: int
    vectorizer: TicketVectorizer
    neighbour_votes: Floats
    shares: Floats
    lsa: LsaProjection
    _margins: dict[Recipe, Floats] = field(default_factory=dict)

    @classmethod
    def build(cls, data: TrainingData, target: Target, fold: Fold) -> "TuningTrial":
        """The newest tickets of a fold that have a label of `target`."""
        y = data.y[target]
        learn = fold.learn[y[fold.learn] >= 0][-MAX_TRAINING_TICKETS:]
        validation = fold.predict[np.isin(y[fold.predict], np.unique(y[learn]))]
        validation = validation[:: -(-len(validation) // MAX_VALIDATION_TICKETS) or 1]
        vectorizer = TicketVectorizer(latin=data.counts.latin).fit_counts(CountsView(data.counts, learn))
        X, X_validation = (vectorizer.transform_counts(CountsView(data.counts, rows)) for rows in (learn, validation))
        labels = len(data.label_sets[target].labels)
        share = np.bincount(y[learn], minlength=labels) + PRIOR_COUNT
        shares = (share / share.sum()).astype(np.float32)
        index = NeighbourIndex.build(X, [""] * len(learn), vectorizer.vocabulary_.names)
        remembered = y[learn][len(learn) - len(index.ids) :]
        neighbours = [
            index.nearest(X_validation.indices[start:end], X_validation.data[start:end])
            for start, end in pairwise(X_validation.indptr)
        ]
        votes = neighbour_votes(neighbours, remembered, shares)
        ages: Floats = (1 - (learn + 1) / max(int(learn[-1]) + 1, 1) if len(learn) else np.empty(0)).astype(np.float32)
        lsa = LsaProjection.fit(X, data.seed)
        weights = data.label_weights[target][learn] if target in data.label_weights else None
        return cls(
            X,
            y[learn],
            ages,
            weights,
            X_validation,
            y[validation],
            labels,
            data.seed,
            vectorizer,
            votes,
            shares,
            lsa,
        )

    def __len__(self) -> int:
        """The number of validation tickets; 0 without training tickets."""
        return len(self.truth) if len(self.y) else 0

    def has(self, block: str) -> bool:
        """Whether the vocabulary has columns of a block."""
        return bool(self.vectorizer.vocabulary_.names[BLOCKS.index(block)])

    def losses(self, recipe: Recipe) -> Losses:
        """The log loss of each validation ticket with the best pool weights."""
        return -self._log_probabilities(recipe)[np.arange(len(self.truth)), self.truth]

    def macro_f1(self, recipe: Recipe) -> float:
        """The macro-F1 on the validation tickets."""
        return macro_f1(self._log_probabilities(recipe).argmax(axis=1), self.truth)

    def _log_probabilities(self, recipe: Recipe) -> Losses:
        scores = opinion_pool.log_scores(self._compute_margins(recipe), self.neighbour_votes, self.shares)
        weighted = np.tensordot(fit_pool(scores, self.truth, recipe.balance if recipe.rare else None), scores, axes=1)
        return np.asarray(log_softmax(weighted, axis=-1), dtype=np.float64)

    def _compute_margins(self, recipe: Recipe) -> Floats:
        """The margins of `LinearHead` with this recipe (tickets x labels)."""
        lsa_share = recipe.themes if len(self.lsa) else 0.0
        found = np.zeros((len(self.truth), self.labels), np.float32)
        if lsa_share < 1:
            found += (1 - lsa_share) * self._fit_margins(replace(recipe, themes=0.0))
        if lsa_share:
            found += lsa_share * self._fit_margins(Recipe(themes=1.0, recency=recipe.recency, balance=recipe.balance))
        return found

    def _fit_margins(self, part: Recipe) -> Floats:
        if part not in self._margins:
            weights = sample_weights(part, self.y, self.ages, self.label_weights)
            if part.themes:
                fitted = LinearSeparators.fit_dense(self.lsa.transform(self.X), self.y, self.labels, weights)
                self._margins[part] = fitted.margins(self.lsa.transform(self.X_validation))
            else:
                factors = sparse.diags_array(self.vectorizer.vocabulary_.expand_block_factors(part.blocks))
                X, X_validation = self.X @ factors, self.X_validation @ factors
                fitted = LinearSeparators.fit(X, self.y, self.labels, part.C, weights, part.ordered, self.seed)
                self._margins[part] = fitted.margins(X_validation)
        return self._margins[part]
