"""Keeps cleaned texts in memory for some minutes, so that a ticket is cleaned once and not by each of its readers.

A text is found by a hash of what it was made of. `clear` removes all at once when this process erases a person's data.
"""

import hashlib
from collections.abc import Callable
from threading import Lock
from typing import Final

from cachetools import TTLCache

MAX_CHARACTERS: Final = 4_000_000
"""Characters of cleaned texts that are kept; the least recently used are dropped first."""

MAX_TEXT_LENGTH: Final = MAX_CHARACTERS // 10
"""Characters of a text that is kept at all."""

SECONDS: Final = 600.0

_CACHE: Final[TTLCache[bytes, str]] = TTLCache(MAX_CHARACTERS, SECONDS, getsizeof=lambda text: len(text) + 100)
_LOCK: Final = Lock()


def get_or_make(parts: tuple[str, ...], make: Callable[[], str]) -> str:
    """The text that is kept for `parts`; `make` makes it if there is none.

    >>> get_or_make(("VPN",), lambda: "made"), get_or_make(("VPN",), lambda: "made again")
    ('made', 'made')
    >>> clear()
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part.encode("utf-8", "surrogatepass"))
    key = digest.digest()
    with _LOCK:
        found = _CACHE.get(key)
    if found is None:
        found = make()
        if len(found) <= MAX_TEXT_LENGTH:
            with _LOCK:
                _CACHE[key] = found
    return found


def clear() -> None:
    """Remove all texts from this process."""
    with _LOCK:
        _CACHE.clear()
