"""Reads the texts and the file names out of the parts of a MIME message, however broken, in bounded time.

Plain text is preferred, HTML is converted to text, and files are named but not read. The lenient policy of `email` is
used: the strict one needs seconds for one long header.
"""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32
from itertools import islice
from typing import Final

from deskyard.mail import charsets
from deskyard.text.html_text import html_to_text

_MAX_HTML_TEXT_LENGTH: Final = 500_000
"""Characters of the text of HTML that are made."""

_MAX_BOUNDARIES: Final = 100
_MAX_PARTS: Final = 5_000
_MAX_LINES: Final = 1_000_000
_MAX_COMPARISONS: Final = 10_000_000
"""Limits on declared boundaries, lines that look like boundaries, lines, and comparisons of lines with boundaries. No
real mail exceeds them, and reading one that does would take minutes."""

_MAX_NAME_LENGTH: Final = 120
_BOUNDARY: Final = re.compile(rb"boundary[*0-9 \t]{0,8}=", re.I)
_BOUNDARY_LINE: Final = re.compile(rb"[\r\n]--")


@dataclass(frozen=True, slots=True)
class MessageParts:
    """The contents of a message. `kind` is its content type, `charset` the one that its first text declares;
    `complete`: all of it was read."""

    texts: list[str]
    files: list[str]
    kind: str
    charset: str
    complete: bool


def read_parts(raw: bytes) -> MessageParts:
    """The parts of a message. Raises ValueError for one nested too deeply, and whatever `email` raises on broken ones.

    >>> read_parts(b"Content-Type: text/html\\n\\n<p>Printer is <b>on fire</b></p>").texts
    ['Printer is on fire']
    """
    message, complete = _parse_bytes(raw)
    texts, files = _read_part(message)
    charset = next((_charset(part) for part in message.walk() if part.get_content_maintype() == "text"), "")
    return MessageParts(texts, files, message.get_content_type(), charset, complete)


class _LenientPolicy(Compat32):
    """The lenient policy; headers are cut to the length that is read."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """The name and the value of a header."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[: charsets.MAX_HEADER_LENGTH]


_LENIENT_POLICY: Final = _LenientPolicy()


def _parse_bytes(raw: bytes) -> tuple[Message, bool]:
    """The message, and whether all of it was read. Raises ValueError for one nested too deeply."""
    boundaries = sum(1 for _ in _BOUNDARY.finditer(raw))
    if boundaries > _MAX_BOUNDARIES:
        raise ValueError("too many parts within parts")
    max_lines = min(_MAX_LINES, _MAX_COMPARISONS // (boundaries + 1))
    lines = raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n")
    read = raw if lines <= max_lines else raw[:max_lines]
    last = next(islice(_BOUNDARY_LINE.finditer(read), _MAX_PARTS, None), None)
    read = read[: last.start()] if last else read
    return message_from_bytes(read, policy=_LENIENT_POLICY), len(read) == len(raw)


def _read_part(part: Message) -> tuple[list[str], list[str]]:
    """The texts of a part, and the names of the files in it."""
    kind = part.get_content_type()
    if part.is_multipart() and not kind.startswith("message/"):
        children = [child for child in part.get_payload() if isinstance(child, Message)]
        read = [(child.get_content_type(), *_read_part(child)) for child in children]
        names = [name for _, _, inner in read for name in inner]
        with_text = [(kind, texts) for kind, texts, _ in read if texts]
        if kind == "multipart/alternative" and with_text:
            # Each alternative is the whole message; plain text is closest to what a person typed.
            return next((texts for kind, texts in with_text if kind == "text/plain"), with_text[-1][1]), names
        return [text for _, texts in with_text for text in texts], names
    name = part.get_filename()
    if name or kind not in ("text/plain", "text/html") or part.get_content_disposition() == "attachment":
        return [], [charsets.decode_header(str(name or ""))[:_MAX_NAME_LENGTH] or f"({kind[:_MAX_NAME_LENGTH]})"]
    raw = part.get_payload(decode=True)
    text = charsets.decode_text(raw if isinstance(raw, bytes) else b"", _charset(part)).replace("\r\n", "\n")
    if kind == "text/html":
        text = html_to_text(text, _MAX_HTML_TEXT_LENGTH)
    text = text.strip()
    return [text] if text else [], []


def _charset(part: Message) -> str:
    found = part.get_param("charset", "")
    return found if isinstance(found, str) else str(found[2])  # RFC 2231 form: charset, language, value
