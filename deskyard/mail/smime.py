"""Unwraps S/MIME: the content of an opaque signature or of compressed data, and whether a part is encrypted.

Reads the few BER structures of RFC 5652 that surround the content, in time linear in their length. Signatures are not
verified. `asn1crypto` 1.5.1 was tried: an OCTET STRING of 100,000 chunks took it 85 seconds, and it refuses one that is
constructed with a definite length, which mail programs write.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

_SIGNED: Final = bytes.fromhex("2a864886f70d010702")
_ENVELOPED: Final = bytes.fromhex("2a864886f70d010703")
_ENCRYPTED: Final = bytes.fromhex("2a864886f70d010706")
_COMPRESSED: Final = bytes.fromhex("2a864886f70d0109100109")
_AUTH_ENVELOPED: Final = bytes.fromhex("2a864886f70d0109100117")

_SEQUENCE: Final = 0x30
_OID: Final = 0x06
_CONTEXT_0: Final = 0xA0
_OCTETS: Final = (0x04, 0x24)
_MAX_NESTED_OCTETS: Final = 3


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """What an S/MIME part holds. `content` is the MIME entity within; empty unless it was signed or compressed."""

    kind: Literal["signed", "compressed", "encrypted", "unreadable"]
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class _Element:
    """One BER element: its identifier octet, where its contents begin and end, and where the next element begins."""

    tag: int
    start: int
    stop: int
    after: int


def unwrap_smime(raw: bytes, max_bytes: int) -> Unwrapped:
    """The content of an `application/pkcs7-mime` part, at most `max_bytes` of it. Never raises.

    >>> unwrap_smime(bytes.fromhex("300d06092a864886f70d010703a000"), 100).kind
    'encrypted'
    """
    try:
        return _unwrap(raw, max_bytes)
    except (ValueError, IndexError, zlib.error):
        return Unwrapped("unreadable")


def _unwrap(raw: bytes, max_bytes: int) -> Unwrapped:
    kind, content = _read_content_info(raw, _read_element(raw, 0, len(raw)))
    if kind in (_ENVELOPED, _ENCRYPTED, _AUTH_ENVELOPED):
        return Unwrapped("encrypted")
    if kind not in (_SIGNED, _COMPRESSED) or content is None:
        return Unwrapped("unreadable")
    # SignedData and CompressedData: version, algorithms, and the encapsulated content, a ContentInfo again.
    body = next(one for one in _children(raw, content) if one.tag == _SEQUENCE)
    inner = [one for one in _children(raw, body) if one.tag == _SEQUENCE]
    octets = next((found for one in inner if (found := _encapsulated_octets(raw, one)) is not None), None)
    if octets is None:
        return Unwrapped("unreadable")
    joined = b"".join(_octet_chunks(raw, octets, _MAX_NESTED_OCTETS))
    if kind == _COMPRESSED:
        return Unwrapped("compressed", zlib.decompressobj().decompress(joined, max_bytes))
    return Unwrapped("signed", joined[:max_bytes])


def _encapsulated_octets(raw: bytes, info: _Element) -> _Element | None:
    """The OCTET STRING in an encapsulated content; None for other structures (an algorithm is a SEQUENCE, too)."""
    try:
        _, content = _read_content_info(raw, info)
    except ValueError:
        return None
    first = None if content is None else next(_children(raw, content), None)
    return first if first is not None and first.tag in _OCTETS else None


def _read_content_info(raw: bytes, info: _Element) -> tuple[bytes, _Element | None]:
    """The type and the `[0]` of a ContentInfo. Raises ValueError for other structures."""
    found = _children(raw, info)
    kind = next(found, None)
    if info.tag != _SEQUENCE or kind is None or kind.tag != _OID:
        raise ValueError("no ContentInfo")
    content = next(found, None)
    return raw[kind.start : kind.stop], content if content is not None and content.tag == _CONTEXT_0 else None


def _octet_chunks(raw: bytes, octets: _Element, depth: int) -> Iterator[bytes]:
    if octets.tag == _OCTETS[0]:
        yield raw[octets.start : octets.stop]
    elif depth:
        for one in _children(raw, octets):
            if one.tag in _OCTETS:
                yield from _octet_chunks(raw, one, depth - 1)


def _children(raw: bytes, parent: _Element) -> Iterator[_Element]:
    at = parent.start
    while at < parent.stop:
        one = _read_element(raw, at, parent.stop)
        yield one
        at = one.after


def _read_element(raw: bytes, at: int, end: int) -> _Element:
    tag, start, length = _read_header(raw, at, end)
    if length is not None:
        stop = min(start + length, end)
        return _Element(tag, start, stop, stop)
    stop = _find_end_of_contents(raw, start, end)
    return _Element(tag, start, stop, min(stop + 2, end))


def _find_end_of_contents(raw: bytes, at: int, end: int) -> int:
    """Where the end-of-contents octets of an indefinite length stand; `end` if they are missing."""
    open_elements = 1
    while at + 2 <= end:
        if raw[at] == 0 and raw[at + 1] == 0:
            open_elements -= 1
            if not open_elements:
                return at
            at += 2
            continue
        _, start, length = _read_header(raw, at, end)
        open_elements += length is None
        at = start if length is None else start + length
    return end


def _read_header(raw: bytes, at: int, end: int) -> tuple[int, int, int | None]:
    """Identifier octet, start of the contents, and their length (None: indefinite). Raises ValueError at the end."""
    if at + 2 > end:
        raise ValueError("the structure ends too early")
    tag, first = raw[at], raw[at + 1]
    if tag & 0x1F == 0x1F:
        raise ValueError("a tag of several octets, which these structures do not have")
    start = at + 2
    if first == 0x80:
        return tag, start, None
    if first & 0x80:
        count = first & 0x7F
        if count > 8 or start + count > end:
            raise ValueError("a length beyond the end")
        return tag, start + count, int.from_bytes(raw[start : start + count], "big")
    return tag, start, first
