"""Detects the encoding of a file from a sample of bytes: UTF-8, UTF-16, UTF-32 and single-byte code pages.

A byte order mark decides; then the pattern of NULs (UTF-16 and UTF-32 without a mark); then UTF-8, even if a
few lines are damaged; then the code page whose decoded words look most like words. It never reads a whole file into
memory.
"""

import codecs
import re
from typing import BinaryIO, Final

import charset_normalizer

HEAD_BYTES: Final = 1 << 18
"""Bytes that are read first; also the most that are scored."""

MAX_SEARCHED_BYTES: Final = 1 << 27
"""Bytes that are searched for the first one beyond ASCII. If it comes later, its code page is not detected, and such
lines are rejected as undecodable, with their numbers."""

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CODE_PAGES: Final = ("cp1251", "koi8-r", "cp866", "mac-cyrillic", "koi8-u", "cp1252", "mac-roman", "cp850")
_OTHER_CODE_PAGES: Final = ["cp1250", "cp1253", "cp1254", "cp1257", "latin_1", "iso8859_2", "iso8859_5", "iso8859_9"]
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_SYMBOL: Final = re.compile(r"[^\x00-\x7f\w]|[\udc80-\udcff]")
_TYPOGRAPHY: Final = frozenset("«»„“”‘’‚–—…№°§€£©®™•·\xa0±×½¼¾¿¡ªº²³¹´¨")
_WESTERN: Final = frozenset("àâäáãåæçèéêëìíîïñòóôõöøùúûüýÿßœšž")
_COMMON: Final = frozenset("оеаинтсрвлкмдпуі")
_CYRILLIC: Final = re.compile("[а-яёіїєґ]+")
_MIN_LETTERS: Final = 8
"""Cyrillic letters needed to accept a Cyrillic code page: fewer stray bytes are damage, not text."""


def take_sample(stream: BinaryIO) -> bytes:
    """Bytes to detect the encoding from: the head, and the first stretch beyond ASCII. Rewinds the stream."""
    head = stream.read(HEAD_BYTES)
    sample, read = head, len(head)
    if head.isascii() and b"\0" not in head:
        while read < MAX_SEARCHED_BYTES and (chunk := stream.read(1 << 20)):
            read += len(chunk)
            if not chunk.isascii():
                first = re.search(rb"[^\x00-\x7f]", chunk)
                start = chunk.rfind(b"\n", 0, first.start() if first else 0) + 1
                sample = head[: head.rfind(b"\n") + 1] + chunk[start : start + HEAD_BYTES]
                break
    stream.seek(0)
    return sample


def detect_encoding(sample: bytes) -> str:
    """The encoding of a text that begins with `sample` (any bytes; empty is "utf-8").

    >>> detect_encoding("Тема;Текст обращения".encode("cp1251")), detect_encoding("café".encode("cp1252"))
    ('cp1251', 'cp1252')
    >>> detect_encoding(b"a\\xff\\xfe\\n")
    'utf-8'
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return name
    if wide := _detect_utf32(sample) or _detect_utf16(sample):
        return wide
    # A long sample may end in the middle of a character; a short one is the whole file.
    text = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode(sample, len(sample) < HEAD_BYTES // 2)
    bad = len(_ESCAPED.findall(text))
    good = 0 if text.isascii() else sum(map(len, re.findall(r"[^\x00-\x7f]+", text))) - bad
    # Text in a code page is hardly ever valid UTF-8 by chance: as many good letters as bad bytes are enough.
    return "utf-8" if good >= bad else _detect_code_page(sample, bad)


def _detect_utf32(sample: bytes) -> str:
    """The UTF-32 variant of a text without a byte order mark; empty if it is none. The upper two bytes of nearly all
    characters are zero, and the lower two are not."""
    units = sample[: len(sample) // 4 * 4]
    if len(units) < 8 or b"\0\0" not in units:
        return ""
    count = len(units) // 4
    for name, high, next_high, low in (("utf-32-le", 3, 2, 0), ("utf-32-be", 0, 1, 3)):
        zeros = units[high::4].count(0) + units[next_high::4].count(0)
        if zeros > 1.9 * count and units[low::4].count(0) < 0.1 * count:
            return name
    return ""


def _detect_utf16(sample: bytes) -> str:
    """The UTF-16 variant of a text without a byte order mark; empty if it is none. Every other byte of UTF-16 is the
    high byte of a Latin or Cyrillic letter."""
    pairs = sample[: len(sample) // 2 * 2]
    if len(pairs) < 4 or b"\0" not in pairs:
        return ""
    for name, high, low in (("utf-16-le", pairs[1::2], pairs[::2]), ("utf-16-be", pairs[::2], pairs[1::2])):
        paged = (high.count(0) + high.count(4)) / len(high)
        if paged > 0.7 and high.count(0) > 2 * low.count(0) and high.count(0) > 0.05 * len(high):
            return name
    return ""


def _detect_code_page(sample: bytes, bad: int) -> str:
    """The code page in which the lines beyond ASCII look most plausible; "utf-8" if none is plausible."""
    lines = b"\n".join(line for line in sample.split(b"\n") if not line.isascii())[:HEAD_BYTES]
    scores = {page: _plausibility(lines.decode(page, "surrogateescape")) for page in _CODE_PAGES}
    best = max(_CODE_PAGES, key=lambda page: scores[page])
    if scores[best] >= 0.45:
        return best
    if bad >= 3 * _MIN_LETTERS:
        found = charset_normalizer.from_bytes(lines[: HEAD_BYTES // 4], cp_isolation=_OTHER_CODE_PAGES).best()
        if found is not None:
            return found.encoding
    return "utf-8"


def _plausibility(text: str) -> float:
    """How much `text` looks like written language, at most 1: the mean over its words and symbols beyond ASCII."""
    total, count, cyrillic = 0.0, 0, 0
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        lower = word.lower()
        cased = word == lower or word == word.upper() or word == word.capitalize()
        if _CYRILLIC.fullmatch(lower):
            cyrillic += len(word)
            value = 0.3 + 0.7 * sum(letter in _COMMON for letter in lower) / len(lower)
        else:
            foreign = [letter for letter in lower if not letter.isascii()]
            known = all(letter in _WESTERN for letter in foreign)
            value = 1.0 if known and (len(foreign) < len(lower) or len(lower) == 1) else -1.0
        total += (value if cased else value - 1) * len(word)
        count += len(word)
    for symbol in _SYMBOL.findall(text):
        total += 0.5 if symbol in _TYPOGRAPHY else -1.0
        count += 1
    return total / count if count and (cyrillic == 0 or cyrillic >= _MIN_LETTERS) else -1.0
