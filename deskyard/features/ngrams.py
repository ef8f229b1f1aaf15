"""What a ticket is made of: stemmed words and word pairs, characters inside words, structured fields, the subject.

One reader serves learning and scoring, so a ticket gives the same columns wherever it is read. It keeps no text: the
only thing remembered is which columns the characters of a word have.
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
from deskyard.text.cleaning import clean, stem, words

BLOCKS: Final = ("words", "chars", "fields", "subject")
"""The blocks of columns, in order; each is scaled to a length of its own, so none drowns another. Words and characters
are those of subject and body; the last block has the words and pairs of the subject once more, by themselves."""

CHAR_NGRAM_RANGE: Final = (2, 5)
"""The shortest and longest run of characters; runs do not cross a word's edge, which counts as a space."""

CACHE_SIZE: Final = 200_000
"""Words whose columns are remembered."""

_PRIVATE: Final = re.compile(r"@|\d{5,}|\d[\d ().-]{6,}")

Ids = npt.NDArray[np.int32]
Lookup = Callable[[str], int | None]


def word_ngrams(stems: Sequence[str]) -> list[str]:
    """Words and pairs of neighbours.

    >>> word_ngrams(["vpn", "is", "down"])
    ['vpn', 'is', 'down', 'vpn is', 'is down']
    """
    return [*stems, *map(" ".join, pairwise(stems))]


def char_ngrams(word: str) -> list[str]:
    """All runs of `CHAR_NGRAM_RANGE` characters inside one word with its edges.

    >>> char_ngrams("vpn")
    [' v', 'vp', 'pn', 'n ', ' vp', 'vpn', 'pn ', ' vpn', 'vpn ', ' vpn ']
    """
    word = f" {word} "
    shortest, longest = CHAR_NGRAM_RANGE
    return [word[i : i + n] for n in range(shortest, longest + 1) for i in range(len(word) - n + 1)]


def field_values(ticket: Ticket) -> list[str]:
    """The structured values of a ticket as `name=value`; a value that could name a person or a number is hashed.

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
    """What a ticket says: the words of subject and body in the order of the text, private parts masked, and its fields'
    values."""

    subject: Sequence[str]
    body: Sequence[str]
    fields: Sequence[str]

    @classmethod
    def from_ticket(cls, ticket: Ticket) -> "TicketTokens":
        """Subject and body are cleaned apart: a quoted mail keeps its body."""
        return cls(words(clean(ticket.subject)), words(clean(ticket.body)), field_values(ticket))

    @property
    def words(self) -> list[str]:
        """Those of the subject, then those of the body."""
        return [*self.subject, *self.body]

    def without(self, removed: Collection[str]) -> "TicketTokens":
        """The same with some words and values deleted wherever they stand; what stood around a word are neighbours now.

        >>> TicketTokens(["vpn"], ["is", "down", "vpn"], ["channel=mail"]).without({"is", "channel=mail"})
        Said(subject=['vpn'], body=['down', 'vpn'], fields=[])
        """
        parts = (self.subject, self.body, self.fields)
        return TicketTokens(*([each for each in part if each not in removed] for part in parts))


class NgramReader:
    """Reads tickets into column numbers, block by block; `lookups` say which column a gram is, or None.

    A block without a lookup has no columns. The columns of a word's characters are looked up once and remembered.
    """

    def __init__(self, lookups: Sequence[Lookup | None], latin: str) -> None:
        """`latin` names the stemmer of words in Latin letters."""
        self._words, self._chars, self._fields, self._subject = lookups
        self._latin = latin
        self._cache: dict[str, Ids] = {}

    def __call__(self, tokens: TicketTokens) -> tuple[tuple[Ids, ...], int]:
        """The columns of each block, in the order of the text, repeated as often as they occur.

        And how many words and pairs the ticket has, with or without a column.
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
        """The same columns in one row, and for each the places of the first and the last word it stands for.

        Two neighbours for a pair, twice the same for all else; places are those of `said.words`, fields' values behind
        them.
        """
        found = tokens.words
        places = np.arange(len(found) + len(tokens.fields), dtype=np.int32)
        stems = [stem(word, self._latin) for word in found]
        chars = [self._char_columns(word) for word in found]
        of_chars = np.repeat(places[: len(found)], [len(mine) for mine in chars])
        rows = [(np.concatenate([_NO_COLUMNS, *chars]), of_chars, of_chars)]
        for lookup, n in ((self._words, len(found)), (self._subject, len(tokens.subject))):
            words = places[:n]
            first, last = np.concatenate([words, words[:-1]]), np.concatenate([words, words[1:]])
            columns, which = _known_columns(lookup, word_ngrams(stems[:n]))
            rows.append((columns, first[which], last[which]))
        columns, which = _known_columns(self._fields, tokens.fields)
        rows.append((columns, places[len(found) :][which], places[len(found) :][which]))
        columns, first, last = (np.concatenate(part) for part in zip(*rows, strict=True))
        return columns, first, last

    def new_pairs(self, tokens: TicketTokens, removed: Collection[str]) -> Ids:
        """The columns of the pairs that arise when the words `gone` are deleted: of words that stood around them."""
        met = [self._lookup_ngram(self._words, *pair) for pair in _new_neighbours(tokens.words, removed)]
        met += [self._lookup_ngram(self._subject, *pair) for pair in _new_neighbours(tokens.subject, removed)]
        return np.concatenate([_NO_COLUMNS, *met])

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
    left = [i for i, word in enumerate(tokens) if word not in removed]
    return ((tokens[i], tokens[j]) for i, j in pairwise(left) if j > i + 1)


_NO_COLUMNS: Final = np.empty(0, np.int32)


def _known_columns(lookup: Lookup | None, grams: Sequence[str]) -> tuple[Ids, npt.NDArray[np.bool_]]:
    """The columns of the grams that have one, and which those are."""
    if lookup is None:
        return _NO_COLUMNS, np.zeros(len(grams), bool)
    columns = np.array([-1 if column is None else column for column in map(lookup, grams)], dtype=np.int32)
    return columns[columns >= 0], columns >= 0


def _columns(lookup: Lookup | None, grams: Iterable[str]) -> Ids:
    if lookup is None:
        return _NO_COLUMNS
    return np.array([column for column in map(lookup, grams) if column is not None], dtype=np.int32)
