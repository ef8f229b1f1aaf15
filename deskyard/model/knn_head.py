"""The k-nearest-neighbour head: past tickets similar to a new one vote with their labels.

It helps with rare labels and short histories, and shows people similar solved tickets. It keeps ids and vectors, no
text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from deskyard.features.ngrams import BLOCKS

MAX_TICKETS: Final = 20_000
"""The newest tickets that are kept."""

MAX_COLUMNS_PER_TICKET: Final = 128
"""Columns kept of each ticket. Twice as many make the vote alone 0 to 0.4 points more accurate (on the training part of
five histories) and cost up to 75 % more disk space."""

MAX_QUERY_COLUMNS: Final = 64
"""Columns of a new ticket that are looked up: the heaviest of those that any kept ticket has."""

MIN_CHAR_NGRAM: Final = 4
"""Characters of the shortest run that is kept: shorter ones occur in every ticket. Together with `MAX_QUERY_COLUMNS`
this makes a search four to ten times faster at the same accuracy (on training parts; docs/methods.md)."""

N_NEIGHBOURS: Final = 20
"""How many of the nearest tickets vote."""

PRIOR_VOTE: Final = 0.05
"""The weight of the labels' prior shares in the vote, in squared similarities."""

Neighbours = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]
"""Positions of kept tickets and their similarities (cosine, 0..1), the nearest first."""


@dataclass(frozen=True, slots=True)
class NeighbourIndex:
    """Past tickets to search: `index` (columns x tickets) of unit-length vectors, and the tickets' `ids` in that
    order."""

    index: sparse.csr_array
    ids: Sequence[str]

    @classmethod
    def build(cls, X: sparse.csr_array, ids: Sequence[str], names: Sequence[Sequence[str]]) -> "NeighbourIndex":
        """Index the last `MAX_TICKETS` rows of `X` (tickets x columns), which are in order of time where time is known.

        `names` are the columns' names, block by block.
        """
        pairs = zip(BLOCKS, names, strict=True)
        indexed = np.array([_is_indexed(block, name) for block, names in pairs for name in names], dtype=bool)
        newest = X[-MAX_TICKETS:]
        return cls(_keep_strongest(newest, indexed).T.tocsr(), list(ids)[-MAX_TICKETS:])

    def nearest(
        self, columns: npt.NDArray[np.int32], weights: npt.NDArray[np.float32], n: int = N_NEIGHBOURS
    ) -> Neighbours:
        """The `n` kept tickets nearest to one ticket's row, nearest first."""
        similar = self._similarities(columns, weights)
        best = _select_nearest(similar, n)
        best = best[np.lexsort((best, -similar[best]))][:n]
        best = best[similar[best] > 0]
        return best, similar[best]

    def columns_among(
        self, columns: npt.NDArray[np.int32], weights: npt.NDArray[np.float32], tickets: npt.NDArray[np.int64], n: int
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """The `n` heaviest columns of one ticket's row that any kept ticket has, and their weights in some kept
        `tickets`.

        The columns are given as positions in that row; the weights are (positions x tickets).
        """
        index = self.index
        places = np.flatnonzero(index.indptr[columns + 1] > index.indptr[columns])
        if len(places) > n:
            places = places[np.sort(np.argpartition(-weights[places], n)[:n])]
        starts, stops = index.indptr[columns[places]], index.indptr[columns[places] + 1]
        holders = list(zip(starts.tolist(), stops.tolist(), strict=True))
        seat = np.full(len(self.ids), len(tickets), np.int32)
        seat[tickets] = np.arange(len(tickets), dtype=np.int32)
        found = np.zeros((len(places), len(tickets) + 1), np.float32)
        seats = seat[np.concatenate([_NO_TICKETS, *(index.indices[start:stop] for start, stop in holders)])]
        seats += np.repeat(np.arange(len(places), dtype=np.int32) * np.int32(len(tickets) + 1), stops - starts)
        found.ravel()[seats] = np.concatenate([_NO_WEIGHTS, *(index.data[start:stop] for start, stop in holders)])
        return places, found[:, :-1]

    def _similarities(
        self, columns: npt.NDArray[np.int32], weights: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        index = self.index
        known = index.indptr[columns + 1] > index.indptr[columns]
        columns, weights = _keep_largest(columns[known], weights[known], MAX_QUERY_COLUMNS)
        starts = index.indptr[columns]
        holders = index.indptr[columns + 1] - starts
        ends = np.cumsum(holders)
        places = np.arange(holders.sum()) + np.repeat(starts - ends + holders, holders)
        shared = np.repeat(_normalise(weights), holders)
        shared *= index.data[places]
        return np.asarray(np.bincount(index.indices[places], shared, minlength=len(self.ids)), dtype=np.float64)


_NO_TICKETS: Final = np.empty(0, np.int32)
_NO_WEIGHTS: Final = np.empty(0, np.float32)
_NO_POSITIONS: Final = np.empty(0, np.int64)


def _select_nearest(similar: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.intp]:
    """Positions of the `n` most similar tickets and possibly a few more, in one pass over most of them.

    The tickets are divided into groups; the `n`-th highest group maximum never exceeds the `n`-th highest similarity.
    """
    groups = 8 * n
    if len(similar) < 4 * groups:
        return np.arange(len(similar))
    group_size = len(similar) // groups
    maxima = similar[: groups * group_size].reshape(group_size, groups).max(axis=0)
    bound = np.partition(maxima, groups - n)[groups - n]
    return np.flatnonzero(similar >= bound if bound > 0 else similar > 0)


def neighbour_votes(
    neighbours: Sequence[Neighbours], remembered: npt.NDArray[np.int32], shares: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The neighbours' vote for each ticket (tickets x labels, rows sum to 1).

    Neighbours vote with their squared similarity, and the labels' prior `shares` with `PRIOR_VOTE`. `remembered` are
    the label positions of all kept tickets (negative: unlabelled, no vote).
    """
    n_neighbours = np.array([len(positions) for positions, _ in neighbours], np.intp)
    voter = np.repeat(np.arange(len(neighbours)) * len(shares), n_neighbours)
    labels = remembered[np.concatenate([_NO_POSITIONS, *(positions for positions, _ in neighbours)])]
    weight = np.concatenate([_NO_WEIGHTS, *(similar for _, similar in neighbours)], dtype=np.float64) ** 2
    labelled = labels >= 0
    counted = np.bincount((voter + labels)[labelled], weight[labelled], len(neighbours) * len(shares))
    votes = counted.reshape(len(neighbours), len(shares)) + PRIOR_VOTE * shares
    return np.asarray(votes / votes.sum(axis=1, keepdims=True), np.float32)


def _is_indexed(block: str, name: str) -> bool:
    return block != "subject" and (block != "chars" or len(name) >= MIN_CHAR_NGRAM)


def _keep_strongest(X: sparse.csr_array, indexed: npt.NDArray[np.bool_]) -> sparse.csr_array:
    """Rows of `X` reduced to the `MAX_COLUMNS_PER_TICKET` largest weights of `indexed` columns, of unit length, in half
    precision."""
    columns, values = [], []
    for start, stop in pairwise(X.indptr.tolist()):
        found, weights = X.indices[start:stop], X.data[start:stop]
        found, weights = _keep_largest(found[indexed[found]], weights[indexed[found]], MAX_COLUMNS_PER_TICKET)
        columns.append(found)
        values.append(_normalise(weights))
    data = np.concatenate([_NO_WEIGHTS, *values]).astype(np.float16).astype(np.float32)
    indices = np.concatenate([_NO_TICKETS, *columns])
    indptr = np.cumsum([0, *map(len, columns)]).astype(np.int32)
    return sparse.csr_array((data, indices, indptr), shape=X.shape)


def _keep_largest(
    columns: npt.NDArray[np.int32], weights: npt.NDArray[np.float32], n: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    if len(columns) <= n:
        return columns, weights
    top = np.sort(np.argpartition(-weights, n)[:n])
    return columns[top], weights[top]


def _normalise(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    length: np.float32 = np.sqrt(weights @ weights)
    return weights / length if length > 0 else weights
