"""Replaces characters that databases can't store."""

import re
from typing import Final

_NOT_STORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    r"""The text in a form that every database can store: NUL and lone surrogates become U+FFFD, the rest is unchanged.

    PostgreSQL refuses both, and UTF-8 has no bytes for a lone surrogate, yet JSON may carry them.

    >>> storable("a\x00b\ud800c") == "a\ufffdb\ufffdc", storable("Почта 📧")
    (True, 'Почта 📧')
    """
    return _NOT_STORABLE.sub("\ufffd", text)
