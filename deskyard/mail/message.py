"""From the bytes of a mail to a ticket: who wrote it and when, what it says and answers, and whether a machine sent it.

In comes what any sender in the world may have sent; out comes a `MailMessage`, always: what can't be read is left out,
and the worst mail is "(unreadable message)" with its headers as its text. Nothing raises, and the work is bounded
however a mail is made.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

from deskyard.domain.ticket import Ticket
from deskyard.mail import charsets, mime_parts
from deskyard.mail.auto_reply import why_automatic
from deskyard.text.quoted_replies import strip_quoted

MAX_TEXT_LENGTH: Final = 500_000
"""Characters of a text that are kept."""

UNREADABLE: Final = "(unreadable message)"
_MAX_REFERENCES: Final = 50
_MAX_FILE_NAMES: Final = 20
_MAX_ID_LENGTH: Final = 200

_ID: Final = re.compile(r"<([^<>\s]{1,2000})>")
_ADDRESS: Final = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,255}")
_HEAD_END: Final = re.compile(rb"(?:\A|\n)\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMessage:
    """One message of a mailbox.

    `ticket.id` is its Message-ID without the angle brackets; where it has none (or one longer than 200 characters), a
    name made of its bytes. `answers` are the ids of the messages it answers, in the same form, the nearest first.
    `is_automatic` says why no person wrote this for us, None where one did. `received_at` is the mail server's word;
    `ticket.created_at` is the sender's, unless it lies in the future.
    """

    ticket: Ticket
    uid: int
    received_at: datetime
    references: tuple[str, ...] = ()
    automatic_reason: str | None = None

    @property
    def own_text(self) -> str:
        """What its author wrote, without what is quoted and the signature: the text of a comment."""
        return strip_quoted(self.ticket.body)


def parse_message(
    raw: bytes,
    *,
    uid: int,
    received_at: datetime,
    source: str = "mail",
    own_addresses: Collection[str] = (),
    mailing_lists: Collection[str] = (),
    size: int | None = None,
) -> MailMessage:
    """The mail that these bytes are.

    `ours` are our own addresses, `lists` the mailing lists (List-Id) through which our people write to us. `size` is
    that of the whole message, where `raw` is only its beginning.

    >>> raw = b"From: Ann <Ann@example.org>\\nMessage-ID: <1@x>\\nSubject: VPN\\n\\nIt is down.\\n"
    >>> mail = parse_message(raw, uid=1, received_at=datetime(2026, 1, 31, tzinfo=UTC))
    >>> mail.ticket.id, mail.ticket.requester, mail.ticket.subject, mail.ticket.body
    ('1@x', 'ann@example.org', 'VPN', 'It is down.')
    """
    cut = size is not None and size > len(raw)
    heads = _parse_headers(raw)
    try:
        parts = mime_parts.read_parts(raw)
        subject = charsets.decode_header(heads.get("subject", ""), parts.charset)
        body, files, kind = "\n\n".join(parts.texts), parts.files, parts.kind
        cut = cut or not parts.complete
    except Exception:  # `email` raises many kinds on broken messages; a mailbox is read on whatever lies in it
        subject, files, kind = charsets.decode_header(heads.get("subject", "")) or UNREADABLE, [], ""
        body = charsets.decode_text(_header_bytes(raw)).replace("\r\n", "\n")
    if cut or len(body) > MAX_TEXT_LENGTH:
        body = f"{body[:MAX_TEXT_LENGTH]}\n\n[cut: the message has {size or len(raw):,} bytes]"
    sender = next(iter(_parse_addresses(heads.get("from", ""))), "")
    ticket = Ticket(
        id=_parse_message_id(heads.get("message-id", "")) or _content_id(raw),
        source=source,
        subject=subject,
        body=body,
        channel="mail",
        requester=sender,
        created_at=_sent_at(heads.get("date", ""), received_at),
        fields=_custom_fields(heads, files),
    )
    why = why_automatic(heads, sender, kind, own_addresses=own_addresses, mailing_lists=mailing_lists)
    return MailMessage(
        ticket=ticket, uid=uid, received_at=received_at, references=_parse_references(heads), automatic_reason=why
    )


def _header_bytes(raw: bytes) -> bytes:
    end = _HEAD_END.search(raw)
    return raw[: end.start() if end else len(raw)][:MAX_TEXT_LENGTH]


def _parse_headers(raw: bytes) -> dict[str, str]:
    """The first of each header, unfolded, by name in small letters; bytes that are not ASCII are escaped."""
    found: dict[str, str] = {}
    for line in re.split(rb"\r?\n(?![ \t])", _header_bytes(raw)):
        name, colon, value = line.decode("ascii", "surrogateescape").partition(":")
        if colon and name.strip().lower() not in found:
            found[name.strip().lower()] = re.sub(r"\r?\n[ \t]", " ", value[: charsets.MAX_HEADER_LENGTH]).strip()
    return found


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


def _parse_addresses(text: str) -> list[str]:
    """The addresses of a header, in small letters."""
    try:
        found: Iterable[str] = [address for _, address in getaddresses([text])]
    except Exception:  # RecursionError among them
        found = []
    good = [address.lower() for address in found if _ADDRESS.fullmatch(address)]
    return [
        charsets.decode_text(address.encode("utf-8", "surrogateescape")) for address in good or _find_addresses(text)
    ]


def _find_addresses(text: str) -> list[str]:
    return [found[0].lower() for found in _ADDRESS.finditer(text)]


def _custom_fields(headers: Mapping[str, str], files: list[str]) -> dict[str, str]:
    found = {name: ", ".join(_parse_addresses(headers.get(name, ""))[:_MAX_FILE_NAMES]) for name in ("to", "cc")}
    found["attachments"] = ", ".join(files[:_MAX_FILE_NAMES])
    return {name: text for name, text in found.items() if text}


def _sent_at(text: str, received_at: datetime) -> datetime:
    """When it was written, as its sender says; when it was received where that is missing or can't be."""
    try:
        said = parsedate_to_datetime(text)
        moment = said if said.tzinfo else said.replace(tzinfo=UTC)
        possible = datetime(1990, 1, 1, tzinfo=UTC) < moment < received_at + timedelta(days=1)
    except (ValueError, TypeError, IndexError, OverflowError):
        return received_at
    return moment if possible else received_at
