"""Splits raw ticket bodies into lines and sentences for the search for leaks.

Signatures are kept, unlike in `deskyard.text.cleaning.clean`, as leaks are searched there. Digits are masked, so that
numbers and dates do not distinguish similar pieces. Quoted replies are left out.
"""

import html
import re
from dataclasses import dataclass
from typing import Final

from deskyard.text.cleaning import MAX_LENGTH

_LINE_BREAK: Final = re.compile(r"<(?:br|/p|/div|/tr|/li)\b[^<>]{0,200}>", re.I)
_STYLE: Final = re.compile(r"<(style|script)\b.{0,5000}?</\1>", re.I | re.S)
_TAG: Final = re.compile(r"</?[a-z!][^<>]{0,2000}>", re.I)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])\s+")
_DIGITS: Final = re.compile(r"\d+")
_EDGES: Final = re.compile(r"^[\W_]+|[\W_]+$")
_WORD: Final = re.compile(r"[^\W_]+")

MAX_TAIL_PIECES: Final = 10
"""Only the last pieces are used: what a system adds is at the end."""

SHORT_PIECE_WORDS: Final = 4
"""The most words of a short piece, such as a name, a role or thanks."""

MAX_PIECE_LENGTH: Final = 200
"""Characters of a piece that are kept; signatures and the beginnings of resolutions are shorter."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A line or a sentence of it: its words as `key` (lower case, digits as 0), and its `text` as written.

    `words_before` and `words_after`: the words of the longest earlier and later piece; `whole_line`: whether it is a
    whole line.
    """

    key: str
    text: str
    words_before: int
    words_after: int
    whole_line: bool


def tail_pieces(body: str) -> list[TextPiece]:
    """The last pieces of a text that contain a word.

    >>> [piece.key for piece in tail_pieces("VPN is down. Please help!\\n\\n-- \\nAnn, desk 12")]
    ['vpn is down', 'please help', 'ann desk 0']
    """
    text = body[:MAX_LENGTH]
    if "<" in text:
        text = html.unescape(_TAG.sub(" ", _LINE_BREAK.sub("\n", _STYLE.sub(" ", text))))
    pieces: list[tuple[str, list[str], bool]] = []
    for line in text.replace("\r", "\n").split("\n"):
        if not line.lstrip().startswith(">"):
            parts = _SENTENCE_END.split(line)
            split = [(part, _WORD.findall(part.lower().replace("ё", "е")), len(parts) == 1) for part in parts]
            pieces += [one for one in split if one[1]]
    sizes = [len(found) for _, found, _ in pieces]
    return [
        TextPiece(
            " ".join(_DIGITS.sub("0", word) for word in found)[:MAX_PIECE_LENGTH],
            _EDGES.sub("", part)[:MAX_PIECE_LENGTH],
            max(sizes[:n], default=0),
            max(sizes[n + 1 :], default=0),
            whole_line,
        )
        for n, (part, found, whole_line) in enumerate(pieces)
        if n >= len(pieces) - MAX_TAIL_PIECES
    ]
