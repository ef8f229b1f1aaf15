"""The linear head: one-vs-rest linear classifiers over a ticket's weighted columns.

Fitted on a matrix of columns and labels, it gives margins (tickets x labels); `deskyard.model.opinion_pool` turns the
scores of all heads into probabilities.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted

from deskyard.features.lsa import LsaProjection
from deskyard.model.hyperparameters import PLAIN_RECIPE, Recipe

MAX_SVM_TICKETS: Final = 60_000
MAX_SVM_WORK: Final = 5_000_000
"""Labels times tickets. Beyond either limit, stochastic gradient descent on the log loss replaces LinearSVC (measured:
`docs/methods.md`); it needs no copy of the rows, where LinearSVC needs three and a half."""

ABSENT_INTERCEPT: Final = -2.0
"""The margin of a label without training tickets; margins of other labels lie mostly between -1.5 and 1."""

LSA_C: Final = 3.0
"""C of the logistic regression on LSA components; 1 to 10 do equally well."""

EMBEDDING_C: Final = 0.03
"""C of the logistic regression on an encoder's vectors, each dimension scaled to standard deviation 1. On the training
parts of four histories 0.01 to 0.1 gave the pool's lowest log loss; 10 was the worst of the values tried."""

ABSENT_LSA_INTERCEPT: Final = -8.0
"""`ABSENT_INTERCEPT` for logistic regression, whose margins are logits."""

MAX_LSA_TICKETS: Final = 30_000
"""Tickets that the classifier on LSA components is fitted on; it has a few thousand weights."""

MIN_TICKETS_PER_LABEL: Final = 50
"""Tickets of a label that this subsampling keeps at least."""

MIN_SPREAD: Final = 1e-6
"""The standard deviation below which a dimension is taken as constant."""

MIN_RECENCY_WEIGHT: Final = 0.1
"""The weight that is added to every ticket, however old, where recency is used."""

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class LinearSeparators:
    """Weights `coef` (columns x labels) and `intercept` (labels)."""

    coef: Floats
    intercept: Floats

    @classmethod
    def fit(
        cls, X: Any, y: Positions, labels: int, C: float, weights: Floats, ordered: bool = False, seed: int = 0
    ) -> "LinearSeparators":
        """Fit one classifier per label against the rest; or, `ordered`, one per step between neighbouring labels.

        The margin of an ordered label is the sum of the steps below it minus the sum of the steps above it (Frank and
        Hall 2001, with margins instead of probabilities), so that neighbours differ by twice the step between them.
        """
        found = cls(np.zeros((X.shape[1], labels), np.float32), np.full(labels, ABSENT_INTERCEPT, np.float32))
        present = np.unique(y)
        found.intercept[present] = 0
        if len(present) < 2 or not X.shape[1]:
            return found
        if ordered:
            steps = [cls._fit_binary(X, y > label, C, weights, seed) for label in present[:-1]]
            for place, label in enumerate(present):
                for step, (slope, start) in enumerate(steps):
                    sign = 1 if step < place else -1
                    found.coef[:, label] += sign * slope
                    found.intercept[label] += sign * start
            return found
        return found._fit_one_vs_rest(X, y, present, _make_estimator(len(present), X.shape[0], C, seed), weights)

    @classmethod
    def fit_embeddings(cls, vectors: Floats, y: Positions, labels: int, weights: Floats) -> "LinearSeparators":
        """Fit all `labels` on an encoder's vectors (tickets x dimensions)."""
        mean, spread = (found.astype(np.float32) for found in (vectors.mean(axis=0), vectors.std(axis=0)))
        spread[spread < MIN_SPREAD] = 1
        found = cls.fit_dense((vectors - mean) / spread, y, labels, weights, EMBEDDING_C)
        coef = np.asarray(found.coef / spread[:, None], np.float32)
        return cls(coef, np.asarray(found.intercept - mean @ coef, np.float32))

    @classmethod
    def fit_dense(
        cls, rows: Floats, y: Positions, labels: int, weights: Floats, C: float = LSA_C
    ) -> "LinearSeparators":
        """Fit all `labels` on dense rows (tickets x components)."""
        found = cls(np.zeros((rows.shape[1], labels), np.float32), np.full(labels, ABSENT_LSA_INTERCEPT, np.float32))
        present = np.unique(y)
        found.intercept[present] = 0
        if len(present) < 2:
            return found
        return found._fit_one_vs_rest(rows, y, present, LogisticRegression(C=C, tol=1e-3, max_iter=200), weights)

    def _fit_one_vs_rest(
        self, X: Any, y: Positions, present: Positions, estimator: Any, weights: Floats
    ) -> "LinearSeparators":
        """Fit `estimator` and store its weights for the labels that are `present`; returns itself."""
        with warnings.catch_warnings():  # short histories have many labels and few tickets
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            warnings.filterwarnings("ignore", "lbfgs failed to converge", ConvergenceWarning)
            fitted = estimator.fit(X, y, sample_weight=weights)
        coef, intercept = fitted.coef_, fitted.intercept_
        if len(present) == 2:
            coef, intercept = np.vstack([-coef, coef]), np.concatenate([-intercept, intercept])
        self.coef[:, present] = coef.T
        self.intercept[present] = intercept
        return self

    @staticmethod
    def _fit_binary(X: Any, above: npt.NDArray[np.bool_], C: float, weights: Floats, seed: int) -> tuple[Floats, float]:
        fitted = _make_estimator(2, X.shape[0], C, seed).fit(X, above, sample_weight=weights)
        return fitted.coef_[0], float(fitted.intercept_[0])

    def margins(self, X: Any) -> Floats:
        """The margin of each label for each row (rows x labels)."""
        return np.asarray(X @ self.coef + self.intercept, dtype=np.float32)


def _make_estimator(labels: int, tickets: int, C: float, seed: int) -> Any:
    if tickets <= MAX_SVM_TICKETS and labels * tickets <= MAX_SVM_WORK:
        return LinearSVC(C=C, tol=0.01, random_state=seed)
    steady = tickets > MAX_SVM_TICKETS
    return SGDClassifier(loss="log_loss", alpha=1 / (20 * C * tickets), average=steady, random_state=seed)


def _is_unscaled(X: sparse.csr_array, factors: Floats) -> bool:
    """Whether all columns in use have the factor 1, so that the large copy of `X` can be avoided."""
    return all((factors[part] == 1).all() for part in np.array_split(X.indices, 1 + X.nnz // 1_000_000))


def _subsample(y: Positions) -> Positions:
    """Positions of about `MAX_LSA_TICKETS` tickets, evenly spread, plus all tickets of labels with few."""
    chosen = np.bincount(y)[y] * MAX_LSA_TICKETS < MIN_TICKETS_PER_LABEL * len(y)
    chosen[np.linspace(0, len(y) - 1, min(MAX_LSA_TICKETS, len(y))).astype(np.int64)] = True
    return np.flatnonzero(chosen).astype(np.int32)


def sample_weights(recipe: Recipe, y: Positions, ages: Floats, label_weights: Floats | None = None) -> Floats:
    """The weight of each ticket by a recipe.

    `ages` are shares of the history (0: the newest); `label_weights` come from `training.fit.label_weights` (None: all
    the same).
    """
    weights = np.ones(len(y), np.float32)
    if recipe.recency is not None:
        weights = (np.exp(-ages / recipe.recency) + MIN_RECENCY_WEIGHT).astype(np.float32)
        weights /= weights.mean()
    if label_weights is not None:
        weights = weights * (label_weights / label_weights.mean() if len(label_weights) else label_weights)
    return weights * class_balance_weights(y, recipe.balance)


def class_balance_weights(y: Positions, balance: float) -> Floats:
    """The weight of each ticket so that tickets (`balance` 0) or labels (1) weigh equally; the mean is 1 in both
    cases."""
    counts = np.bincount(y)
    return np.asarray(
        (len(y) / (np.count_nonzero(counts) * counts[y])) ** balance if balance else np.ones(len(y)), np.float32
    )


class LinearHead(BaseEstimator):  # type: ignore[misc]
    """Estimates margins of `labels` labels by a `recipe`.

    `coef_` (columns x labels) is rounded to half precision. The effect is not measurable, it halves the bundle, and the
    saved model is exactly the evaluated one.
    """

    def __init__(self, labels: int, recipe: Recipe = PLAIN_RECIPE, seed: int = 0) -> None:
        self.labels = labels
        self.recipe = recipe
        self.seed = seed

    def fit(
        self,
        X: sparse.csr_array,
        y: Positions,
        factors: Floats | None = None,
        ages: Floats | None = None,
        lsa: LsaProjection | None = None,
        label_weights: Floats | None = None,
    ) -> Self:
        """Fit on rows `X` (tickets x columns) and label positions `y` (0 .. labels - 1).

        `factors` (columns; None: 1) are those of the recipe's blocks, `ages` those of the tickets (None: all new),
        `lsa` the projection for the recipe's `themes`, `label_weights` the weights of the labels (None: equal).
        """
        recipe = self.recipe
        weights = sample_weights(recipe, y, np.zeros(len(y), np.float32) if ages is None else ages, label_weights)
        lsa_share = recipe.themes if lsa is not None and len(lsa) else 0.0
        coef = np.zeros((X.shape[1], self.labels), np.float32)
        intercept = np.zeros(self.labels, np.float32)
        if lsa_share < 1:
            scaled = X if factors is None or _is_unscaled(X, factors) else X @ sparse.diags_array(factors)
            plain = LinearSeparators.fit(scaled, y, self.labels, recipe.C, weights, recipe.ordered, self.seed)
            coef += (1 - lsa_share) * (plain.coef if factors is None else factors[:, None] * plain.coef)
            intercept += (1 - lsa_share) * plain.intercept
        if lsa_share and lsa is not None:
            rows = _subsample(y) if len(y) > MAX_LSA_TICKETS else slice(None)
            on_components = LinearSeparators.fit_dense(lsa.transform(X[rows]), y[rows], self.labels, weights[rows])
            coef += lsa_share * lsa.to_column_weights(on_components.coef, X.shape[1])
            intercept += lsa_share * on_components.intercept
        self.coef_ = coef.astype(np.float16)
        self.intercept_ = intercept
        return self

    def margins(self, X: sparse.csr_array) -> Floats:
        """The margin of each label for each ticket (tickets x labels)."""
        check_is_fitted(self, "coef_")
        return np.asarray(X @ self.coef_.astype(np.float64) + self.intercept_, dtype=np.float32)
