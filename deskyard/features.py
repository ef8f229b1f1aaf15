"""Tickets to columns, the learning side: grams are counted once, and as many vectorizers as needed are fitted on rows.

`deskyard.vocabulary` is the scoring side of the same columns. Never keeps a text.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from deskyard.grams import BLOCKS, Ids, Reader, Said
from deskyard.ticket import Ticket
from deskyard.vocabulary import LENGTHS, Vocabulary


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each gram occurs in each ticket: a CSR matrix (tickets x grams) and the grams' names, by block."""

    matrices: tuple[sparse.csr_array, ...]
    names: tuple[tuple[str, ...], ...]
    latin: str

    def __len__(self) -> int:
        """The number of tickets."""
        return int(self.matrices[0].shape[0])

    def without(self, left_out: str) -> "Counts":
        """The counts with one block empty."""
        kept = [block != left_out for block in BLOCKS]
        return Counts(
            tuple(m if keep else m[:, :0] for keep, m in zip(kept, self.matrices, strict=True)),
            tuple(names if keep else () for keep, names in zip(kept, self.names, strict=True)),
            self.latin,
        )

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Counts":
        """The counts of some tickets, by position."""
        return Counts(tuple(matrix[rows] for matrix in self.matrices), self.names, self.latin)


def count(
    tickets: Sequence[Ticket], latin: str = "english", progress: Callable[[Iterable[Ticket]], Iterable[Ticket]] = iter
) -> Counts:
    """Count every gram of `tickets`; `progress` wraps the walk to show it."""
    vocabularies: list[defaultdict[str, int]] = [defaultdict() for _ in BLOCKS]
    for vocabulary in vocabularies:
        vocabulary.default_factory = vocabulary.__len__
    read = Reader(tuple(vocabulary.__getitem__ for vocabulary in vocabularies), latin)
    columns: list[list[Ids]] = [[] for _ in BLOCKS]
    for ticket in progress(tickets):
        for block, found in zip(columns, read(Said.of(ticket))[0], strict=True):
            block.append(found)
    return Counts(
        tuple(_counted(block, len(v)) for block, v in zip(columns, vocabularies, strict=True)),
        tuple(tuple(v) for v in vocabularies),
        latin,
    )


def _counted(rows: list[Ids], width: int) -> sparse.csr_array:
    indices = np.concatenate(rows) if rows else np.empty(0, np.int32)
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int32 if len(indices) < 2**31 else np.int64)
    ones: Any = np.ones(len(indices), np.float32)
    matrix = sparse.csr_array((ones, indices, indptr), shape=(len(rows), width))
    matrix.sum_duplicates()
    return matrix


class TicketVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Tickets to a sparse matrix of weighted columns (tickets x columns, float32).

    The inverse ticket frequency is ln((1 + n) / (1 + df)) + 1, as in scikit-learn; `deskyard.vocabulary` says how
    columns are weighed. A gram enters the vocabulary when at least `min_tickets` tickets hold it; of more than
    `most_grams` in a block the most frequent stay. E-mail addresses, phone and long numbers never reach a name.
    """

    def __init__(self, latin: str = "english", min_tickets: int = 2, most_grams: int = 200_000) -> None:
        self.latin = latin
        self.min_tickets = min_tickets
        self.most_grams = most_grams

    def fit(self, tickets: Sequence[Ticket], y: object = None) -> Self:
        """Learn vocabulary and weights from tickets."""
        return self.fit_counts(count(tickets, self.latin))

    def fit_counts(self, counts: Counts) -> Self:
        """Learn vocabulary and weights from counted tickets."""
        kept, names, idf = [], [], []
        for matrix, block in zip(counts.matrices, counts.names, strict=True):
            df = np.bincount(matrix.indices, minlength=matrix.shape[1])
            common = np.flatnonzero(df >= self.min_tickets)
            if len(common) > self.most_grams:
                common = np.sort(common[np.argsort(-df[common], kind="stable")[: self.most_grams]])
            kept.append(common)
            names.append([block[i] for i in common])
            idf.append(np.log((1 + len(counts)) / (1 + df[common])) + 1)
        self.kept_ = tuple(kept)
        self.vocabulary_ = Vocabulary(counts.latin, names, np.concatenate(idf).astype(np.float32))
        return self

    def transform(self, tickets: Sequence[Ticket]) -> sparse.csr_array:
        """The weighted columns of tickets; a ticket's row does not depend on its neighbours."""
        check_is_fitted(self, "vocabulary_")
        rows = [self.vocabulary_.row(ticket) for ticket in tickets]
        indptr = np.cumsum([0, *(len(columns) for columns, _, _ in rows)]).astype(np.int32)
        data: Any = np.concatenate([np.empty(0, np.float32), *(weights for _, weights, _ in rows)])
        indices = np.concatenate([np.empty(0, np.int32), *(columns for columns, _, _ in rows)])
        return sparse.csr_array((data, indices, indptr), shape=(len(rows), len(self.vocabulary_)))

    def transform_counts(self, counts: Counts) -> sparse.csr_array:
        """The weighted columns of tickets counted together with those of `fit_counts`."""
        check_is_fitted(self, "vocabulary_")
        blocks, starts = [], self.vocabulary_.starts
        for block, (matrix, kept) in enumerate(zip(counts.matrices, self.kept_, strict=True)):
            part = matrix[:, kept]
            part.data = 1 + np.log(part.data)
            part = part @ sparse.diags_array(self.vocabulary_.idf[starts[block] : starts[block + 1]])
            length = np.sqrt(np.asarray(part.multiply(part).sum(axis=1)).ravel())
            blocks.append(sparse.diags_array(LENGTHS[block] / np.where(length > 0, length, 1)) @ part)
        return sparse.csr_array(sparse.hstack(blocks, format="csr"), dtype=np.float32)

    def known(self, counts: Counts) -> npt.NDArray[np.float64]:
        """The share (0..1) of the words and pairs of tickets, counted with those of `fit_counts`, that is known."""
        check_is_fitted(self, "vocabulary_")
        words = counts.matrices[0]
        return np.asarray(words[:, self.kept_[0]].sum(axis=1, dtype=np.float64) / np.maximum(words.sum(axis=1), 1))

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """The columns' names, `block:gram`."""
        check_is_fitted(self, "vocabulary_")
        pairs = zip(BLOCKS, self.vocabulary_.names, strict=True)
        return np.array([f"{block}:{name}" for block, names in pairs for name in names], dtype=object)
