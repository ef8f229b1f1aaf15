"""Tickets to columns: stemmed words and word pairs, characters inside words, structured fields.

One analyser serves learning and scoring, so a ticket gives the same columns wherever it is read. Learning counts every
gram once (`count`) and then fits as many vectorizers as it likes on rows of these counts; scoring looks grams up in
the fitted vocabulary. Never keeps a text.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from deskyard.text import clean, stem, words
from deskyard.ticket import Ticket

BLOCKS: Final = ("words", "chars", "fields")
"""The blocks of columns, in order; each is scaled to unit length by itself, so none drowns another."""

CHARS: Final = (2, 5)
"""The shortest and longest run of characters; runs do not cross a word's edge, which counts as a space."""

FIELD_WEIGHT: Final = 0.5
"""The length of the block of fields beside words and characters at 1."""

_PRIVATE: Final = re.compile(r"@|\d{5,}|\d[\d ().-]{6,}")

Ids = npt.NDArray[np.int64]
Lookup = Callable[[str], int | None]


def word_grams(stems: Sequence[str]) -> list[str]:
    """Words and pairs of neighbours.

    >>> word_grams(["vpn", "is", "down"])
    ['vpn', 'is', 'down', 'vpn is', 'is down']
    """
    return [*stems, *map(" ".join, pairwise(stems))]


def char_grams(word: str) -> list[str]:
    """All runs of `CHARS` characters inside one word with its edges.

    >>> char_grams("vpn")
    [' v', 'vp', 'pn', 'n ', ' vp', 'vpn', 'pn ', ' vpn', 'vpn ', ' vpn ']
    """
    word = f" {word} "
    shortest, longest = CHARS
    return [word[i : i + n] for n in range(shortest, longest + 1) for i in range(len(word) - n + 1)]


def field_values(ticket: Ticket) -> list[str]:
    """The structured values of a ticket as `name=value`; a value that could name a person or a number is hashed.

    >>> field_values(Ticket(id="1", channel="mail", requester="ann@example.org", fields={"product": "Laptop "}))
    ['channel=mail', 'requester=#e2bfe0610556', 'product=laptop']
    """
    known = {"channel": ticket.channel, "requester": ticket.requester, "organisation": ticket.organisation}
    return [
        f"{name}={_public(value)}" for name, value in (known | dict(ticket.fields)).items() if value and value.strip()
    ]


def _public(value: str) -> str:
    value = value.strip().lower()[:100]
    if _PRIVATE.search(value):
        return "#" + hashlib.blake2b(value.encode(errors="replace"), digest_size=6).hexdigest()
    return value


class Reader:
    """Reads tickets into column numbers, block by block; `lookups` say which column a gram is, or None.

    The runs of characters of a word are looked up once and remembered.
    """

    def __init__(self, lookups: tuple[Lookup, Lookup, Lookup], latin: str) -> None:
        """`latin` names the stemmer of words in Latin letters."""
        self._words, self._chars, self._fields = lookups
        self._latin = latin
        self._remembered: dict[str, list[int]] = {}

    def __call__(self, ticket: Ticket) -> tuple[list[int], list[int], list[int]]:
        """The columns of each block, in the order of the text, repeated as often as they occur."""
        found = words(clean(f"{ticket.subject}\n{ticket.body}"))
        return (
            self._columns(self._words, word_grams([stem(word, self._latin) for word in found])),
            [column for word in found for column in self._of_word(word)],
            self._columns(self._fields, field_values(ticket)),
        )

    def _of_word(self, word: str) -> list[int]:
        columns = self._remembered.get(word)
        if columns is None:
            columns = self._columns(self._chars, char_grams(word))
            if len(self._remembered) < 200_000:
                self._remembered[word] = columns
        return columns

    @staticmethod
    def _columns(lookup: Lookup, grams: Iterable[str]) -> list[int]:
        return [column for column in map(lookup, grams) if column is not None]


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each gram occurs in each ticket: a CSR matrix (tickets x grams) and the grams' names, by block."""

    matrices: tuple[sparse.csr_array, ...]
    names: tuple[tuple[str, ...], ...]
    latin: str

    def __len__(self) -> int:
        """The number of tickets."""
        return int(self.matrices[0].shape[0])

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
    read = Reader(tuple(vocabulary.__getitem__ for vocabulary in vocabularies), latin)  # type: ignore[arg-type]
    columns: list[list[npt.NDArray[np.int32]]] = [[] for _ in BLOCKS]
    for ticket in progress(tickets):
        for block, found in zip(columns, read(ticket), strict=True):
            block.append(np.array(found, dtype=np.int32))
    return Counts(
        tuple(_counted(block, len(v)) for block, v in zip(columns, vocabularies, strict=True)),
        tuple(tuple(v) for v in vocabularies),
        latin,
    )


def _counted(rows: list[npt.NDArray[np.int32]], width: int) -> sparse.csr_array:
    indices = np.concatenate(rows) if rows else np.empty(0, np.int32)
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int32 if len(indices) < 2**31 else np.int64)
    ones: Any = np.ones(len(indices), np.float32)
    matrix = sparse.csr_array((ones, indices, indptr), shape=(len(rows), width))
    matrix.sum_duplicates()
    return matrix


class TicketVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Tickets to a sparse matrix of weighted columns (tickets x columns, float32).

    Within a block: 1 + log(count), times the smoothed inverse ticket frequency ln((1 + n) / (1 + df)) + 1, scaled to
    unit length. A gram enters the vocabulary when at least `min_tickets` tickets hold it; of more than `most_grams`
    in a block the most frequent stay. E-mail addresses, phone and long numbers never reach a column's name.
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
        return self._remember(names, np.concatenate(idf).astype(np.float32))

    @classmethod
    def restore(cls, latin: str, names: Sequence[Sequence[str]], idf: npt.NDArray[np.float32]) -> Self:
        """A fitted vectorizer from its columns' names, block by block, and their inverse ticket frequencies."""
        return cls(latin=latin)._remember(names, idf)

    def _remember(self, names: Sequence[Sequence[str]], idf: npt.NDArray[np.float32]) -> Self:
        self.names_ = names
        self.idf_ = idf
        self.starts_ = np.cumsum([0, *map(len, names)])
        self._reader = Reader(
            tuple(
                dict(zip(block, range(start, start + len(block)), strict=True)).get
                for start, block in zip(self.starts_[:-1].tolist(), names, strict=True)
            ),  # type: ignore[arg-type]
            self.latin,
        )
        return self

    def row(self, ticket: Ticket) -> tuple[Ids, npt.NDArray[np.float32], bool]:
        """One ticket's columns (ascending) and weights, and whether any of its words is known."""
        found = self._reader(ticket)
        columns, counts = np.unique(np.array(found[0] + found[1] + found[2], dtype=np.int64), return_counts=True)
        weights = (1 + np.log(counts, dtype=np.float32)) * self.idf_[columns]
        edges = np.searchsorted(columns, self.starts_)
        for block, (start, stop) in enumerate(pairwise(edges)):
            if start < stop:
                weights[start:stop] *= _length(block) / np.sqrt(weights[start:stop] @ weights[start:stop])
        return columns, weights, bool(found[0])

    def transform(self, tickets: Sequence[Ticket]) -> sparse.csr_array:
        """The weighted columns of tickets; a ticket's row does not depend on its neighbours."""
        check_is_fitted(self, "idf_")
        rows = [self.row(ticket)[:2] for ticket in tickets]
        return rows_to_matrix(rows, len(self.idf_))

    def transform_counts(self, counts: Counts) -> sparse.csr_array:
        """The weighted columns of tickets counted together with those of `fit_counts`."""
        blocks = []
        for block, (matrix, kept) in enumerate(zip(counts.matrices, self.kept_, strict=True)):
            part = matrix[:, kept]
            part.data = 1 + np.log(part.data)
            part = part @ sparse.diags_array(self.idf_[self.starts_[block] : self.starts_[block + 1]])
            length = np.sqrt(np.asarray(part.multiply(part).sum(axis=1)).ravel())
            blocks.append(sparse.diags_array(_length(block) / np.where(length > 0, length, 1)) @ part)
        return sparse.csr_array(sparse.hstack(blocks, format="csr"), dtype=np.float32)

    def familiar(self, counts: Counts) -> npt.NDArray[np.bool_]:
        """Which tickets, counted together with those of `fit_counts`, hold a word that is known."""
        return np.asarray(np.diff(counts.matrices[0][:, self.kept_[0]].indptr) > 0)

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """The columns' names, `block:gram`."""
        check_is_fitted(self, "idf_")
        pairs = zip(BLOCKS, self.names_, strict=True)
        return np.array([f"{block}:{name}" for block, names in pairs for name in names], dtype=object)


def _length(block: int) -> float:
    return FIELD_WEIGHT if BLOCKS[block] == "fields" else 1.0


def rows_to_matrix(rows: Sequence[tuple[Ids, npt.NDArray[np.float32]]], width: int) -> sparse.csr_array:
    """Stack rows of (columns, weights) into a CSR matrix of `width` columns."""
    indptr = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    indices = np.concatenate([columns for columns, _ in rows]) if rows else np.empty(0, np.int64)
    data = np.concatenate([weights for _, weights in rows]) if rows else np.empty(0, np.float32)
    return sparse.csr_array((data, indices, indptr), shape=(len(rows), width))
