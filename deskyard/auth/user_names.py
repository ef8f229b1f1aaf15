"""Names of users that can be mistaken for another's: letters of several alphabets that look alike; reserved names."""

import unicodedata
from typing import Final

RESERVED_NAMES: Final = frozenset({
    "admin", "administrator", "root", "superuser", "system", "deskyard", "security", "support", "helpdesk", "service",
    "postmaster", "webmaster", "guest", "anonymous", "nobody",
    "админ", "администратор", "система", "безопасность", "поддержка", "гость",
})  # fmt: skip
"""Names that suggest a role. An administrator may give them; a provider of OpenID Connect may not bring them along."""

_LOOKALIKES: Final = {
    "a": "аαɑ", "b": "вβьƅ", "c": "сϲⅽ", "d": "ԁⅾ", "e": "еεєё", "g": "ɡԍ", "h": "нһη", "i": "іιїı1|!ӏ", "j": "ј",
    "k": "кκ", "l": "ⅼ", "m": "мμⅿ", "n": "пν", "o": "оο0ө", "p": "рρ", "q": "ԛ", "r": "гґ", "s": "ѕ", "t": "тτ",
    "u": "υ", "v": "ѵ", "w": "ԝшω", "x": "хχ", "y": "уүγ", "z": "ζ",
}  # fmt: skip
"""Latin letter → letters and digits that look like it, in small letters (a capital Cyrillic В is a Latin B)."""

_TO_LATIN: Final = {ord(like): latin for latin, likes in _LOOKALIKES.items() for like in likes} | {ord("l"): "i"}


def skeleton(name: str) -> str:
    """What a name looks like: two names with the same skeleton can be mistaken for each other.

    After Unicode Technical Standard 39 ("confusable detection"), for Latin, Cyrillic and Greek, and stricter: case and
    accents do not tell names apart.

    >>> skeleton("Аnn") == skeleton("ann"), skeleton("bob") == skeleton("b0b"), skeleton("анна") == skeleton("anna")
    (True, True, False)
    """
    plain = unicodedata.normalize("NFKD", name.casefold()).casefold()
    kept = (one for one in plain if unicodedata.category(one) not in ("Mn", "Cf", "Zs"))
    return "".join(kept).translate(_TO_LATIN)


def is_reserved(name: str) -> bool:
    """Whether a name suggests a role, in whatever letters.

    >>> is_reserved("Аdmin"), is_reserved("adam")
    (True, False)
    """
    return skeleton(name) in _RESERVED_SKELETONS


_RESERVED_SKELETONS: Final = frozenset(map(skeleton, RESERVED_NAMES))
