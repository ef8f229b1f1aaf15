"""Parses the bytes of a mail into a ticket: sender, time, text, messages it replies to, and whether it is automatic.

`parse_message` never raises: what can't be read is left out, and a message that can't be parsed at all becomes
"(unreadable message)" with its headers as the text. The work is bounded for any input.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from deskyard.domain.ticket import Ticket
from deskyard.mail import charsets, mime_parts
from deskyard.mail.auto_reply import LeftOutReason, why_automatic
from deskyard.mail.message_identity import fingerprint
from deskyard.mail.mime_parser import mend_head
from deskyard.mail.sender import Sender, find_sender, parse_addresses
from deskyard.mail.sent_time import newest_received, read_sent_time
from deskyard.text.quoted_replies import read_sections, strip_quoted
from deskyard.text.storable import storable

MAX_TEXT_LENGTH: Final = 500_000
"""Characters of a message's text that are kept."""

UNREADABLE: Final = "(unreadable message)"
_MAX_REFERENCES: Final = 50
_MAX_FILE_NAMES: Final = 20
_MAX_ID_LENGTH: Final = 200
_MAX_HOPS: Final = 50

_ID: Final = re.compile(r"<([^<>\s]{1,2000})>")
_HEAD_END: Final = re.compile(rb"(?:\A|\n)\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMessage:
    """One message of a mailbox.

    `ticket.id` is its Message-ID without the angle brackets, or a hash of its bytes if it has none (or one longer than
    200 characters); `fingerprint` tells apart messages that have one Message-ID (`deskyard.mail.message_identity`).
    `references` are the ids of the messages it replies to, in the same form, the nearest first. `automatic_reason` says
    why the message was not written by a person for us; None if it was. `received_at` is the mail server's time,
    `ticket.created_at` the sender's, unless that is missing or more than 7 days from it. `sender` is who sent it, and
    `ticket.requester` the person it comes from.
    """

    ticket: Ticket
    uid: int
    received_at: datetime
    references: tuple[str, ...] = ()
    automatic_reason: LeftOutReason | None = None
    fingerprint: str = ""
    sender: str = ""

    @property
    def own_text(self) -> str:
        """What its author wrote, without quoted replies and the signature: the text of a comment."""
        return strip_quoted(self.ticket.body)


def parse_message(
    raw: bytes,
    *,
    uid: int,
    received_at: datetime | None,
    source: str = "mail",
    own_addresses: Collection[str] = (),
    mailing_lists: Collection[str] = (),
    machines: Collection[str] = (),
    size: int | None = None,
) -> MailMessage:
    """The message that these bytes hold.

    `received_at` is the mail server's time; None: the newest of the Received headers, else now. `own_addresses` are
    ours; `mailing_lists` (List-Id) are those through which people write to us; `machines` are those whose mail is
    wanted. `size` is that of the whole message in bytes, if `raw` is only its beginning.

    >>> raw = b"From: Ann <Ann@example.org>\\nMessage-ID: <1@x>\\nSubject: VPN\\n\\nIt is down.\\n"
    >>> mail = parse_message(raw, uid=1, received_at=datetime(2026, 1, 31, tzinfo=UTC))
    >>> mail.ticket.id, mail.ticket.requester, mail.ticket.subject, mail.ticket.body
    ('1@x', 'ann@example.org', 'VPN', 'It is down.')
    """
    cut, content_id = size is not None and size > len(raw), _content_id(raw)
    length, raw = size or len(raw), mend_head(raw)
    headers = _parse_headers(raw)
    try:
        parts = mime_parts.read_parts(raw)
        subject = charsets.decode_header(headers.get("subject", ""), parts.charset)
        body, files, kind, written = "\n\n".join(parts.texts), parts.files, parts.kind, parts.written
        unread, cut = parts.unread, cut or not parts.complete
    except Exception:  # `email` raises many kinds of errors on broken messages, which must not stop the mailbox
        subject, files, kind = charsets.decode_header(headers.get("subject", "")) or UNREADABLE, [], ""
        body = written = charsets.decode_text(_header_bytes(raw)).replace("\r\n", "\n")
        unread = ()
    if not body and not unread and files:
        unread = (f"[this mail has no text, only files: {', '.join(files[:_MAX_FILE_NAMES])}]",)
    if cut or len(body) > MAX_TEXT_LENGTH:
        unread = (*unread, f"[cut: the message has {length:,} bytes]")
    sender = find_sender(headers, own_addresses, mailing_lists)
    received_at = received_at or newest_received(_received_headers(raw)) or datetime.now(UTC)
    sent = read_sent_time(headers.get("date", ""), received_at)
    ticket = Ticket(
        id=_parse_message_id(headers.get("message-id", "")) or content_id,
        source=source,
        subject=storable(subject),
        body=storable(_add_notes(body[:MAX_TEXT_LENGTH], unread, subject, is_reply="in-reply-to" in headers)),
        channel="mail",
        requester=storable(sender.person),
        created_at=sent.moment,
        fields={name: storable(text) for name, text in _custom_fields(headers, files, sender, sent.note).items()},
    )
    return MailMessage(
        ticket=ticket,
        uid=uid,
        received_at=received_at,
        references=_parse_references(headers),
        automatic_reason=why_automatic(
            headers,
            sender,
            kind,
            subject=subject,
            text=body,
            own_addresses=own_addresses,
            mailing_lists=mailing_lists,
            machines=machines,
        ),
        fingerprint=fingerprint(sender.person, headers.get("date", ""), written),
        sender=storable(sender.address),
    )


def _add_notes(body: str, notes: Sequence[str], subject: str, *, is_reply: bool) -> str:
    """The text with notes about what was not read, above the signature and the quotation that pages fold."""
    if not notes:
        return body
    sections = read_sections(body, subject, is_reply=is_reply)
    shown = len(sections)
    while shown and sections[shown - 1].is_folded:
        shown -= 1
    above, below = ("\n".join(one.text for one in some).strip("\n") for some in (sections[:shown], sections[shown:]))
    return "\n\n".join(one for one in (above, *notes, below) if one)


def _header_bytes(raw: bytes) -> bytes:
    end = _HEAD_END.search(raw)
    return raw[: end.start() if end else len(raw)][:MAX_TEXT_LENGTH]


def _parse_headers(raw: bytes) -> dict[str, str]:
    """The first header of each name, unfolded, by name in lower case; bytes beyond ASCII become surrogate escapes."""
    found: dict[str, str] = {}
    for line in re.split(rb"\r?\n(?![ \t])", _header_bytes(raw)):
        name, colon, value = line.decode("ascii", "surrogateescape").partition(":")
        if colon and name.strip().lower() not in found:
            found[name.strip().lower()] = re.sub(r"\r?\n[ \t]", " ", value[: charsets.MAX_HEADER_LENGTH]).strip()
    return found


def _received_headers(raw: bytes) -> list[str]:
    """The values of the Received headers, the newest first."""
    found = []
    for line in re.split(rb"\r?\n(?![ \t])", _header_bytes(raw)):
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() == b"received":
            found.append(value[-charsets.MAX_HEADER_LENGTH :].decode("ascii", "replace"))
    return found[:_MAX_HOPS]


def _parse_message_id(text: str) -> str:
    found = _ID.search(text)
    return _shorten_name(found[1] if found else "".join(text.split()).strip("<>"))


def _shorten_name(name: str) -> str:
    raw = name.encode("utf-8", "surrogateescape")
    return name if name.isascii() and name.isprintable() and len(name) <= _MAX_ID_LENGTH else _content_id(raw)


def _content_id(raw: bytes) -> str:
    return "sha256-" + hashlib.sha256(raw).hexdigest()


def _parse_references(headers: Mapping[str, str]) -> tuple[str, ...]:
    nearest = _ID.findall(headers.get("in-reply-to", ""))
    rest = _ID.findall(headers.get("references", ""))[::-1]
    return tuple(dict.fromkeys(_shorten_name(name) for name in (*nearest, *rest)[:_MAX_REFERENCES]))


def _custom_fields(headers: Mapping[str, str], files: list[str], sender: Sender, date_note: str) -> dict[str, str]:
    found = {name: ", ".join(parse_addresses(headers.get(name, ""))[:_MAX_FILE_NAMES]) for name in ("to", "cc")}
    found["attachments"] = ", ".join(files[:_MAX_FILE_NAMES])
    found["from"] = sender.address if sender.is_named_by_reply_to else ""
    found["date"] = charsets.decode_header(date_note)
    return {name: text for name, text in found.items() if text}
