"""Parses the bytes of a mail into its MIME parts, however broken, in bounded time, and gives back the bytes of a part.

The lenient policy of `email` is used: the strict one needs seconds for one long header.
"""

import binascii
import re
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32
from itertools import islice
from typing import Final

from deskyard.mail import charsets

_MAX_BOUNDARIES: Final = 100
_MAX_PARTS: Final = 5_000
_MAX_LINES: Final = 1_000_000
_MAX_COMPARISONS: Final = 10_000_000
"""Limits on declared boundaries, lines that look like boundaries, lines, and comparisons of lines with boundaries. No
real mail exceeds them, and reading one that does would take minutes."""

_BOUNDARY: Final = re.compile(rb"boundary[*0-9 \t]{0,8}=", re.I)
_BOUNDARY_LINE: Final = re.compile(rb"[\r\n]--")
_HEAD_END: Final = re.compile(rb"(?:\A|\n)\r?\n")
_MAX_HEAD: Final = 200_000
_FROM_LINE: Final = re.compile(rb">?From ")
_HEADER_LINE: Final = re.compile(rb"[ \t]|[!-9;-~]{1,200}[ \t]{0,10}:")
_KNOWN_HEADER: Final = re.compile(
    rb"(?:content-(?:type|transfer-encoding)|mime-version|subject|from|to|date|message-id|received)[ \t]{0,10}:", re.I
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9-]+")
_KIND_WITHOUT_SEMICOLON: Final = re.compile(r"([\w.+-]+/[\w.+-]+)\s+(?=[\w*-]+=)")
_BASE64_LINES: Final = re.compile(rb"(?:[ \t]*+[A-Za-z0-9+/=]*+[ \t]*+\r?\n)*+(?:[ \t]*+[A-Za-z0-9+/=]*+[ \t]*+\Z)?+")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/=]+")
_MAX_BASE64_PIECES: Final = 1_000
_BOUNDARY_BEFORE_HEADER: Final = re.compile(
    rb"(?:\A|(?<=\n))--([^\r\n\"\\]{1,200}?)[ \t]*\r?\n(?=[A-Za-z][A-Za-z0-9-]{1,60}:|\r?\n)"
)
_UNDECLARED: Final = re.compile(
    rb"\s{0,50}(?:[^\r\n]{0,60}multi-?part message[^\r\n]{0,60}\s{1,50})?"
    rb"--([^\r\n\"\\]{1,200}?)[ \t]*\r?\nContent-[A-Za-z-]{1,40}:",
    re.I,
)


class _LenientPolicy(Compat32):
    """The lenient policy; headers are cut to what is read of them, and two are mended that `email` reads strictly."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """The name and the value of a header."""
        name, value = super().header_source_parse(sourcelines)
        value = value[: charsets.MAX_HEADER_LENGTH]
        if name.lower() == "content-transfer-encoding":  # also '"base64"', 'base64;' and 'base64 (of a text)'
            found = _TOKEN.search(value)
            value = found[0] if found else ""
        elif name.lower() == "content-type":
            value = _KIND_WITHOUT_SEMICOLON.sub(r"\1; ", value, count=1)
        return name, value


_LENIENT_POLICY: Final = _LenientPolicy()


def parse_mime(raw: bytes) -> tuple[Message, bool]:
    """The message, and whether all of it was read."""
    declared = [found.start() for found in islice(_BOUNDARY.finditer(raw), _MAX_BOUNDARIES + 1)]
    boundaries = len(declared)
    read = raw[: declared[-1]] if boundaries > _MAX_BOUNDARIES else raw
    max_lines = min(_MAX_LINES, _MAX_COMPARISONS // (boundaries + 1))
    lines = read.count(b"\n") + read.count(b"\r") - read.count(b"\r\n")
    read = read if lines <= max_lines else read[:max_lines]
    last = next(islice(_BOUNDARY_LINE.finditer(read), _MAX_PARTS, None), None)
    read = read[: last.start()] if last else read
    message = message_from_bytes(read, policy=_LENIENT_POLICY)
    if message.get_content_maintype() == "multipart" and not message.is_multipart():
        # `email` drops what follows the last boundary where no first one was found.
        head = _HEAD_END.search(read)
        message.set_payload(read[head.end() if head else 0 :].decode("ascii", "surrogateescape"))
        message.epilogue = None
    return message, len(read) == len(raw)


def mend_head(raw: bytes) -> bytes:
    """A message whose headers can be found: without blank lines above them, and lines that are none joined to others.

    >>> mend_head(b"\\nSubject: Printer\\nis down\\nDate: today\\n\\nIt is.\\n")
    b'Subject: Printer\\n is down\\nDate: today\\n\\nIt is.\\n'
    """
    raw = raw.lstrip(b"\r\n")
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    end = _HEAD_END.search(raw, 0, _MAX_HEAD)
    lines = raw[: end.start() if end else 0].split(b"\n")
    known = max((at for at, line in enumerate(lines) if _KNOWN_HEADER.match(line)), default=0)
    stray = [at for at in range(1, known) if not (_HEADER_LINE.match(lines[at]) or _FROM_LINE.match(lines[at]))]
    if end is None or not stray:
        return raw
    for at in stray:
        lines[at] = b" " + lines[at]
    return b"\n".join(lines) + raw[end.start() :]


def part_bytes(part: Message) -> bytes:
    """The content of a part, its transfer encoding undone."""
    encoding = "content-transfer-encoding"
    in_base64 = str(part.get(encoding, "")).lower() == "base64"
    if in_base64:
        part.replace_header(encoding, "8bit")  # `email` gives the bytes as they came
    raw = part.get_payload(decode=True)
    if in_base64:
        part.replace_header(encoding, "base64")
    content = raw if isinstance(raw, bytes) else b""
    return _decode_base64(content) if in_base64 else content


def _decode_base64(raw: bytes) -> bytes:
    """The content of base64 and of plain text beneath it, as mailing lists add it; plain text that is none at all."""
    found = _BASE64_LINES.match(raw)
    lines = found[0] if found else b""
    rest = raw[len(lines) :]
    kept = _NOT_BASE64.sub(b"", lines)
    if rest.strip() and (not kept or len(kept) % 4):
        return raw
    # Several encoded texts may follow each other, each with its padding.
    pieces = re.split(rb"=+", kept, maxsplit=_MAX_BASE64_PIECES)
    decoded = [binascii.a2b_base64(one[: len(one) - (len(one) % 4 == 1)] + b"==") for one in pieces]
    return b"".join(decoded) + (b"\n" + rest if rest.strip() else b"")


def restore_bytes(text: str) -> bytes:
    """The bytes of which `email` made a text."""
    return text.encode("utf-8", "surrogateescape")


def restore_text(text: str) -> str:
    """A text of `email` in the charset that it seems to have."""
    return text if text.isascii() else charsets.decode_text(restore_bytes(text))


def part_charset(part: Message) -> str:
    """The charset that a part declares; empty if none."""
    found = part.get_param("charset", "")
    return found if isinstance(found, str) else str(found[2])  # RFC 2231 form: charset, language, value


def guess_boundary(raw: bytes) -> bytes:
    """The line that separates the parts of a multipart which does not tell it: the first one before a header of a part.

    >>> guess_boundary(b"--\\nHello\\n--x1\\nContent-Type: text/plain\\n\\nHi\\n--x1--")
    b'x1'
    """
    found = _BOUNDARY_BEFORE_HEADER.search(raw)
    return found[1] if found else b""


def find_undeclared_boundary(raw: bytes) -> bytes:
    """The boundary of a text that begins as a multipart, and ends as one, though no header says so; empty if none."""
    found = _UNDECLARED.match(raw)
    return found[1] if found and b"--" + found[1] + b"--" in raw[found.end() :] else b""
