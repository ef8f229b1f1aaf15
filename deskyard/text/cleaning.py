"""Cleans the text of a ticket (mark-up, quoted replies, signatures, secrets) and splits it into words and stems.

Every step is linear in the length of the text, nothing raises, and the same text always gives the same words. This is
the only module that imports NLTK.
"""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, Final

import ftfy
import ftfy.badness

from deskyard.text import clean_text_cache
from deskyard.text.html_text import html_to_text, is_html, unescape_once
from deskyard.text.quote_markers import strip_subject_prefixes, subject_kind
from deskyard.text.quoted_replies import extract_matter

MAX_LENGTH: Final = 20_000
"""Characters of a text that are read: the beginning of a ticket says what it is about."""

STEMMERS: Final = {
    "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "no": "norwegian", "nl": "dutch", "pt": "portuguese", "ro": "romanian",
    "sv": "swedish",
}  # fmt: skip
"""Language in Latin script → its Snowball stemmer. Cyrillic words get the Russian one (there is none for Ukrainian)."""

MIN_LETTERS: Final = 30
"""Latin letters needed to identify a language; fewer may be product names and codes, which look like any language."""

_LATIN: Final = re.compile("[A-Za-z]")
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+"
)
_DATA_URI: Final = re.compile(
    r"data:(?:(?:image|font)/[\w.+-]{1,80}(?:;[\w.+=-]{1,80}){0,5},[^\s\"'()<>]{20,}|[a-z]{1,20}/[\w.+-]{1,80}"
    r"(?:;[\w.+=-]{1,80}){0,5},[A-Za-z0-9+/=%_-]{20,})(?:\r?\n[A-Za-z0-9+/=]{40,})*",
    re.I,
)
_CDATA: Final = re.compile(r"\s*<!\[CDATA\[(.*)\]\]>\s*\Z", re.S)
_WRITTEN_BREAK: Final = re.compile(r"\\r\\n|\\n")
_SHEET_ESCAPE: Final = re.compile("_x00([01][0-9a-f])_", re.I)
"""How spreadsheets keep control characters: `_x000D_` is a carriage return."""

_MOJIBAKE: Final = re.compile(
    r"[\x80-\x9f\xa1-\xaa\xac-\xba\xbc-\xff]|[РС][\u0400-\u040f\u0450-\u045f\xb0-\xbf\u2018-\u203a]"
)
"""Characters of which wrongly decoded text has at least one; only then the costly check by ftfy is made."""

_MAX_REPAIRS: Final = 40
"""Wrongly decoded lines that are repaired one by one."""

_EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_URL: Final = re.compile(r"\b(?:https?://|www\.)([\w.-]{1,253})\S{0,2000}", re.I)
_PHONE: Final = re.compile(r"(?<![\w.])\+?\(?\d(?:[ \u00a0().-]{0,3}\d){6,14}(?!\w)")
_LONG: Final = re.compile(r"\S{41}")
_BLOB: Final = re.compile(r"[A-Za-z0-9+/=_-]{41,}|\w{41,}")
_LETTER_OR_DIGIT: Final = re.compile(r"[^\W_]")
_DIGIT: Final = re.compile(r"\d")
_DIGITS: Final = re.compile(r"\d{5,}")
_TOKEN: Final = re.compile(r"\w+")


def clean(raw: str, subject: str = "") -> str:
    """The text that the author of a mail, form or chat message wrote about the matter, as plain text.

    Broken encodings are repaired, HTML becomes text, quoted replies and signatures are cut (unless nothing would be
    left), what was forwarded is kept without its headers, e-mail addresses, phone numbers, long numbers and encoded
    blobs are masked. At most `MAX_LENGTH` characters of the text are read. `subject` helps to tell a forward from a
    reply (`deskyard.text.quoted_replies.extract_matter`).

    >>> clean("<p>Printer is on&nbsp;fire</p>")
    'Printer is on fire'
    >>> clean("&lt;p&gt;R&amp;amp;D can&#39;t print&lt;/p&gt;")
    "R&D can't print"
    >>> clean("Не печатает принтер.\\n\\nС уважением,\\nИ. Петров\\n+7 900 000-00-00")
    'Не печатает принтер.'
    >>> clean("VPN is down, call +1 202 555 0100 or write to me@example.org")
    'VPN is down, call  phone_  or write to  email_'
    """
    kind = subject_kind(subject)
    return clean_text_cache.get_or_make((raw, kind), lambda: _mask(read_matter(raw, subject)).strip())


def read_matter(raw: str, subject: str = "") -> str:
    """The matter of a ticket as plain text, with nothing masked: what its author wrote and what was forwarded.

    >>> read_matter("<p>Call +1 202 555 0100</p><p>Regards<br>Ann</p>")
    'Call +1 202 555 0100'
    """
    return extract_matter(to_plain_text(raw), subject)


def clean_subject(subject: str) -> str:
    """A subject as `clean` returns it, without the prefixes of replies and forwards.

    >>> clean_subject("Fwd: Re: VPN is down")
    'VPN is down'
    """
    return clean(strip_subject_prefixes(subject))


def to_plain_text(raw: str, max_length: int | None = MAX_LENGTH) -> str:
    """The whole message as plain text: escapes are undone once, HTML becomes text, broken encodings are repaired.

    At most `max_length` characters are returned, all of them with None. They are counted in the plain text: mark-up,
    attributes and pictures inside the text (`data:` addresses) cost none of them.

    >>> to_plain_text("<p>Call +1 202 555 0100</p>")
    'Call +1 202 555 0100'
    >>> to_plain_text("&lt;p&gt;Printer&nbsp;2&lt;/p&gt;")
    'Printer 2'
    """
    limit = None if max_length is None else 4 * max_length
    text = raw if "<" in raw or "&" in raw or "data:" in raw else raw[:limit]
    if "\\n" in text and "\n" not in text and ("\\r\\n" in text or "\\n\\n" in text):
        text = _WRITTEN_BREAK.sub("\n", text)  # as exports of databases keep line breaks
    if (wrapped := _CDATA.match(text)) is not None:
        text = wrapped[1]
    if not is_html(text):
        text = unescape_once(text)
    if is_html(text):
        text = html_to_text(text, limit, mixed=True)
    if "data:" in text:
        text = _DATA_URI.sub(" ", text)
    if "_x00" in text:
        text = _SHEET_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    text = _UNPRINTABLE.sub(" ", text[:limit].replace("\r\n", "\n").replace("\r", "\n"))
    if _MOJIBAKE.search(text) and ftfy.badness.is_bad(text):
        text = _repair_encoding(text)
    text = text[:max_length]
    normalized = unicodedata.normalize("NFKC", text)
    return normalized if len(normalized) <= 2 * len(text) else text  # some signs stand for a sentence of 18 letters


def _repair_encoding(text: str) -> str:
    """The text with wrongly decoded passages repaired: as a whole where that works, else line by line.

    A line costs up to a millisecond, so after `_MAX_REPAIRS` lines the rest is repaired as one, as far as that goes.
    """
    repaired = str(ftfy.fix_encoding(text))
    if not ftfy.badness.is_bad(repaired):
        return repaired
    lines, tries = text.split("\n"), 0
    for number, line in enumerate(lines):
        if _MOJIBAKE.search(line) and ftfy.badness.is_bad(line):
            if tries == _MAX_REPAIRS:
                return "\n".join([*lines[:number], str(ftfy.fix_encoding("\n".join(lines[number:])))])
            lines[number] = str(ftfy.fix_text(line))
            tries += 1
    return "\n".join(lines)


def _mask(text: str) -> str:
    if "@" in text:
        text = _EMAIL.sub(" email_ ", text)
    if "://" in text or "www." in text:
        text = _URL.sub(r" \1 ", text)
    if _LONG.search(text):
        text = _BLOB.sub(lambda found: " blob_ " if _LETTER_OR_DIGIT.search(found[0]) else " ", text)
    if not _DIGIT.search(text):
        return text
    text = _PHONE.sub(" phone_ ", text)
    return _DIGITS.sub("0_", text)


def latin_stemmer(texts: Iterable[str]) -> str:
    """The stemmer of the language that most Latin letters are written in; "english" if it can't be identified.

    >>> latin_stemmer(["Der Drucker im zweiten Stock druckt seit heute nicht mehr", "Не работает принтер"])
    'german'
    """
    seen = Counter[str]()
    for text in texts:
        if letters := len(_LATIN.findall(text, 0, 500)):
            seen[str(_language_identifier().classify(text[:500])[0])] += letters
    stemmers = (STEMMERS[language] for language, n in seen.most_common() if n >= MIN_LETTERS and language in STEMMERS)
    return next(stemmers, "english")


def detect_language(text: str) -> str:
    """The language of a text: one of `STEMMERS`, "ru" or "uk"; "" if the text has too few letters.

    >>> detect_language("Der Drucker im zweiten Stock druckt seit heute nicht mehr"), detect_language("VPN 5")
    ('de', '')
    """
    letters = sum(letter.isalpha() for letter in text[:500])
    return str(_language_identifier().classify(text[:500])[0]) if letters >= MIN_LETTERS else ""


@cache
def _language_identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages([*STEMMERS, "ru", "uk"])
    return identifier


def words(text: str) -> list[str]:
    """The words of a cleaned text in lower case, in order; `ё` becomes `е`.

    >>> words("Ёлка не горит: error 0x80_4, ПК-7")
    ['елка', 'не', 'горит', 'error', '0x80_4', 'пк', '7']
    """
    return _TOKEN.findall(text.lower().replace("ё", "е"))


def remove_words(text: str, removed: Collection[str]) -> str:
    """A cleaned text without the given words (in the form that `words` returns); the rest is unchanged.

    >>> remove_words("Ёлка не горит, ЁЛКА!", {"елка"})
    ' не горит, !'
    """
    return _TOKEN.sub(lambda found: "" if found[0].lower().replace("ё", "е") in removed else found[0], text)


@cache
def _stemmer(language: str) -> Any:
    with _without_imports("sklearn", "scipy.stats", "pandas", "matplotlib"):
        from nltk.stem.snowball import SnowballStemmer

    return SnowballStemmer(language)


@contextmanager
def _without_imports(*libraries: str) -> Iterator[None]:
    """Make an import skip those of `libraries` that are not loaded yet.

    NLTK imports them if they are installed, for parts that are not used here: that takes 3 seconds and 211 MB instead
    of 1 second and 75 MB.
    """
    absent = [name for name in libraries if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None makes an import fail, as documented
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@lru_cache(maxsize=200_000)
def stem(word: str, latin: str = "english") -> str:
    """The stem of a word from `words`: the Russian stemmer for Cyrillic, the stemmer named `latin` for Latin letters.

    >>> stem("принтеры"), stem("printers"), stem("drucker", latin="german")
    ('принтер', 'printer', 'druck')
    """
    if "\u0400" <= word[0] <= "\u04ff":
        return str(_stemmer("russian").stem(word)) or word
    return str(_stemmer(latin).stem(word)) if word[0].isalpha() else word
