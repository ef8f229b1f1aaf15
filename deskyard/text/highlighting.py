"""Highlights the words of a text that count for or against a label.

`highlight` splits a text into pieces, each with the weight of its word (from `deskyard.explain.explanation`) or None.
Joined, the pieces are the text.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final

from deskyard.text.cleaning import words

MAX_WORDS: Final = 10
MIN_RELATIVE_WEIGHT: Final = 0.2
"""Limits of what is highlighted: the number of words, and the least weight relative to the strongest word. With more,
the whole text would be coloured."""

HighlightedPiece = tuple[str, float | None]

_WORD: Final = re.compile(r"(\w+)")


def strongest_words(weights: Iterable[tuple[str, float]], limit: int = MAX_WORDS) -> dict[str, float]:
    """The words to highlight, of pairs (word, weight) with the strongest first; features of fields are left out.

    >>> strongest_words([("channel=mail", 2.0), ("vpn", 1.5), ("the", 0.01)])
    {'vpn': 1.5}
    """
    of_text = [(word, weight) for word, weight in weights if "=" not in word]
    strong = ((word, weight) for word, weight in of_text if abs(weight) >= MIN_RELATIVE_WEIGHT * abs(of_text[0][1]))
    return dict(islice(strong, limit))


def highlight(text: str, weights: dict[str, float]) -> list[HighlightedPiece]:
    """The pieces of a text, in order: (piece, weight of its word, or None).

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
