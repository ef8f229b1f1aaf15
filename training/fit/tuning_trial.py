"""Trial: what a recipe would be worth, on one fold that is read once.

In come a run's material and a fold, out come losses of as many recipes as are asked about; parts that recipes have in
common are learnt once.
"""

from dataclasses import dataclass, field, replace
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
"""The newest tickets learnt from and asked about in a trial: choices show on fewer tickets than a score needs."""

Losses = npt.NDArray[np.float64]


@dataclass
class TuningTrial:
    """One fold, read once: rows to learn from and to ask about, and everything that recipes have in common."""

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
        ask = fold.predict[np.isin(y[fold.predict], np.unique(y[learn]))]
        ask = ask[:: -(-len(ask) // MAX_VALIDATION_TICKETS) or 1]
        vectorizer = TicketVectorizer(latin=data.counts.latin).fit_counts(CountsView(data.counts, learn))
        X, Z = (vectorizer.transform_counts(CountsView(data.counts, rows)) for rows in (learn, ask))
        labels = len(data.label_sets[target].labels)
        share = np.bincount(y[learn], minlength=labels) + PRIOR_COUNT
        shares = (share / share.sum()).astype(np.float32)
        memory = NeighbourIndex.build(X, [""] * len(learn), vectorizer.vocabulary_.names)
        kept = y[learn][len(learn) - len(memory.ids) :]
        near = [memory.nearest(Z.indices[s:e], Z.data[s:e]) for s, e in zip(Z.indptr[:-1], Z.indptr[1:], strict=True)]
        cast = neighbour_votes(near, kept, shares)
        ages: Floats = (1 - (learn + 1) / max(int(learn[-1]) + 1, 1) if len(learn) else np.empty(0)).astype(np.float32)
        themes = LsaProjection.fit(X, data.seed)
        worth = data.label_weights[target][learn] if target in data.label_weights else None
        return cls(X, y[learn], ages, worth, Z, y[ask], labels, data.seed, vectorizer, cast, shares, themes)

    def __len__(self) -> int:
        """How many tickets are asked about; none without any to learn from."""
        return len(self.truth) if len(self.y) else 0

    def has(self, block: str) -> bool:
        """Whether tickets have anything in a block."""
        return bool(self.vectorizer.vocabulary_.names[BLOCKS.index(block)])

    def losses(self, recipe: Recipe) -> Losses:
        """The log loss of each ticket under the best pool."""
        return -self._log_probabilities(recipe)[np.arange(len(self.truth)), self.truth]

    def macro_f1(self, recipe: Recipe) -> float:
        """The mean F1 of the labels that occur."""
        return macro_f1(self._log_probabilities(recipe).argmax(axis=1), self.truth)

    def _log_probabilities(self, recipe: Recipe) -> Losses:
        scores = opinion_pool.log_scores(self._compute_margins(recipe), self.neighbour_votes, self.shares)
        weighted = np.tensordot(fit_pool(scores, self.truth, recipe.balance if recipe.rare else None), scores, axes=1)
        return np.asarray(log_softmax(weighted, axis=-1), dtype=np.float64)

    def _compute_margins(self, recipe: Recipe) -> Floats:
        """As `LinearHead` would have them; what two recipes have in common is learnt once."""
        said = recipe.themes if len(self.lsa) else 0.0
        found = np.zeros((len(self.truth), self.labels), np.float32)
        if said < 1:
            found += (1 - said) * self._fit_margins(replace(recipe, themes=0.0))
        if said:
            found += said * self._fit_margins(Recipe(themes=1.0, recency=recipe.recency, balance=recipe.balance))
        return found

    def _fit_margins(self, part: Recipe) -> Floats:
        if part not in self._margins:
            counted = sample_weights(part, self.y, self.ages, self.label_weights)
            if part.themes:
                fitted = LinearSeparators.fit_dense(self.lsa.transform(self.X), self.y, self.labels, counted)
                self._margins[part] = fitted.margins(self.lsa.transform(self.X_validation))
            else:
                factors = sparse.diags_array(self.vectorizer.vocabulary_.expand_block_factors(part.blocks))
                X, Z = self.X @ factors, self.X_validation @ factors
                fitted = LinearSeparators.fit(X, self.y, self.labels, part.C, counted, part.ordered, self.seed)
                self._margins[part] = fitted.margins(Z)
        return self._margins[part]
