"""Parts: which of a ticket's words and field values its columns stand for.

In comes what a ticket says, out come occurrences of columns and who owns them. Weighs nothing, keeps no text.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deskyard.features.ngrams import Ids, TicketTokens
from deskyard.features.vocabulary import Vocabulary, Weights, count_columns

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class TokenColumns:
    """A ticket taken apart: its `columns` (ascending), and the `names` of its words and field values.

    Of each occurrence of a column, `at` is the column's place among `columns`, and `first` and `last` are the places
    of its owners among `names`: two words for a pair, one and the same for all else.
    """

    vocabulary: Vocabulary
    tokens: TicketTokens
    columns: Ids
    counts: Indices
    token_names: tuple[str, ...]
    column_index: Indices
    first_token: Indices
    last_token: Indices

    @classmethod
    def build(cls, vocabulary: Vocabulary, tokens: TicketTokens) -> "TokenColumns":
        """The parts of what a ticket says."""
        places: dict[str, int] = {}
        named = np.array([places.setdefault(name, len(places)) for name in (*tokens.words, *tokens.fields)], np.intp)
        found, first, last = vocabulary.reader.columns_with_tokens(tokens)
        columns, at, counts = np.unique(found, return_inverse=True, return_counts=True)
        return cls(vocabulary, tokens, columns, counts, tuple(places), at, named[first], named[last])

    @property
    def weights(self) -> Weights:
        """What the columns weigh."""
        return self.vocabulary.weights(self.columns, self.counts)

    def row_without(self, removed: Collection[int]) -> tuple[Ids, Weights]:
        """The columns and weights of the ticket with some words and values (places in `names`) deleted everywhere.

        It is the row of `said.without(...)`: words that stood around a deleted one are neighbours.
        """
        deleted = np.zeros(len(self.token_names), bool)
        deleted[list(removed)] = True
        left = np.bincount(
            self.column_index[~(deleted[self.first_token] | deleted[self.last_token])], minlength=len(self.columns)
        )
        columns, counts = self.columns[left > 0], left[left > 0]
        joined = self.vocabulary.reader.new_pairs(self.tokens, {self.token_names[i] for i in removed})
        if len(joined):
            columns, counts = count_columns(np.concatenate([np.repeat(columns, counts), joined]))
        return columns, self.vocabulary.weights(columns, counts)

    def weights_by_token(self, contributions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What the columns add (columns), by name: each occurrence alike, and halves for the two words of a pair."""
        each = (contributions / self.counts)[self.column_index] / 2
        first, last = (
            np.bincount(owners, each, len(self.token_names)) for owners in (self.first_token, self.last_token)
        )
        return np.asarray(first + last, dtype=np.float64)
