"""What makes a mail the same mail: sender, Date and text. Mail programs give several mails one Message-ID.

The text is compared as words without the footer of a mailing list, so that the copy that came through a list is the
same mail. What is hashed is the text as it was sent, before any conversion: hashes of one version of deskyard stay
comparable with those of the next.
"""

import hashlib
import html
import re
from typing import Final

_MAX_FOOTERS: Final = 3
_MAX_FOOTER_LINES: Final = 15
_MAX_FOOTER_LENGTH: Final = 2_000
_WORD: Final = re.compile(r"\w+")
_RULE: Final = re.compile(r"\s*(?:[_=*~#-]{5,}|_\._,_\._,_|-- ?)\s*")
_LIST_WORDS: Final = re.compile(
    r"mailing.?list|unsubscribe|abbestell|abzubestell|abmeld|abzumeld|austragen|verteiler"
    r"|d[ée]sabonn|d[ée]sinscri|liste de diffusion"
    r"|lista de (?:correo|distribu|discuss|e-?mail)|darse de baja|descadastr|отписа|рассылк|відпис|розсилк|list-?info"
    r"|/listinfo|mailman|groups\.google|/group/",
    re.I,
)


def fingerprint(sender: str, date: str, text: str) -> str:
    """A hash (SHA-256, hexadecimal) of sender, Date and the words of the text without the footers of lists.

    >>> fingerprint("a@x", "today", "It is  down.") == fingerprint("A@x", "today", "It is down")
    True
    >>> footer = "____________\\nusers mailing list\\nhttps://lists.example.org/mailman/listinfo/users"
    >>> fingerprint("a@x", "today", "Down.\\n" + footer) == fingerprint("a@x", "today", "Down.")
    True
    """
    words = " ".join(_WORD.findall(html.unescape(remove_list_footers(text)).lower()))
    content = "\0".join((sender.lower(), " ".join(date.split()), words))
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()


def remove_list_footers(text: str) -> str:
    """The text without what a mailing list writes beneath it: from a rule of dashes on, at its end.

    >>> remove_list_footers("Down.\\n-- \\nAnn\\n_____\\nTo unsubscribe: https://lists.example.org")
    'Down.\\n-- \\nAnn'
    """
    for _ in range(_MAX_FOOTERS):
        lines = text.rstrip().split("\n")
        ruled = (
            at for at in range(len(lines) - 1, max(-1, len(lines) - _MAX_FOOTER_LINES), -1) if _is_footer(lines, at)
        )
        if (found := next(ruled, None)) is None:
            break
        text = "\n".join(lines[:found])
    return text.rstrip()


def _is_footer(lines: list[str], at: int) -> bool:
    below = "\n".join(lines[at + 1 :])
    return bool(_RULE.fullmatch(lines[at])) and len(below) < _MAX_FOOTER_LENGTH and bool(_LIST_WORDS.search(below))
