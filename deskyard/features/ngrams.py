"""Reads a ticket into n-grams: stemmed words and word pairs, character runs inside words, field values, the subject.

Training and scoring use the same reader, so a ticket always gets the same columns. The reader keeps no text; it only
caches which columns the character runs of a word have.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Ticket
from deskyard.text.cleaning import clean, clean_subject, stem, words

BLOCKS: Final = ("words", "chars", "fields", "subject")
"""The blocks of columns, in order. Each is scaled to its own length, so that no block dominates. Words and character
runs are those of subject and body; the last block holds the words and pairs of the subject alone."""

CHAR_NGRAM_RANGE: Final = (2, 5)
"""The shortest and longest character run; runs do not cross word boundaries, which count as a space."""

CACHE_SIZE: Final = 200_000
"""Words whose columns are cached."""

_PRIVATE: Final = re.compile(r"@|\d{5,}|\d[\d ().-]{6,}")

Ids = npt.NDArray[np.int32]
Lookup = Callable[[str], int | None]


def word_ngrams(stems: Sequence[str]) -> list[str]:
    """Words and pairs of adjacent words.

    >>> word_ngrams(["vpn", "is", "down"])
    ['vpn', 'is', 'down', 'vpn is', 'is down']
    """
    return [*stems, *map(" ".join, pairwise(stems))]


def char_ngrams(word: str) -> list[str]:
    """All runs of `CHAR_NGRAM_RANGE` characters inside one word, with a space at each end.

    >>> char_ngrams("vpn")
    [' v', 'vp', 'pn', 'n ', ' vp', 'vpn', 'pn ', ' vpn', 'vpn ', ' vpn ']
    """
    word = f" {word} "
    shortest, longest = CHAR_NGRAM_RANGE
    return [word[i : i + n] for n in range(shortest, longest + 1) for i in range(len(word) - n + 1)]


def field_values(ticket: Ticket) -> list[str]:
    """The field values of a ticket as `name=value`; a value that may identify a person or hold a long number is hashed.

    >>> field_values(Ticket(id="1", channel="mail", requester="ann@example.org", fields={"product": "Laptop "}))
    ['channel=mail', 'requester=#e2bfe0610556', 'product=laptop']
    """
    known = {
        "channel": ticket.channel,
        "language": ticket.language,
        "requester": ticket.requester,
        "organisation": ticket.organisation,
    } | dict(ticket.fields)
    return [f"{name}={_hash_private(value)}" for name, value in known.items() if value and value.strip()]


def _hash_private(value: str) -> str:
    value = value.strip().lower()[:100]
    if _PRIVATE.search(value):
        return "#" + hashlib.blake2b(value.encode(errors="replace"), digest_size=6).hexdigest()
    return value


@dataclass(frozen=True, slots=True)
class TicketTokens:
    """The words of a ticket's subject and body in the order of the text, with private parts masked, and its field
    values."""

    subject: Sequence[str]
    body: Sequence[str]
    fields: Sequence[str]

    @classmethod
    def from_ticket(cls, ticket: Ticket) -> "TicketTokens":
        """Clean and split a ticket; subject and body are cleaned separately, so that a quoted mail keeps its body."""
        return cls(
            words(clean_subject(ticket.subject)), words(clean(ticket.body, ticket.subject)), field_values(ticket)
        )

    @property
    def words(self) -> list[str]:
        """The words of the subject, then those of the body."""
        return [*self.subject, *self.body]

    def without(self, removed: Collection[str]) -> "TicketTokens":
        """A copy with some words and values deleted everywhere; the words around a deleted word become adjacent.

        >>> TicketTokens(["vpn"], ["is", "down", "vpn"], ["channel=mail"]).without({"is", "channel=mail"})
        TicketTokens(subject=['vpn'], body=['down', 'vpn'], fields=[])
        """
        parts = (self.subject, self.body, self.fields)
        return TicketTokens(*([each for each in part if each not in removed] for part in parts))


class NgramReader:
    """Reads tickets into column numbers, block by block; `lookups` map an n-gram to its column, or None.

    A block without a lookup has no columns. The columns of a word's character runs are cached.
    """

    def __init__(self, lookups: Sequence[Lookup | None], latin: str) -> None:
        """`latin` names the stemmer for words in Latin script."""
        self._words, self._chars, self._fields, self._subject = lookups
        self._latin = latin
        self._cache: dict[str, Ids] = {}

    def __call__(self, tokens: TicketTokens) -> tuple[tuple[Ids, ...], int]:
        """The columns of each block in the order of the text, once per occurrence, and the number of words and pairs.

        The number counts words and pairs with and without a column.
        """
        found = tokens.words
        stems = [stem(word, self._latin) for word in found]
        columns = (
            _columns(self._words, word_ngrams(stems)),
            np.concatenate([self._char_columns(word) for word in found]) if found else _NO_COLUMNS,
            _columns(self._fields, tokens.fields),
            _columns(self._subject, word_ngrams(stems[: len(tokens.subject)])),
        )
        return columns, max(2 * len(found) - 1, 0)

    def columns_with_tokens(self, tokens: TicketTokens) -> tuple[Ids, Ids, Ids]:
        """All columns in one row, and for each column the positions of the first and the last token it is made of.

        The two positions differ for a word pair and are equal otherwise. Positions index `tokens.words`, followed by
        `tokens.fields`.
        """
        found = tokens.words
        positions = np.arange(len(found) + len(tokens.fields), dtype=np.int32)
        stems = [stem(word, self._latin) for word in found]
        chars = [self._char_columns(word) for word in found]
        word_of_char = np.repeat(positions[: len(found)], [len(word_columns) for word_columns in chars])
        rows = [(np.concatenate([_NO_COLUMNS, *chars]), word_of_char, word_of_char)]
        for lookup, n in ((self._words, len(found)), (self._subject, len(tokens.subject))):
            words = positions[:n]
            first, last = np.concatenate([words, words[:-1]]), np.concatenate([words, words[1:]])
            columns, which = _known_columns(lookup, word_ngrams(stems[:n]))
            rows.append((columns, first[which], last[which]))
        columns, which = _known_columns(self._fields, tokens.fields)
        rows.append((columns, positions[len(found) :][which], positions[len(found) :][which]))
        columns, first, last = (np.concatenate(part) for part in zip(*rows, strict=True))
        return columns, first, last

    def new_pairs(self, tokens: TicketTokens, removed: Collection[str]) -> Ids:
        """The columns of the pairs that arise when the words in `removed` are deleted."""
        columns = [self._lookup_ngram(self._words, *pair) for pair in _new_neighbours(tokens.words, removed)]
        columns += [self._lookup_ngram(self._subject, *pair) for pair in _new_neighbours(tokens.subject, removed)]
        return np.concatenate([_NO_COLUMNS, *columns])

    def _lookup_ngram(self, lookup: Lookup | None, *found: str) -> Ids:
        """The column of a word or a pair in one block."""
        return _columns(lookup, [" ".join(stem(word, self._latin) for word in found)])

    def _char_columns(self, word: str) -> Ids:
        columns = self._cache.get(word)
        if columns is None:
            columns = _columns(self._chars, char_ngrams(word))
            if len(self._cache) < CACHE_SIZE:
                self._cache[word] = columns
        return columns


def _new_neighbours(tokens: Sequence[str], removed: Collection[str]) -> Iterator[tuple[str, str]]:
    remaining = [i for i, word in enumerate(tokens) if word not in removed]
    return ((tokens[i], tokens[j]) for i, j in pairwise(remaining) if j > i + 1)


_NO_COLUMNS: Final = np.empty(0, np.int32)


def _known_columns(lookup: Lookup | None, ngrams: Sequence[str]) -> tuple[Ids, npt.NDArray[np.bool_]]:
    """The columns of the n-grams that have one, and a mask of which those are."""
    if lookup is None:
        return _NO_COLUMNS, np.zeros(len(ngrams), bool)
    columns = np.array([-1 if column is None else column for column in map(lookup, ngrams)], dtype=np.int32)
    return columns[columns >= 0], columns >= 0


def _columns(lookup: Lookup | None, ngrams: Iterable[str]) -> Ids:
    if lookup is None:
        return _NO_COLUMNS
    return np.array([column for column in map(lookup, ngrams) if column is not None], dtype=np.int32)
