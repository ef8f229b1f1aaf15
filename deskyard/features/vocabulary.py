"""Turns a ticket into weighted columns when scoring.

Within a block an n-gram weighs 1 + log(count), times its smoothed inverse ticket frequency; the block is then scaled to
its length (`BLOCK_NORMS`). It needs no scikit-learn, so that the service starts quickly; `deskyard.features.vectorizer`
fits the vocabulary.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Ticket
from deskyard.features.ngrams import BLOCKS, Ids, NgramReader, TicketTokens

BLOCK_NORMS: Final = (1.0, 1.0, 0.5, 1.0)
"""The Euclidean length of each block's part of a row."""

Weights = npt.NDArray[np.float32]


class Vocabulary:
    """The known columns: their names block by block, and their inverse ticket frequencies `idf` (columns)."""

    def __init__(self, latin: str, names: Sequence[Sequence[str]], idf: Weights) -> None:
        """`latin` names the stemmer for words in Latin script."""
        self.latin = latin
        self.names = names
        self.idf = idf
        self.starts = np.cumsum([0, *map(len, names)])
        self.reader = NgramReader(
            tuple(
                dict(zip(block, range(start, start + len(block)), strict=True)).get if block else None
                for start, block in zip(self.starts[:-1].tolist(), names, strict=True)
            ),
            latin,
        )

    def __len__(self) -> int:
        """The number of columns."""
        return len(self.idf)

    def expand_block_factors(self, factors: Sequence[float]) -> Weights:
        """One factor per block as one factor per column."""
        return np.repeat(np.asarray(factors, np.float32), np.diff(self.starts))

    def vectorize(self, ticket: Ticket) -> tuple[Ids, Weights, float]:
        """A ticket's columns (ascending), their weights, and the share (0..1) of its words and pairs that are known."""
        found, n_words = self.reader(TicketTokens.from_ticket(ticket))
        columns, counts = count_columns(np.concatenate(found))
        return columns, self.weights(columns, counts), len(found[BLOCKS.index("words")]) / max(n_words, 1)

    def weights(self, columns: Ids, counts: npt.NDArray[np.intp]) -> Weights:
        """The weights of a ticket's columns (ascending) from how often each occurs (`counts`)."""
        weights: Weights = (1 + np.log(counts, dtype=np.float32)) * self.idf[columns]
        edges = np.searchsorted(columns, self.starts).tolist()
        for length, start, stop in zip(BLOCK_NORMS, edges[:-1], edges[1:], strict=True):
            if start < stop:
                part = weights[start:stop]
                part *= length / float(np.sqrt(part @ part))
        return weights


def count_columns(columns: Ids) -> tuple[Ids, npt.NDArray[np.intp]]:
    """The distinct columns, ascending, and how often each occurs; a third of the cost of `np.unique`."""
    columns = np.sort(columns)
    new = np.ones(len(columns), bool)
    np.not_equal(columns[1:], columns[:-1], out=new[1:])
    first = np.flatnonzero(new)
    return columns[first], np.diff(first, append=len(columns))
