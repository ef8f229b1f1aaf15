"""Lines: the pieces of a raw text, as leaks are looked for in them.

In comes a ticket's body as it was stored, signature and all; out come its lines and sentences in order, with digits
masked so that a form's number or date does not tell two alike ones apart. `deskyard.text.cleaning.clean` cuts
signatures before the model reads; here they are what is looked at. Quoted replies are left out.
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
"""The last pieces are looked at: what a system adds stands at the end."""

SHORT_PIECE_WORDS: Final = 4
"""Words of a piece that is a name, a role or thanks rather than a matter."""

MAX_PIECE_LENGTH: Final = 200
"""Characters of a piece that are kept; a signature or the begin of a solution is shorter."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A line, or a sentence of one: its words as `key` (lower case, digits as 0), and as written.

    `before` counts the words of the longest earlier piece, `after` those of the longest later one; `alone` says whether
    it is a whole line.
    """

    key: str
    text: str
    words_before: int
    words_after: int
    whole_line: bool


def tail_pieces(body: str) -> list[TextPiece]:
    """The last pieces of a text that hold a word.

    >>> [piece.key for piece in tail_pieces("VPN is down. Please help!\\n\\n-- \\nAnn, desk 12")]
    ['vpn is down', 'please help', 'ann desk 0']
    """
    text = body[:MAX_LENGTH]
    if "<" in text:
        text = html.unescape(_TAG.sub(" ", _LINE_BREAK.sub("\n", _STYLE.sub(" ", text))))
    told: list[tuple[str, list[str], bool]] = []
    for line in text.replace("\r", "\n").split("\n"):
        if not line.lstrip().startswith(">"):
            parts = _SENTENCE_END.split(line)
            split = [(part, _WORD.findall(part.lower().replace("ё", "е")), len(parts) == 1) for part in parts]
            told += [one for one in split if one[1]]
    sizes = [len(found) for _, found, _ in told]
    return [
        TextPiece(
            " ".join(_DIGITS.sub("0", word) for word in found)[:MAX_PIECE_LENGTH],
            _EDGES.sub("", part)[:MAX_PIECE_LENGTH],
            max(sizes[:n], default=0),
            max(sizes[n + 1 :], default=0),
            alone,
        )
        for n, (part, found, alone) in enumerate(told)
        if n >= len(told) - MAX_TAIL_PIECES
    ]
