"""Maps a ticket's columns to the words and field values they come from."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deskyard.features.ngrams import Ids, TicketTokens
from deskyard.features.vocabulary import Vocabulary, Weights, count_columns

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class TokenColumns:
    """A ticket's `columns` (ascending) with their `counts`, and its distinct tokens (`token_names`).

    For each occurrence of a column, `column_index` is its position among `columns`; `first_token` and `last_token` are
    positions among `token_names`: the two words of a pair, or the same token twice.
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
        """Read the columns of a ticket's tokens."""
        places: dict[str, int] = {}
        named = np.array([places.setdefault(name, len(places)) for name in (*tokens.words, *tokens.fields)], np.intp)
        found, first, last = vocabulary.reader.columns_with_tokens(tokens)
        columns, at, counts = np.unique(found, return_inverse=True, return_counts=True)
        return cls(vocabulary, tokens, columns, counts, tuple(places), at, named[first], named[last])

    @property
    def weights(self) -> Weights:
        """The weights of the columns."""
        return self.vocabulary.weights(self.columns, self.counts)

    def row_without(self, removed: Collection[int]) -> tuple[Ids, Weights]:
        """The columns and weights of the ticket without some tokens (positions in `token_names`).

        Equal to the row of `tokens.without(...)`: the words around a deleted one become adjacent.
        """
        deleted = np.zeros(len(self.token_names), bool)
        deleted[list(removed)] = True
        remaining = np.bincount(
            self.column_index[~(deleted[self.first_token] | deleted[self.last_token])], minlength=len(self.columns)
        )
        columns, counts = self.columns[remaining > 0], remaining[remaining > 0]
        new_pairs = self.vocabulary.reader.new_pairs(self.tokens, {self.token_names[i] for i in removed})
        if len(new_pairs):
            columns, counts = count_columns(np.concatenate([np.repeat(columns, counts), new_pairs]))
        return columns, self.vocabulary.weights(columns, counts)

    def weights_by_token(self, contributions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The `contributions` of columns as contributions of tokens (tokens).

        All occurrences of a column count the same; the two words of a pair get half each.
        """
        each = (contributions / self.counts)[self.column_index] / 2
        first, last = (
            np.bincount(owners, each, len(self.token_names)) for owners in (self.first_token, self.last_token)
        )
        return np.asarray(first + last, dtype=np.float64)
