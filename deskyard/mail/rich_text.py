"""Converts RTF, as Outlook sends it in winmail.dat (also compressed), to plain text.

Every step is linear in its input and bounded in its output. `striprtf` 0.0.35 was tried: 2,000 nested fields (80 kB)
took it 154 seconds.
"""

import codecs
import re
from dataclasses import dataclass, replace
from typing import Final

_PRESET: Final = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20"
    b"\\b\\i\\u\\tab\\tx"
)
"""The dictionary with which decompression begins ([MS-OXRTFCP], 2.1.2.1)."""

_WINDOW: Final = 4096
_MAX_TOKENS: Final = 400_000
"""Tokens of a document that are read."""

_TOKEN: Final = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,9})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\"
)
_SKIPPED: Final = frozenset(
    {
        "fonttbl", "colortbl", "stylesheet", "info", "pict", "header", "headerf", "headerl", "headerr", "footer",
        "footerf", "footerl", "footerr", "object", "objdata", "fldinst", "themedata", "datastore", "latentstyles",
        "listtable", "listoverridetable", "generator", "xmlnstbl", "rsidtbl", "htmltag", "mhtmltag", "bkmkstart",
        "bkmkend", "colorschememapping",
    }
)  # fmt: skip
"""Destinations whose contents are no text."""

_CHARACTERS: Final = {
    "par": "\n", "line": "\n", "sect": "\n\n", "page": "\n\n", "row": "\n", "tab": "\t", "cell": " ", "nestcell": " ",
    "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”",
    "emspace": " ", "enspace": " ", "qmspace": " ",
}  # fmt: skip
_SYMBOLS: Final = {"~": " ", "_": "-", "{": "{", "}": "}", "\\": "\\", "\n": "\n", "\r": "\n"}
_FONT_CHARSETS: Final = {
    0: "cp1252", 77: "mac_roman", 89: "mac_cyrillic", 128: "cp932", 129: "cp949", 134: "cp936", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251",
    222: "cp874", 238: "cp1250", 255: "cp437",
}  # fmt: skip


def decompress_rtf(raw: bytes, max_bytes: int) -> bytes:
    """The RTF in a compressed property of Outlook, at most `max_bytes`. Raises ValueError if it is none.

    >>> decompress_rtf(bytes.fromhex("0f000000030000004d454c4100000000616263"), 100)
    b'abc'
    """
    if len(raw) < 16 or raw[8:12] not in (b"LZFu", b"MELA"):
        raise ValueError("no compressed RTF")
    size = min(int.from_bytes(raw[4:8], "little"), max_bytes)
    if raw[8:12] == b"MELA":
        return raw[16 : 16 + size]
    window = bytearray(_WINDOW)
    window[: len(_PRESET)] = _PRESET
    written, out, at = len(_PRESET), bytearray(), 16
    while at < len(raw) and len(out) < size:
        flags = raw[at]
        at += 1
        for bit in range(8):
            if at >= len(raw) or len(out) >= size:
                break
            if flags >> bit & 1:
                pair = int.from_bytes(raw[at : at + 2], "big")
                at += 2
                start, length = pair >> 4, (pair & 15) + 2
                if start == written % _WINDOW:
                    return bytes(out[:size])
                for step in range(length):
                    byte = window[(start + step) % _WINDOW]
                    out.append(byte)
                    window[written % _WINDOW] = byte
                    written += 1
            else:
                out.append(raw[at])
                window[written % _WINDOW] = raw[at]
                written += 1
                at += 1
    return bytes(out[:size])


@dataclass(frozen=True, slots=True)
class _Group:
    """The state within one pair of braces; `fallback` is the number of characters that follow a Unicode one."""

    skipped: bool = False
    fonts: bool = False
    fallback: int = 1
    codec: str = "cp1252"


class _RtfReader:
    """Reads the tokens of one document."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.hexes = bytearray()
        self.group = _Group()
        self.outer: list[_Group] = []
        self.default_codec = "cp1252"
        self.fonts: dict[int, str] = {}
        self.font = 0
        self.to_skip = 0

    def flush(self) -> None:
        """Decode the bytes that were written as hexadecimal numbers."""
        if self.hexes:
            self.out.append(self.hexes.decode(self.group.codec, "replace"))
            self.hexes.clear()

    def read_brace(self, brace: str) -> None:
        """A group begins or ends."""
        self.to_skip = 0
        if brace == "{":
            self.outer.append(self.group)
        elif self.outer:
            self.group = self.outer.pop()

    def read_word(self, word: str, number: int | None) -> None:
        """A control word."""
        self.to_skip = 0
        if word == "ansicpg":
            self.default_codec = _known_codec(f"cp{number}") or self.default_codec
            self.group = replace(self.group, codec=self.default_codec)
        elif word in _SKIPPED:
            self.group = replace(self.group, skipped=True, fonts=word == "fonttbl")
        elif word == "f" and number is not None:
            self.font = number
            self.group = replace(self.group, codec=self.fonts.get(number, self.default_codec))
        elif word == "fcharset" and self.group.fonts and len(self.fonts) < 1_000:
            self.fonts[self.font] = _FONT_CHARSETS.get(number or 0, self.default_codec)
        elif word == "uc" and number is not None:
            self.group = replace(self.group, fallback=max(0, min(number, 8)))
        elif word == "u" and number is not None:
            self.to_skip = self.group.fallback
            if not self.group.skipped:
                self.out.append(chr(number % 0x10000))
        elif word in _CHARACTERS and not self.group.skipped:
            self.out.append(_CHARACTERS[word])


def rtf_to_text(raw: bytes, max_characters: int) -> str:
    r"""The text of an RTF document, at most so many characters (more or less; the caller cuts).

    >>> rtf_to_text(rb"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}\'cf\'f0\'e8\u1074?\u1077?\u1090?\par VPN}", 100)
    'Привет\nVPN'
    """
    text, reader, at, length = raw.decode("latin-1"), _RtfReader(), 0, 0
    for _ in range(_MAX_TOKENS):
        found = _TOKEN.match(text, at)
        if found is None or length > max_characters:
            break
        at = found.end()
        word, number, pair, symbol, brace, plain = found.groups()
        if pair is None:
            reader.flush()
        if plain is not None:
            skipped, reader.to_skip = min(reader.to_skip, len(plain)), max(0, reader.to_skip - len(plain))
            if not reader.group.skipped:
                reader.out.append(plain[skipped:].encode("latin-1").decode(reader.group.codec, "replace"))
                length += len(plain)
        elif pair is not None:
            if reader.to_skip:
                reader.to_skip -= 1
            elif not reader.group.skipped:
                reader.hexes.append(int(pair, 16))
        elif brace is not None:
            reader.read_brace(brace)
        elif word is not None:
            reader.read_word(word, None if number is None else int(number))
            if word == "bin" and number is not None:
                at += max(0, int(number))
        elif symbol == "*":
            reader.group = replace(reader.group, skipped=True)
        elif symbol in _SYMBOLS and not reader.group.skipped:
            reader.out.append(_SYMBOLS[symbol])
    reader.flush()
    # A character beyond 16 bits is written as two halves.
    return "".join(reader.out).encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()


def _known_codec(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        return ""
    return name
