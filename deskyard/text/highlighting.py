"""Marks: the words of a text that spoke for a label and against it, where they stand.

In come a text as a person reads it and the words' weights (`deskyard.explain.explanation`); out come the text's pieces
in order, each with the weight of its word or none. Joined, the pieces are the text.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final

from deskyard.text.cleaning import words

MAX_WORDS: Final = 10
MIN_RELATIVE_WEIGHT: Final = 0.2
"""Words that are marked, the weightiest, and the least of them as a share of the first: more would colour the whole
text and say nothing."""

HighlightedPiece = tuple[str, float | None]

_WORD: Final = re.compile(r"(\w+)")


def strongest_words(weights: Iterable[tuple[str, float]], limit: int = MAX_WORDS) -> dict[str, float]:
    """The words to mark, of words with weights, the weightiest first; fields' values are none.

    >>> strongest_words([("channel=mail", 2.0), ("vpn", 1.5), ("the", 0.01)])
    {'vpn': 1.5}
    """
    told = [(word, weight) for word, weight in weights if "=" not in word]
    return dict(
        islice(((word, weight) for word, weight in told if abs(weight) >= MIN_RELATIVE_WEIGHT * abs(told[0][1])), limit)
    )


def highlight(text: str, weights: dict[str, float]) -> list[HighlightedPiece]:
    """The pieces of a text.

    >>> highlight("Ёлка горит!", {"елка": 1.0})
    [('Ёлка', 1.0), (' горит!', None)]
    """
    found: list[HighlightedPiece] = []
    plain = ""
    for piece in _WORD.split(text):
        weight = weights.get("".join(words(piece))) if piece else None
        if weight is None:
            plain += piece
            continue
        if plain:
            found.append((plain, None))
        found.append((piece, weight))
        plain = ""
    return [*found, (plain, None)] if plain else found
