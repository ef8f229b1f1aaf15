"""Groups near-duplicate tickets by their words, without looking at labels.

Two tickets are near-duplicates when the Jaccard similarity of their words and word pairs, with digits masked, reaches
`MIN_SIMILARITY`. Candidates are found by MinHash and banding (Broder 1997; Leskovec et al. 2020, ch. 3) and checked
exactly.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from deskyard.domain.ticket import Ticket
from deskyard.features.vectorizer import NgramCounts, count_ngrams

MIN_SIMILARITY: Final = 0.8
"""About one word in fourteen may differ: of 14 words and 13 pairs, changing one leaves 24 of 30 in common."""

N_BANDS, ROWS_PER_BAND = 12, 5
"""Two tickets of similarity s share a band with probability 1 - (1 - s^5)^12: 0.99 at 0.8, 0.9999 at 0.9."""

_DIGITS: Final = re.compile(r"\d+")
_BLOCK_SIZE: Final = 20_000
_PRIME: Final = np.uint64(2**31 - 1)

Groups = npt.NDArray[np.int64]


def group_near_duplicates(tickets: Sequence[Ticket], counts: NgramCounts | None = None) -> Groups:
    """A group number per ticket, the same for near-duplicates (transitively); a ticket without words forms its own
    group.

    `counts` of the same tickets avoid reading them again.

    >>> texts = ["job 504 failed at 10:23", "job 77 failed at 09:01", "my job application"]
    >>> group_near_duplicates([Ticket(id=str(n), body=text) for n, text in enumerate(texts)]).tolist()
    [0, 0, 1]
    """
    shingles = _make_shingles(counts if counts is not None else count_ngrams(tickets))
    first, same = _exact_duplicates(shingles)
    pairs = _near_duplicate_pairs(shingles[first])
    links = sparse.coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(first), len(first)))
    found = sparse.csgraph.connected_components(links, directed=False)[1][same]
    _, order, numbered = np.unique(found, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(order))[numbered], dtype=np.int64)


def _make_shingles(counts: NgramCounts) -> sparse.csr_array:
    """Which words and pairs each ticket has (tickets x shingles, 1 or 0), with digits masked."""
    place: dict[str, int] = {}
    column = np.array([place.setdefault(_DIGITS.sub("0", name), len(place)) for name in counts.names[0]], np.int32)
    matrix = counts.matrices[0]
    ones: Any = np.ones(matrix.nnz, np.float32)
    parts = (ones, column[matrix.indices], matrix.indptr.copy())  # summing below must not change the counts
    masked = sparse.csr_array(parts, shape=(matrix.shape[0], len(place)))
    masked.sum_duplicates()
    masked.data[:] = 1
    return masked


def _exact_duplicates(shingles: sparse.csr_array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The first ticket of each distinct text, and for each ticket the position of its text among those."""
    place: dict[bytes, int] = {}
    first: list[int] = []
    same = np.empty(shingles.shape[0], np.int64)
    for row, (start, stop) in enumerate(zip(shingles.indptr[:-1].tolist(), shingles.indptr[1:].tolist(), strict=True)):
        key = shingles.indices[start:stop].tobytes() or b"row %d" % row
        same[row] = place.setdefault(key, len(place))
        if same[row] == len(first):
            first.append(row)
    return np.array(first, np.int64), same


def _near_duplicate_pairs(shingles: sparse.csr_array) -> npt.NDArray[np.int64]:
    """Pairs of rows with `MIN_SIMILARITY`; in each bucket of a band, rows are compared with their neighbour and the
    first."""
    size = np.diff(shingles.indptr)
    nonempty = np.flatnonzero(size > 0)
    candidates = [np.empty((0, 2), np.int64)]
    for band in _band_hashes(shingles, nonempty):
        order = np.argsort(band, kind="stable")
        start = np.flatnonzero(np.r_[True, band[order][1:] != band[order][:-1]])
        leader = np.repeat(start, np.diff(np.r_[start, len(order)]))
        for other in (leader, np.maximum(np.arange(len(order)) - 1, leader)):
            here = other != np.arange(len(order))
            candidates.append(np.sort(np.c_[nonempty[order[other[here]]], nonempty[order[here]]], axis=1))
    pairs = np.unique(np.concatenate(candidates), axis=0)
    kept = [np.empty((0, 2), np.int64)]
    for begin in range(0, len(pairs), _BLOCK_SIZE):
        a, b = pairs[begin : begin + _BLOCK_SIZE].T
        both = np.asarray(shingles[a].multiply(shingles[b]).sum(axis=1)).ravel()
        kept.append(pairs[begin : begin + _BLOCK_SIZE][both >= MIN_SIMILARITY * (size[a] + size[b] - both)])
    return np.concatenate(kept)


def _band_hashes(shingles: sparse.csr_array, rows: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.uint64]]:
    """For each band a hash per row, equal where all `ROWS_PER_BAND` minimum hashes are equal."""
    rng = np.random.default_rng(0)
    starts = shingles.indptr[rows]
    for _ in range(N_BANDS):
        band = np.zeros(len(rows), np.uint64)
        for _ in range(ROWS_PER_BAND):
            a, b = rng.integers(1, int(_PRIME), 2, dtype=np.uint64)
            column = ((np.arange(shingles.shape[1], dtype=np.uint64) * a + b) % _PRIME).astype(np.uint32)
            smallest = np.minimum.reduceat(column[shingles.indices], starts) if len(rows) else column[:0]
            band = band * np.uint64(0x9E3779B97F4A7C15) + smallest
        yield band
