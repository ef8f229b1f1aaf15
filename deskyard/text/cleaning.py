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
from inscriptis import get_text

from deskyard.text.quoted_replies import strip_quoted

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
_TAG: Final = re.compile(
    r"<(?:!doctype|/?(?:html|body|head|div|p|br|span|table|t[rdh]|[uo]l|li|a|b|i|font|style|h[1-6])(?=[\s/>]))", re.I
)
_MOJIBAKE: Final = re.compile(
    r"[\x80-\x9f\xa1-\xaa\xac-\xba\xbc-\xff]|[РС][\u0400-\u040f\u0450-\u045f\xb0-\xbf\u2018-\u203a]"
)
"""Characters of which wrongly decoded text has at least one; only then the costly check by ftfy is made."""

_EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_URL: Final = re.compile(r"\b(?:https?://|www\.)([\w.-]{1,253})\S{0,2000}", re.I)
_PHONE: Final = re.compile(r"(?<![\w.])\+?\(?\d(?:[ \u00a0().-]{0,3}\d){6,14}(?!\w)")
_LONG: Final = re.compile(r"\S{41}")
_BLOB: Final = re.compile(r"[A-Za-z0-9+/=_-]{41,}|\w{41,}")
_DIGIT: Final = re.compile(r"\d")
_DIGITS: Final = re.compile(r"\d{5,}")
_TOKEN: Final = re.compile(r"\w+")


def clean(raw: str) -> str:
    """The text that the author of a mail, form or chat message wrote about the matter, as plain text.

    Broken encodings are repaired, HTML becomes text, quoted replies and signatures are cut (unless nothing would be
    left), e-mail addresses, phone numbers, long numbers and encoded blobs are masked. At most `MAX_LENGTH` characters
    are read.

    >>> clean("<p>Printer is on&nbsp;fire</p>")
    'Printer is on fire'
    >>> clean("Не печатает принтер.\\n\\nС уважением,\\nИ. Петров\\n+7 900 000-00-00")
    'Не печатает принтер.'
    >>> clean("> old\\nVPN is down, call +1 202 555 0100 or write to me@example.org")
    'VPN is down, call  phone_  or write to  email_'
    """
    return _mask(strip_quoted(to_plain_text(raw))).strip()


def to_plain_text(raw: str) -> str:
    """The whole message as plain text: broken encodings are repaired, HTML becomes text.

    >>> to_plain_text("<p>Call +1 202 555 0100</p>").strip()
    'Call +1 202 555 0100'
    """
    text = _UNPRINTABLE.sub(" ", raw[: 4 * MAX_LENGTH].replace("\r", "\n"))
    if "<" in text and _TAG.search(text):
        text = html_to_text(text)
    if _MOJIBAKE.search(text) and ftfy.badness.is_bad(text):
        text = ftfy.fix_text(text)
    return unicodedata.normalize("NFKC", text[:MAX_LENGTH])


def html_to_text(text: str) -> str:
    """The text of HTML, laid out in lines.

    >>> html_to_text("<p>Printer is <b>on fire</b></p>").strip()
    'Printer is on fire'
    """
    try:
        return str(get_text(text))
    except Exception:  # the parser raises all kinds of errors on broken mark-up; then only the tags are removed
        return re.sub(r"<[^<>]{0,2000}>", " ", text)


def _mask(text: str) -> str:
    if "@" in text:
        text = _EMAIL.sub(" email_ ", text)
    if "://" in text or "www." in text:
        text = _URL.sub(r" \1 ", text)
    if _LONG.search(text):
        text = _BLOB.sub(" blob_ ", text)
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
