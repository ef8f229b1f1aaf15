"""Texts without case and accents, and patterns for them: the phrases by which mails of machines are known."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

MAX_READ: Final = 3_000
"""Characters of a text that are looked at."""


def fold_text(text: str) -> str:
    """A text in lower case, without accents, in single spaces.

    >>> fold_text("Réponse  AUTOMATIQUE: ёлка")
    'reponse automatique: елка'
    """
    plain = unicodedata.normalize("NFKD", text[:MAX_READ].casefold().replace("’", "'"))
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).split())


def any_of(phrases: Iterable[str]) -> str:
    """A pattern of phrases for folded texts, the longest first.

    >>> any_of(["Ausência", "ausência temporária"])
    'ausencia\\\\ temporaria|ausencia'
    """
    return "|".join(re.escape(fold_text(one)) for one in sorted(phrases, key=len, reverse=True))


def compile_folded(pattern: str) -> re.Pattern[str]:
    """A pattern for folded texts; its own letters are folded, too."""
    plain = unicodedata.normalize("NFKD", pattern)
    return re.compile("".join(char for char in plain if not unicodedata.combining(char)))
