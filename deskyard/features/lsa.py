"""Themes: a few hundred directions in which the tickets of a history differ most, found without looking at labels.

Latent semantic analysis (Deerwester et al. 1990): a truncated singular value decomposition of the columns. Words that
keep the same company lie in the same direction, so a word seen once borrows from its companions. A separator learnt on
themes is folded back into column weights, so scoring never knows of them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

MAX_COMPONENTS: Final = 200
"""Themes. 100 are a little worse and 400 no better (inside train, six histories)."""

SAMPLE_SIZE: Final = 5_000
"""Tickets, evenly spread, in which themes are looked for: as good as all of them, and twice to four times as fast."""

BATCH_SIZE: Final = 5_000
"""Tickets whose columns are copied at once."""

MIN_TICKETS: Final = 20
"""Tickets below which there are no themes."""

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LsaProjection:
    """`directions` (used columns x themes) and which columns those are."""

    columns: npt.NDArray[np.int64]
    directions: Rows

    @classmethod
    def fit(cls, X: sparse.csr_array, seed: int) -> "LsaProjection":
        """The themes of rows `X` (tickets x columns); none where there are too few tickets."""
        some = X[np.unique(np.linspace(0, X.shape[0] - 1, min(SAMPLE_SIZE, X.shape[0])).astype(np.int64))]
        columns = np.flatnonzero(np.bincount(some.indices, minlength=X.shape[1]) > 1)
        n = min(MAX_COMPONENTS, some.shape[0] - 1, len(columns) - 1)
        if X.shape[0] < MIN_TICKETS or n < 2:
            return cls(columns[:0], np.empty((0, 0), np.float32))
        found = randomized_svd(some[:, columns], n, n_iter=2, random_state=seed)[2]
        return cls(columns, np.ascontiguousarray(found.T, dtype=np.float32))

    def __len__(self) -> int:
        """How many."""
        return int(self.directions.shape[1])

    def transform(self, X: sparse.csr_array) -> Rows:
        """Tickets by theme (tickets x themes)."""
        some = [X[i : i + BATCH_SIZE][:, self.columns] @ self.directions for i in range(0, X.shape[0], BATCH_SIZE)]
        return np.concatenate([np.empty((0, len(self)), np.float32), *some])

    def to_column_weights(self, coef: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
        """Weights of themes (themes x labels) as weights of columns (`width` x labels)."""
        unfolded = np.zeros((width, coef.shape[1]), np.float32)
        unfolded[self.columns] = self.directions @ coef
        return unfolded
