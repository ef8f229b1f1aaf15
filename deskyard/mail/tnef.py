"""Reads winmail.dat (TNEF): the text that Outlook put there, the names of the files, and mails attached within.

Reads only the attributes that hold text, in time linear in the length ([MS-OXTNEF]). `tnefparse` 1.4.0 was tried: it
fails on a file without a codepage, copies the rest of the file for each attribute, and loops four billion times for a
number in 240 bytes that says so.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from deskyard.mail import charsets
from deskyard.mail.rich_text import decompress_rtf, rtf_to_text

SIGNATURE: Final = b"\x78\x9f\x3e\x22"

_LEVEL_ATTACHMENT: Final = 2
_BODY, _ATTACH_TITLE, _ATTACH_BEGIN, _MAPI_PROPERTIES, _ATTACHMENT, _CODEPAGE, _SUBJECT = (
    0x800C, 0x8010, 0x9002, 0x9003, 0x9005, 0x9007, 0x8004
)  # fmt: skip
"""Ids of attributes."""

_P_SUBJECT, _P_BODY, _P_RTF, _P_HTML, _P_CODEPAGE = 0x0037, 0x1000, 0x1009, 0x1013, 0x3FDE
_P_LONG_NAME, _P_NAME, _P_DATA = 0x3707, 0x3704, 0x3701
"""Ids of MAPI properties."""

_STRING_8, _STRING_16, _OBJECT, _BINARY = 0x001E, 0x001F, 0x000D, 0x0102
_SIZES: Final = {
    0x0001: 4, 0x0002: 4, 0x0003: 4, 0x0004: 4, 0x000A: 4, 0x000B: 4,
    0x0005: 8, 0x0006: 8, 0x0007: 8, 0x0014: 8, 0x0040: 8, 0x0048: 16,
}  # fmt: skip
"""Type of a property → the bytes of a value, padded."""

_MESSAGE_OBJECT: Final = bytes.fromhex("0703020000000000c000000000000046")
_MAX_NAME_BYTES: Final = 400
_MAX_RTF_BYTES: Final = 2_000_000


@dataclass(slots=True)
class TnefMessage:
    """What winmail.dat holds. `html` is set only if there is no plain text; `attached` are TNEF streams of mails within
    the mail."""

    subject: str = ""
    text: str = ""
    html: str = ""
    files: list[str] = field(default_factory=list)
    attached: list[bytes] = field(default_factory=list)


def read_tnef(raw: bytes, max_characters: int) -> TnefMessage:
    """The message in a TNEF stream. Raises ValueError if it is none; what is broken in it is left out.

    >>> body = b"It is down."
    >>> read_tnef(SIGNATURE + b"\\1\\0" + struct.pack("<BHHI", 1, 0x800C, 2, len(body)) + body + b"\\0\\0", 100).text
    'It is down.'
    """
    if raw[:4] != SIGNATURE:
        raise ValueError("no TNEF stream")
    message, codepage, bodies, names = TnefMessage(), "", dict[int, tuple[int, bytes]](), list[str]()
    plain = b""
    for level, name, data in _attributes(raw):
        if level == _LEVEL_ATTACHMENT:
            _read_attachment(message, names, name, data, codepage)
        elif name == _CODEPAGE and len(data) >= 4:
            codepage = f"cp{int.from_bytes(data[:4], 'little')}"
        elif name == _SUBJECT:
            message.subject = _decode(data, codepage)
        elif name == _BODY:
            plain = plain or data
        elif name == _MAPI_PROPERTIES:
            for prop, kind, value in _properties(data):
                bodies.setdefault(prop, (kind, value))
    message.files = [one for one in names if one]
    _set_text(message, bodies, plain, codepage, max_characters)
    return message


def _set_text(
    message: TnefMessage, bodies: dict[int, tuple[int, bytes]], plain: bytes, codepage: str, max_characters: int
) -> None:
    _, number = bodies.get(_P_CODEPAGE, (0, b""))
    internet = f"cp{int.from_bytes(number[:4], 'little')}" if number else codepage
    internet = {"cp65001": "utf-8", "cp20866": "koi8-r", "cp21866": "koi8-u", "cp28595": "iso-8859-5"}.get(
        internet, internet
    )
    message.subject = _decode_property(bodies.get(_P_SUBJECT), internet) or message.subject
    message.text = _decode_property(bodies.get(_P_BODY), codepage) or _decode(plain, codepage)
    if message.text.strip():
        return
    message.html = _decode_property(bodies.get(_P_HTML), internet)
    if not message.html.strip() and _P_RTF in bodies:
        try:
            message.text = rtf_to_text(decompress_rtf(bodies[_P_RTF][1], _MAX_RTF_BYTES), max_characters)
        except ValueError:
            message.text = ""


def _read_attachment(message: TnefMessage, names: list[str], name: int, data: bytes, codepage: str) -> None:
    if name == _ATTACH_BEGIN:
        names.append("")
    elif name == _ATTACH_TITLE and names:
        names[-1] = names[-1] or _decode(data[:_MAX_NAME_BYTES], codepage)
    elif name == _ATTACHMENT and names:
        for prop, kind, value in _properties(data):
            if prop in (_P_LONG_NAME, _P_NAME) and (prop == _P_LONG_NAME or not names[-1]):
                names[-1] = _decode_property((kind, value[:_MAX_NAME_BYTES]), codepage)
            elif prop == _P_DATA and value.startswith(_MESSAGE_OBJECT):
                message.attached.append(value[len(_MESSAGE_OBJECT) :])


def _attributes(raw: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Level, id and data of each attribute."""
    at = 6
    while at + 9 <= len(raw):
        level, name, _, length = struct.unpack_from("<BHHI", raw, at)
        yield level, name, raw[at + 9 : at + 9 + length]
        at += 9 + length + 2


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Id, type and value of each property; the reading ends where a property is of no known type."""
    at = 4  # their number is not needed: the data end with the last one
    while at + 4 <= len(data):
        kind, name = struct.unpack_from("<HH", data, at)
        at += 4
        if name >= 0x8000:  # a named property: a GUID, then a number or a text
            if at + 24 > len(data):
                return
            by_text, length = struct.unpack_from("<II", data, at + 16)
            at += 24 + (_padded(length) if by_text else 0)
        many, kind = kind & 0x1000, kind & 0x0FFF
        size, count = _SIZES.get(kind), 1
        if many or size is None:
            if at + 4 > len(data):
                return
            (count,) = struct.unpack_from("<I", data, at)
            at += 4
        if size is not None:
            if not many:
                yield name, kind, data[at : at + size]
            at += size * count
            continue
        if kind not in (_STRING_8, _STRING_16, _OBJECT, _BINARY):
            return
        for _ in range(count):
            if at + 4 > len(data):
                return
            (length,) = struct.unpack_from("<I", data, at)
            if not many:
                yield name, kind, data[at + 4 : at + 4 + length]
            at += 4 + _padded(length)


def _padded(length: int) -> int:
    return length + -length % 4


def _decode_property(value: tuple[int, bytes] | None, codepage: str) -> str:
    if value is None:
        return ""
    kind, raw = value
    if kind == _STRING_16:
        return raw.decode("utf-16-le", "replace").rstrip("\0")
    return _decode(raw, codepage)


def _decode(raw: bytes, codepage: str) -> str:
    return charsets.decode_text(raw.rstrip(b"\0"), codepage).rstrip("\0")
