"""From the bytes of a mail to words: charsets that are missing or wrong, and encoded words (RFC 2047) in headers.

In comes what a mail carries and the charset that it claims; out comes text that any database keeps. Nothing raises, and
every step is linear in the length of what it reads.
"""

import binascii
import codecs
import re
from typing import Final

from deskyard.tabular.encoding import detect_encoding
from deskyard.text.storable import storable

MAX_HEADER_LENGTH: Final = 10_000
"""Characters of one header that are read."""

_ENCODED_WORD: Final = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,60})?\?([bq])\?([^?]*)\?=", re.I)
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_QUOTED: Final = re.compile(rb"=([0-9A-Fa-f]{2})")

_CHARSET_SUPERSETS: Final = {
    "ascii": "utf-8", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949",
    "shift_jis": "cp932",
}  # fmt: skip
"""Codec → the larger one that its users write in."""

_ALIASES: Final = {"iso-8859-8-i": "iso-8859-8", "x-mac-cyrillic": "mac-cyrillic", "x-sjis": "cp932"}
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
"""Codecs that are no charset of a mail; some of them need quadratic time."""

_DOUBTED_CHARSETS: Final = frozenset({"cp1252", "cp1251", "koi8-r", "cp866", "latin_1"})
"""Charsets that are often claimed wrongly, and take any bytes."""

_LIKELY_CHARSETS: Final = frozenset({"utf-8", "cp1251", "koi8-r", "cp866", "mac-cyrillic"})
"""What they are claimed for: hardly anything looks like these by chance."""

_MIN_LETTERS: Final = 8
"""Letters beyond ASCII that disprove a claim; and how often a short text without any is looked at, so that it is long
enough to be believed: all of it is text, none is damage."""


def decode_text(raw: bytes, claimed: str = "") -> str:
    """The text of `raw`, which claims to be in a charset; another one where that can't be.

    >>> decode_text("Счёт".encode("koi8-r"), "koi8-r"), decode_text("Не работает принтер".encode("cp1251"), "iso-8859-1")
    ('Счёт', 'Не работает принтер')
    >>> decode_text("größer".encode(), "us-ascii"), decode_text("größer".encode("latin-1"), "x-unknown")
    ('größer', 'größer')
    """
    if raw.isascii() and b"\x1b" not in raw and b"\0" not in raw and not claimed.lower().startswith(("utf-7", "hz")):
        return storable(raw.decode("ascii"))
    codec = _codec_name(claimed)
    if codec:
        text = _decode_strict(raw, codec)
        if text is not None and not (codec in _DOUBTED_CHARSETS and _is_wrong_charset(raw, codec)):
            return storable(text)
    found = _detect_charset(raw) or _detect_charset(b"\n".join([raw[:200]] * _MIN_LETTERS)) or codec or "utf-8"
    return storable(raw.decode(found, "replace"))


def decode_header(raw: str, charset: str = "") -> str:
    """A header as a person reads it, on one line; `raw` as `email` parses it from bytes, `charset` the body's.

    >>> decode_header("=?utf-8?B?0J3QtSDRgNCw0LE=?= =?utf-8?Q?=D0=BE=D1=82=D0=B0=D0=B5=D1=82?=\\r\\n VPN")
    'Не работает VPN'
    """
    text = raw[:MAX_HEADER_LENGTH]
    if not text.isascii():
        text = decode_text(text.encode("utf-8", "surrogateescape"), charset)
    pieces: list[tuple[bytes, str]] = []
    said: list[str] = []
    end = 0

    def told() -> None:
        if pieces:
            said.append(decode_text(b"".join(bits for bits, _ in pieces), pieces[0][1]))
            pieces.clear()

    for found in _ENCODED_WORD.finditer(text):
        between, charset = text[end : found.start()], found[1].lower()
        # White space between encoded words is no text, and a letter may be split between two of one charset.
        apart = not end or bool(between.strip())
        if apart or pieces[0][1] != charset:
            told()
        if apart:
            said.append(between)
        pieces.append((_decode_word(found[3], found[2]), charset))
        end = found.end()
    told()
    said.append(text[end:])
    return " ".join("".join(said).replace("\ufeff", "").split())  # in UTF-16 each word may bear its own mark


def _decode_word(word: str, encoding: str) -> bytes:
    raw = word.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return _QUOTED.sub(lambda pair: bytes([int(pair[1], 16)]), raw.replace(b"_", b" "))
    kept = _NOT_BASE64.sub(b"", raw)
    return binascii.a2b_base64(kept[: len(kept) - (len(kept) % 4 == 1)] + b"==")


def _codec_name(claimed: str) -> str:
    """Python's name of a charset; empty for what is none."""
    name = claimed.strip().strip("\"'").lower()
    try:
        codec = codecs.lookup(_ALIASES.get(name, name)).name
        "".encode(codec)  # refuses what is no encoding of text
    except (LookupError, ValueError):
        return ""
    return "" if codec in _NO_CHARSETS else _CHARSET_SUPERSETS.get(codec, codec)


def _decode_strict(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return raw.decode("latin-1") if codec == "cp1252" else None


def _is_wrong_charset(raw: bytes, codec: str) -> bool:
    """Whether these bytes, which can be read in a codec, are plainly in another one."""
    found = _detect_charset(raw)
    return (
        found in _LIKELY_CHARSETS
        and found != codec
        and sum(map(str.isalpha, raw.decode(found))) - _count_letters(raw) >= _MIN_LETTERS
    )


def _count_letters(raw: bytes) -> int:
    return len(re.findall(rb"[A-Za-z]", raw))


def _detect_charset(raw: bytes) -> str:
    """The charset in which these bytes are text; empty if that can't be told."""
    found = detect_encoding(raw)
    try:
        text = raw.decode(found)
    except (UnicodeDecodeError, LookupError):
        return ""
    return "" if text.isascii() else found
