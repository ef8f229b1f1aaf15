"""Parts: which of a ticket's words and field values its columns stand for.

In comes what a ticket says, out come occurrences of columns and who owns them. Weighs nothing, keeps no text.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deskyard.features.ngrams import Ids, Said
from deskyard.features.vocabulary import Vocabulary, Weights, counted

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Parts:
    """A ticket taken apart: its `columns` (ascending), and the `names` of its words and field values.

    Of each occurrence of a column, `at` is the column's place among `columns`, and `first` and `last` are the places
    of its owners among `names`: two words for a pair, one and the same for all else.
    """

    vocabulary: Vocabulary
    said: Said
    columns: Ids
    counts: Places
    names: tuple[str, ...]
    at: Places
    first: Places
    last: Places

    @classmethod
    def of(cls, vocabulary: Vocabulary, said: Said) -> "Parts":
        """The parts of what a ticket says."""
        places: dict[str, int] = {}
        named = np.array([places.setdefault(name, len(places)) for name in (*said.words, *said.fields)], np.intp)
        found, first, last = vocabulary.read.parts(said)
        columns, at, counts = np.unique(found, return_inverse=True, return_counts=True)
        return cls(vocabulary, said, columns, counts, tuple(places), at, named[first], named[last])

    @property
    def weights(self) -> Weights:
        """What the columns weigh."""
        return self.vocabulary.weights(self.columns, self.counts)

    def row_without(self, gone: Collection[int]) -> tuple[Ids, Weights]:
        """The columns and weights of the ticket with some words and values (places in `names`) deleted everywhere.

        It is the row of `said.without(...)`: words that stood around a deleted one are neighbours.
        """
        deleted = np.zeros(len(self.names), bool)
        deleted[list(gone)] = True
        left = np.bincount(self.at[~(deleted[self.first] | deleted[self.last])], minlength=len(self.columns))
        columns, counts = self.columns[left > 0], left[left > 0]
        joined = self.vocabulary.read.joined(self.said, {self.names[i] for i in gone})
        if len(joined):
            columns, counts = counted(np.concatenate([np.repeat(columns, counts), joined]))
        return columns, self.vocabulary.weights(columns, counts)

    def told(self, parts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What the columns add (columns), by name: each occurrence alike, and halves for the two words of a pair."""
        each = (parts / self.counts)[self.at] / 2
        first, last = (np.bincount(owners, each, len(self.names)) for owners in (self.first, self.last))
        return np.asarray(first + last, dtype=np.float64)
