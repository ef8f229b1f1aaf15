"""Decodes the bytes of a mail: charsets that are missing or wrong, and encoded words (RFC 2047) in headers.

The result is text that any database can store. Nothing raises, and every step is linear in the length of its input.
"""

import binascii
import codecs
import re
from typing import Final

from deskyard.tabular.encoding import detect_encoding
from deskyard.text.storable import storable

MAX_HEADER_LENGTH: Final = 10_000
"""Characters of one header that are read."""

_ENCODED_WORD: Final = re.compile(
    r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,60})?\?([bq])\?((?:[^?=]|=(?!\?(?!=))|\?(?!=))*+)\?=", re.I
)
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_QUOTED: Final = re.compile(rb"=([0-9A-Fa-f]{2})")

_CHARSET_SUPERSETS: Final = {
    "ascii": "utf-8", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949",
    "shift_jis": "cp932",
}  # fmt: skip
"""Codec → the superset that is used in practice."""

_ALIASES: Final = {"iso-8859-8-i": "iso-8859-8", "x-mac-cyrillic": "mac-cyrillic", "x-sjis": "cp932"}
_CODE_PAGE: Final = re.compile(r"(?:x-)?(?:cp|ibm|dos|win|windows)[-_ ]?(\d{3,5})")
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
"""Codecs that are not charsets of mail; some of them need quadratic time."""

_DOUBTED_CHARSETS: Final = frozenset({"cp1252", "cp1251", "koi8-r", "cp866", "latin_1"})
"""Charsets that are often declared wrongly, and accept any bytes."""

_LIKELY_CHARSETS: Final = frozenset({"utf-8", "cp1251", "koi8-r", "cp866", "mac-cyrillic"})
"""The charsets that are really used in such mail: hardly any bytes look like these by chance."""

_MIN_LETTERS: Final = 8
"""Letters beyond ASCII that disprove a declared charset; also how often a short text is repeated so that it is long
enough for detection."""


def decode_text(raw: bytes, claimed: str = "") -> str:
    """The text of `raw` in the charset it claims, or in a detected one if that is impossible.

    >>> decode_text("Счёт".encode("koi8-r"), "koi8-r"), decode_text("Не печатает принтер".encode("cp1251"), "latin-1")
    ('Счёт', 'Не печатает принтер')
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
    """A header as readable text on one line; `raw` as `email` parses it from bytes, `charset` the body's.

    >>> decode_header("=?utf-8?B?0J3QtSDRgNCw0LE=?= =?utf-8?Q?=D0=BE=D1=82=D0=B0=D0=B5=D1=82?=\\r\\n VPN")
    'Не работает VPN'
    """
    text = raw[:MAX_HEADER_LENGTH]
    if not text.isascii():
        text = decode_text(text.encode("utf-8", "surrogateescape"), charset)
    pieces: list[tuple[bytes, str]] = []
    decoded: list[str] = []
    end = 0

    def decode_pieces() -> None:
        if pieces:
            decoded.append(decode_text(b"".join(bits for bits, _ in pieces), pieces[0][1]))
            pieces.clear()

    for found in _ENCODED_WORD.finditer(text):
        between, charset = text[end : found.start()], found[1].lower()
        # White space between encoded words is dropped; a letter may be split between two words of one charset.
        is_separate = not end or bool(between.strip())
        if is_separate or pieces[0][1] != charset:
            decode_pieces()
        if is_separate:
            decoded.append(between)
        pieces.append((_decode_word(found[3], found[2]), charset))
        end = found.end()
    decode_pieces()
    decoded.append(text[end:])
    # In UTF-16 each encoded word may have its own byte order mark.
    return storable(" ".join("".join(decoded).replace("\ufeff", "").split()))


def _decode_word(word: str, encoding: str) -> bytes:
    raw = word.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return _QUOTED.sub(lambda pair: bytes([int(pair[1], 16)]), raw.replace(b"_", b" "))
    kept = _NOT_BASE64.sub(b"", raw)
    return binascii.a2b_base64(kept[: len(kept) - (len(kept) % 4 == 1)] + b"==")


def _codec_name(claimed: str) -> str:
    """Python's name of a charset; empty if there is none."""
    name = claimed.strip().strip("\"'").lower()
    page = _CODE_PAGE.fullmatch(name)
    name = f"cp{page[1]}" if page else name
    try:
        codec = codecs.lookup(_ALIASES.get(name, name)).name
        "".encode(codec)  # raises for codecs that do not encode text
    except (LookupError, ValueError):
        return ""
    return "" if codec in _NO_CHARSETS else _CHARSET_SUPERSETS.get(codec, codec)


def _decode_strict(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return raw.decode("latin-1") if codec == "cp1252" else None


def _is_wrong_charset(raw: bytes, codec: str) -> bool:
    """Whether these bytes, which the codec can decode, are clearly in another charset."""
    found = _detect_charset(raw)
    return (
        found in _LIKELY_CHARSETS
        and found != codec
        and sum(map(str.isalpha, raw.decode(found))) - _count_letters(raw) >= _MIN_LETTERS
    )


def _count_letters(raw: bytes) -> int:
    return len(re.findall(rb"[A-Za-z]", raw))


def _detect_charset(raw: bytes) -> str:
    """The detected charset of these bytes; empty if unknown."""
    found = detect_encoding(raw)
    try:
        text = raw.decode(found)
    except (UnicodeDecodeError, LookupError):
        return ""
    return "" if text.isascii() else found
