"""Parses the bytes of a mail into its MIME parts, however broken, in bounded time, and gives back the bytes of a part.

The lenient policy of `email` is used: the strict one needs seconds for one long header.
"""

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
_BOUNDARY_BEFORE_HEADER: Final = re.compile(
    rb"(?:\A|(?<=\n))--([^\r\n\"\\]{1,200}?)[ \t]*\r?\n(?=[A-Za-z][A-Za-z0-9-]{1,60}:|\r?\n)"
)


class _LenientPolicy(Compat32):
    """The lenient policy; headers are cut to the length that is read."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """The name and the value of a header."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[: charsets.MAX_HEADER_LENGTH]


_LENIENT_POLICY: Final = _LenientPolicy()


def parse_mime(raw: bytes) -> tuple[Message, bool]:
    """The message, and whether all of it was read. Raises ValueError for one nested too deeply."""
    boundaries = sum(1 for _ in _BOUNDARY.finditer(raw))
    if boundaries > _MAX_BOUNDARIES:
        raise ValueError("too many parts within parts")
    max_lines = min(_MAX_LINES, _MAX_COMPARISONS // (boundaries + 1))
    lines = raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n")
    read = raw if lines <= max_lines else raw[:max_lines]
    last = next(islice(_BOUNDARY_LINE.finditer(read), _MAX_PARTS, None), None)
    read = read[: last.start()] if last else read
    message = message_from_bytes(read, policy=_LENIENT_POLICY)
    if message.get_content_maintype() == "multipart" and not message.is_multipart():
        # `email` drops what follows the last boundary where no first one was found.
        head = _HEAD_END.search(read)
        message.set_payload(read[head.end() if head else 0 :].decode("ascii", "surrogateescape"))
        message.epilogue = None
    return message, len(read) == len(raw)


def part_bytes(part: Message) -> bytes:
    """The content of a part, its transfer encoding undone."""
    raw = part.get_payload(decode=True)
    return raw if isinstance(raw, bytes) else b""


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
