"""The linear head: one weight a column and label, as large a margin as the history allows.

In comes a matrix of weighted columns with labels, out come margins (tickets x labels), not yet probabilities:
`deskyard.pool` makes those from all heads. Never sees a ticket's text.
"""

import warnings
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.linear_model import SGDClassifier
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted

MOST_LABELS: Final = 150
MOST_TICKETS: Final = 300_000
"""Beyond either, stochastic gradient descent on the log loss takes over from LinearSVC (measured: `docs/design.md`)."""

ABSENT: Final = -2.0
"""The margin of a label that the fitted tickets do not hold; a fitted label's lies mostly between -1.5 and 1."""


class LinearHead(BaseEstimator):  # type: ignore[misc]
    """Margins of `labels` labels, one against the rest.

    `coef_` (columns x labels) is rounded to half precision: it costs nothing measurable and halves the bundle, and
    what is saved is then exactly what was judged.
    """

    def __init__(self, labels: int, C: float = 1.0, seed: int = 0) -> None:
        self.labels = labels
        self.C = C
        self.seed = seed

    def fit(self, X: sparse.csr_array, y: npt.NDArray[np.int32]) -> Self:
        """Learn from rows `X` (tickets x columns) and label positions `y` (0 .. labels - 1)."""
        present = np.unique(y)
        self.coef_ = np.zeros((X.shape[1], self.labels), np.float16)
        self.intercept_ = np.full(self.labels, ABSENT, np.float32)
        self.intercept_[present] = 0
        if len(present) > 1 and X.shape[1]:
            with warnings.catch_warnings():  # many labels on few tickets is what a short history looks like
                warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
                fitted = self._estimator(len(present), X.shape[0]).fit(X, y)
            coef, intercept = fitted.coef_, fitted.intercept_
            if len(present) == 2:
                coef, intercept = np.vstack([-coef, coef]), np.concatenate([-intercept, intercept])
            self.coef_[:, present] = coef.T
            self.intercept_[present] = intercept
        return self

    def _estimator(self, labels: int, tickets: int) -> Any:
        if labels <= MOST_LABELS and tickets <= MOST_TICKETS:
            return LinearSVC(C=self.C, tol=0.01, random_state=self.seed)
        return SGDClassifier(loss="log_loss", alpha=1 / (20 * tickets), random_state=self.seed)

    def margins(self, X: sparse.csr_array) -> npt.NDArray[np.float32]:
        """How far each ticket stands on each label's side (tickets x labels)."""
        check_is_fitted(self, "coef_")
        return np.asarray(X @ self.coef_.astype(np.float64) + self.intercept_, dtype=np.float32)
