"""Turns tickets into weighted columns for training: counts n-grams once and fits vectorizers on subsets of rows.

`deskyard.features.vocabulary` computes the same columns when scoring. No text is kept.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from deskyard.domain.ticket import Ticket
from deskyard.features.ngrams import BLOCKS, Ids, NgramReader, TicketTokens
from deskyard.features.vocabulary import BLOCK_NORMS, Vocabulary

BATCH_SIZE: Final = 5_000
"""Tickets read before their repeated n-grams are added up; memory use grows with it."""


@dataclass(frozen=True, slots=True)
class NgramCounts:
    """How often each n-gram occurs in each ticket: a CSR matrix (tickets x n-grams) and their names, by block."""

    matrices: tuple[sparse.csr_array, ...]
    names: tuple[tuple[str, ...], ...]
    latin: str
    word_counts: npt.NDArray[np.int32]
    """How many words and pairs each ticket has, including those that were left out."""

    def __len__(self) -> int:
        """The number of tickets."""
        return int(self.matrices[0].shape[0])

    def without_block(self, omitted: str) -> "NgramCounts":
        """The counts with one block empty."""
        kept = [block != omitted for block in BLOCKS]
        return NgramCounts(
            tuple(m if keep else m[:, :0] for keep, m in zip(kept, self.matrices, strict=True)),
            tuple(names if keep else () for keep, names in zip(kept, self.names, strict=True)),
            self.latin,
            self.word_counts,
        )

    def drop_singletons(self) -> "NgramCounts":
        """The counts without n-grams of a single ticket: most n-grams are such, and no vocabulary includes them."""
        kept = [np.flatnonzero(np.bincount(m.indices, minlength=m.shape[1]) > 1) for m in self.matrices]
        return NgramCounts(
            tuple(m[:, columns] for m, columns in zip(self.matrices, kept, strict=True)),
            tuple(tuple(names[i] for i in columns.tolist()) for names, columns in zip(self.names, kept, strict=True)),
            self.latin,
            self.word_counts,
        )

    def __getitem__(self, rows: npt.NDArray[Any]) -> "NgramCounts":
        """The counts of some tickets, by position."""
        return NgramCounts(
            tuple(matrix[rows] for matrix in self.matrices), self.names, self.latin, self.word_counts[rows]
        )


@dataclass(frozen=True, slots=True)
class CountsView:
    """Some tickets of `counts`, by position; iterating copies them `BATCH_SIZE` at a time."""

    counts: NgramCounts
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """The number of tickets."""
        return len(self.rows)

    def __iter__(self) -> Iterator[NgramCounts]:
        """The counts, `BATCH_SIZE` tickets at a time."""
        return (self.counts[self.rows[i : i + BATCH_SIZE]] for i in range(0, len(self.rows), BATCH_SIZE))

    @classmethod
    def full(cls, counts: "NgramCounts | CountsView") -> "CountsView":
        """A view of all tickets of `counts`."""
        return counts if isinstance(counts, CountsView) else cls(counts, np.arange(len(counts)))


def count_ngrams(
    tickets: Sequence[Ticket], latin: str = "english", progress: Callable[[Iterable[Ticket]], Iterable[Ticket]] = iter
) -> NgramCounts:
    """Count every n-gram of `tickets`; `progress` wraps the iteration to show it."""
    vocabularies: list[defaultdict[str, int]] = [defaultdict() for _ in BLOCKS]
    for vocabulary in vocabularies:
        vocabulary.default_factory = vocabulary.__len__
    read = NgramReader(tuple(vocabulary.__getitem__ for vocabulary in vocabularies), latin)
    rows: list[list[Ids]] = [[] for _ in BLOCKS]
    parts: list[list[sparse.csr_array]] = [[] for _ in BLOCKS]
    word_counts: list[int] = []
    for n, ticket in enumerate(progress(tickets), 1):
        blocks, n_words = read(TicketTokens.from_ticket(ticket))
        word_counts.append(n_words)
        for block, found in zip(rows, blocks, strict=True):
            block.append(found)
        if n % BATCH_SIZE == 0 or n == len(tickets):
            for block, part, vocabulary in zip(rows, parts, vocabularies, strict=True):
                part.append(_to_matrix(block, len(vocabulary)))
                block.clear()
    return NgramCounts(
        tuple(_stack(parts.pop(0), len(v), np.uint16) for v in vocabularies),
        tuple(tuple(v) for v in vocabularies),
        latin,
        np.array(word_counts, np.int32),
    )


def _to_matrix(rows: list[Ids], width: int) -> sparse.csr_array:
    indices = np.concatenate(rows) if rows else np.empty(0, np.int32)
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int32 if len(indices) < 2**31 else np.int64)
    ones: Any = np.ones(len(indices), np.uint16)  # a text has fewer words than that: it is cut at 20,000 characters
    matrix = sparse.csr_array((ones, indices, indptr), shape=(len(rows), width))
    matrix.sum_duplicates()
    return matrix


def _stack(parts: list[sparse.csr_array], width: int, kind: type) -> sparse.csr_array:
    """Stack the rows of several matrices; later ones may have more columns."""
    lengths = np.concatenate([np.empty(0, np.int64), *(np.diff(part.indptr) for part in parts)])
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indptr = indptr.astype(np.int32 if indptr[-1] < 2**31 else np.int64)
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], kind)
    end = 0
    while parts:  # frees each part once it is copied
        part = parts.pop(0)
        indices[end : end + part.nnz], data[end : end + part.nnz] = part.indices, part.data
        end += part.nnz
    return sparse.csr_array((data, indices, indptr), shape=(len(lengths), width))


class TicketVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Tickets to a sparse matrix of weighted columns (tickets x columns, float32).

    The inverse ticket frequency is ln((1 + n) / (1 + df)) + 1, as in scikit-learn; `deskyard.features.vocabulary`
    describes the weighting. An n-gram enters the vocabulary when at least `min_tickets` tickets hold it; of more than
    `max_ngrams` in a block the most frequent are kept. E-mail addresses and long numbers never become a column's name.
    """

    def __init__(self, latin: str = "english", min_tickets: int = 2, max_ngrams: int = 200_000) -> None:
        self.latin = latin
        self.min_tickets = min_tickets
        self.max_ngrams = max_ngrams

    def fit(self, tickets: Sequence[Ticket], y: object = None) -> Self:
        """Learn vocabulary and weights from tickets."""
        return self.fit_counts(count_ngrams(tickets, self.latin))

    def fit_counts(self, counts: NgramCounts | CountsView) -> Self:
        """Learn vocabulary and weights from counted tickets."""
        tickets = CountsView.full(counts)
        document_frequencies = [np.zeros(len(block), np.int64) for block in tickets.counts.names]
        for batch in tickets:
            for df, matrix in zip(document_frequencies, batch.matrices, strict=True):
                df += np.bincount(matrix.indices, minlength=len(df))
        kept, names, idf = [], [], []
        for df, block in zip(document_frequencies, tickets.counts.names, strict=True):
            common = np.flatnonzero(df >= self.min_tickets)
            if len(common) > self.max_ngrams:
                common = np.sort(common[np.argsort(-df[common], kind="stable")[: self.max_ngrams]])
            kept.append(common)
            names.append([block[i] for i in common])
            idf.append(np.log((1 + len(tickets)) / (1 + df[common])) + 1)
        self.kept_ = tuple(kept)
        self.vocabulary_ = Vocabulary(tickets.counts.latin, names, np.concatenate(idf).astype(np.float32))
        return self

    def transform(self, tickets: Sequence[Ticket]) -> sparse.csr_array:
        """The weighted columns of tickets (tickets x columns); a ticket's row does not depend on the others."""
        check_is_fitted(self, "vocabulary_")
        rows = [self.vocabulary_.vectorize(ticket) for ticket in tickets]
        indptr = np.cumsum([0, *(len(columns) for columns, _, _ in rows)]).astype(np.int32)
        data: Any = np.concatenate([np.empty(0, np.float32), *(weights for _, weights, _ in rows)])
        indices = np.concatenate([np.empty(0, np.int32), *(columns for columns, _, _ in rows)])
        return sparse.csr_array((data, indices, indptr), shape=(len(rows), len(self.vocabulary_)))

    def transform_counts(self, counts: NgramCounts | CountsView) -> sparse.csr_array:
        """The weighted columns (tickets x columns) of tickets that were counted together with those of `fit_counts`."""
        check_is_fitted(self, "vocabulary_")
        return _stack([self._weight(batch) for batch in CountsView.full(counts)], len(self.vocabulary_), np.float32)

    def _weight(self, counts: NgramCounts) -> sparse.csr_array:
        blocks, starts = [], self.vocabulary_.starts
        for block, (matrix, kept) in enumerate(zip(counts.matrices, self.kept_, strict=True)):
            part = matrix[:, kept].astype(np.float32)
            np.log(part.data, out=part.data)
            part.data += 1
            part.data *= self.vocabulary_.idf[starts[block] : starts[block + 1]][part.indices]
            length = np.sqrt(part.power(2).sum(axis=1, dtype=np.float64))
            scale = BLOCK_NORMS[block] / np.where(length > 0, length, 1)
            part.data *= np.repeat(scale.astype(np.float32), np.diff(part.indptr))
            blocks.append(part)
        return sparse.csr_array(sparse.hstack(blocks, format="csr"), dtype=np.float32)

    def known_share(self, counts: NgramCounts | CountsView) -> npt.NDArray[np.float64]:
        """The share (0..1) of known words and pairs of each ticket, counted together with those of `fit_counts`."""
        check_is_fitted(self, "vocabulary_")
        shares = [
            batch.matrices[0][:, self.kept_[0]].sum(axis=1, dtype=np.float64) / np.maximum(batch.word_counts, 1)
            for batch in CountsView.full(counts)
        ]
        return np.concatenate([np.empty(0), *shares])

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """The columns' names, `block:ngram`."""
        check_is_fitted(self, "vocabulary_")
        pairs = zip(BLOCKS, self.vocabulary_.names, strict=True)
        return np.array([f"{block}:{name}" for block, names in pairs for name in names], dtype=object)
