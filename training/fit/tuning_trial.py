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
from deskyard.features.lsa import Themes
from deskyard.features.ngrams import BLOCKS
from deskyard.features.vectorizer import Part, TicketVectorizer
from deskyard.model import opinion_pool
from deskyard.model.hyperparameters import Recipe
from deskyard.model.knn_head import Memory, votes
from deskyard.model.linear_head import Floats, Separators, weights
from deskyard.model.ticket_model import UNHEARD
from training.data.splits import Fold
from training.fit.calibration import fit_pool
from training.fit.cross_fitting import Material
from training.fit.metrics import macro_f1

MOST_LEARNT: Final = 20_000
MOST_ASKED: Final = 4_000
"""The newest tickets learnt from and asked about in a trial: choices show on fewer tickets than a score needs."""

Losses = npt.NDArray[np.float64]


@dataclass
class Trial:
    """One fold, read once: rows to learn from and to ask about, and everything that recipes have in common."""

    X: sparse.csr_array
    y: npt.NDArray[np.int32]
    ages: Floats
    worth: Floats | None
    Z: sparse.csr_array
    truth: npt.NDArray[np.int32]
    labels: int
    seed: int
    vectorizer: TicketVectorizer
    cast: Floats
    shares: Floats
    themes: Themes
    _margins: dict[Recipe, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, material: Material, target: Target, fold: Fold) -> "Trial":
        """The newest tickets of a fold that have a label of `target`."""
        y = material.y[target]
        learn = fold.learn[y[fold.learn] >= 0][-MOST_LEARNT:]
        ask = fold.ask[np.isin(y[fold.ask], np.unique(y[learn]))]
        ask = ask[:: -(-len(ask) // MOST_ASKED) or 1]
        vectorizer = TicketVectorizer(latin=material.counts.latin).fit_counts(Part(material.counts, learn))
        X, Z = (vectorizer.transform_counts(Part(material.counts, rows)) for rows in (learn, ask))
        labels = len(material.label_sets[target].labels)
        share = np.bincount(y[learn], minlength=labels) + UNHEARD
        shares = (share / share.sum()).astype(np.float32)
        memory = Memory.of(X, [""] * len(learn), vectorizer.vocabulary_.names)
        kept = y[learn][len(learn) - len(memory.ids) :]
        near = [memory.nearest(Z.indices[s:e], Z.data[s:e]) for s, e in zip(Z.indptr[:-1], Z.indptr[1:], strict=True)]
        cast = votes(near, kept, shares)
        ages: Floats = (1 - (learn + 1) / max(int(learn[-1]) + 1, 1) if len(learn) else np.empty(0)).astype(np.float32)
        themes = Themes.of(X, material.seed)
        worth = material.worth[target][learn] if target in material.worth else None
        return cls(X, y[learn], ages, worth, Z, y[ask], labels, material.seed, vectorizer, cast, shares, themes)

    def __len__(self) -> int:
        """How many tickets are asked about; none without any to learn from."""
        return len(self.truth) if len(self.y) else 0

    def has(self, block: str) -> bool:
        """Whether tickets have anything in a block."""
        return bool(self.vectorizer.vocabulary_.names[BLOCKS.index(block)])

    def losses(self, recipe: Recipe) -> Losses:
        """The log loss of each ticket under the best pool."""
        return -self._logs(recipe)[np.arange(len(self.truth)), self.truth]

    def macro_f1(self, recipe: Recipe) -> float:
        """The mean F1 of the labels that occur."""
        return macro_f1(self._logs(recipe).argmax(axis=1), self.truth)

    def _logs(self, recipe: Recipe) -> Losses:
        scores = opinion_pool.log_scores(self._margins_of(recipe), self.cast, self.shares)
        weighted = np.tensordot(fit_pool(scores, self.truth, recipe.balance if recipe.rare else None), scores, axes=1)
        return np.asarray(log_softmax(weighted, axis=-1), dtype=np.float64)

    def _margins_of(self, recipe: Recipe) -> Floats:
        """As `LinearHead` would have them; what two recipes have in common is learnt once."""
        said = recipe.themes if len(self.themes) else 0.0
        found = np.zeros((len(self.truth), self.labels), np.float32)
        if said < 1:
            found += (1 - said) * self._learnt(replace(recipe, themes=0.0))
        if said:
            found += said * self._learnt(Recipe(themes=1.0, recency=recipe.recency, balance=recipe.balance))
        return found

    def _learnt(self, part: Recipe) -> Floats:
        if part not in self._margins:
            counted = weights(part, self.y, self.ages, self.worth)
            if part.themes:
                fitted = Separators.by_theme(self.themes.rows(self.X), self.y, self.labels, counted)
                self._margins[part] = fitted.margins(self.themes.rows(self.Z))
            else:
                factors = sparse.diags_array(self.vectorizer.vocabulary_.spread(part.blocks))
                X, Z = self.X @ factors, self.Z @ factors
                fitted = Separators.fit(X, self.y, self.labels, part.C, counted, part.ordered, self.seed)
                self._margins[part] = fitted.margins(Z)
        return self._margins[part]
