"""Reads the texts and the file names out of the parts of a MIME message, however broken, in bounded time.

Plain text is preferred, HTML is converted to text, and files are named but not read. Text that is wrapped is unwrapped:
attached mails, S/MIME signatures, winmail.dat, calendar invitations, multiparts without their boundary. What was not
read is told in sentences.
"""

import re
from dataclasses import dataclass
from email.message import Message
from typing import Final

from deskyard.mail import charsets
from deskyard.mail.calendar_invitation import tell_invitation
from deskyard.mail.flowed_text import unwrap_flowed
from deskyard.mail.mime_parser import (
    find_undeclared_boundary,
    guess_boundary,
    parse_mime,
    part_bytes,
    part_charset,
    restore_bytes,
    restore_text,
)
from deskyard.mail.read_budget import ReadBudget
from deskyard.mail.rich_text import rtf_to_text
from deskyard.mail.smime import unwrap_smime
from deskyard.mail.tnef import read_tnef
from deskyard.text.html_text import html_to_text

_MAX_HTML_TEXT_LENGTH: Final = 500_000
"""Characters of the text of HTML that are made."""

MAX_UNWRAPPED_BYTES: Final = 25_000_000
_MIN_UNPACKED_BYTES: Final = 50_000
_MAX_UNPACKED_RATIO: Final = 25
"""How many times as long as its bytes a compressed part may be; the texts of mails are hardly ten times as long."""

_MAX_NAME_LENGTH: Final = 120
_MAX_SHOWN_HEADER: Final = 300
_MAX_REPORT_LENGTH: Final = 5_000
_MAX_COMPARED_LENGTH: Final = 200_000
_MAX_NOTES: Final = 20

_MAX_STUB_LENGTH: Final = 1_000
_STUB_RATIO: Final = 4
_SAME_TEXT_RATIO: Final = 1.5
_STUB_WORDS: Final = 20
"""A plain text is a stub if it is shorter than the length, and the HTML has more than so many times its words."""

FORWARD_MARKER: Final = "---------- Forwarded message ---------"
"""The line above the text of an attached mail."""

ENCRYPTED: Final = "[not read: this mail is encrypted; ask its sender to send it without encryption]"
PARTIAL: Final = "[not read: this is one part of a longer mail; the other parts are mails of their own]"
EXTERNAL: Final = "[not read: a part of this mail is kept at another place, which is not opened]"
UNREAD_FILE: Final = "[not read: {name}; ask the sender for the text itself]"
_EXCEEDED: Final = {
    "parts": "[not read: this mail has too many parts; the rest of them is in the mailbox]",
    "nesting": "[not read: this mail has mails within mails too deep; they are in the mailbox]",
    "bytes": "[not read: this mail is too large when it is unpacked; the rest is in the mailbox]",
    "time": "[not read: reading this mail took too long; the rest is in the mailbox]",
}
"""What the ticket says when a limit of the budget was reached."""

_TEXT_KINDS: Final = frozenset(
    {"text/plain", "text/html", "text/markdown", "text/enriched", "text/richtext", "text/rtf"}
)
_MARKED_UP_KINDS: Final = frozenset({"text/html", "text/enriched", "text/richtext"})
_SMIME_KINDS: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_TNEF_KINDS: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_UNKNOWN_KINDS: Final = frozenset({"application/octet-stream", "application/x-octet-stream", "application/binary"})
_FILE_KINDS: Final = frozenset({"application", "audio", "font", "image", "model", "video"})
_VAGUE_KINDS: Final = _UNKNOWN_KINDS | {"application/text", "application/plain", "application/json", "application/xml"}
_REPORT_KINDS: Final = frozenset(
    {"message/delivery-status", "message/disposition-notification", "message/feedback-report",
     "message/global-delivery-status"}
)  # fmt: skip

_PGP_ENCRYPTED, _PGP_ENCRYPTED_END = "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"
_PGP_SIGNED, _PGP_SIGNATURE = "-----BEGIN PGP SIGNED MESSAGE-----", "-----BEGIN PGP SIGNATURE-----"
_MULTIPART_STUB: Final = re.compile(r"multi-?part message|mime|^\s*$", re.I)
_STUB_LINE: Final = re.compile(rb"(?i)\A\s{0,200}[^\r\n]{0,60}multi-?part message[^\r\n]{0,60}")
_HTML_BEGINNING: Final = re.compile(rb"\s{0,200}<(?:!doctype|html|body|div|p|table)\b", re.I)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_WORD: Final = re.compile(r"[^\W_]+")
_LINK: Final = re.compile(r"\b(?:https?|mailto|cid|tel):\S+", re.I)
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")


@dataclass(frozen=True, slots=True)
class MessageParts:
    """The contents of a message. `kind` is its content type, `charset` the one that its first text declares.

    `written` is what its text parts hold, as they were sent, or the beginning of its files if it has no text: by it two
    messages are compared. `unread`: sentences about what was not read. `complete`: all of the message was read.
    """

    texts: list[str]
    files: list[str]
    kind: str
    charset: str
    complete: bool
    written: str = ""
    unread: tuple[str, ...] = ()


def read_parts(raw: bytes, budget: ReadBudget | None = None) -> MessageParts:
    """The parts of a message. Raises ValueError for one nested too deeply, and whatever `email` raises on broken ones.

    >>> read_parts(b"Content-Type: text/html\\n\\n<p>Printer is <b>on fire</b></p>").texts
    ['Printer is on fire']
    """
    message, complete = parse_mime(raw)
    reader = _PartReader(ReadBudget() if budget is None else budget)
    texts, files = reader.read_message(message)
    charset = next((part_charset(part) for part in message.walk() if part.get_content_maintype() == "text"), "")
    unread = (*reader.unread, *(_EXCEEDED[name] for name in reader.budget.exceeded if name in _EXCEEDED))
    complete = complete and "text" not in reader.budget.exceeded
    written = "\n".join(reader.plain or reader.html or reader.payloads)
    return MessageParts(texts, files, message.get_content_type(), charset, complete, written, unread)


class _PartReader:
    """Reads the parts of one message within one budget."""

    def __init__(self, budget: ReadBudget) -> None:
        self.budget = budget
        self.unread: list[str] = []
        self.plain: list[str] = []
        self.html: list[str] = []
        self.payloads: list[str] = []
        self.text_files: list[Message] = []
        self.words = 0

    def read_message(self, message: Message, depth: int = 0) -> tuple[list[str], list[str]]:
        """The texts and the names of the files of a message.

        If it has no other text, texts that are sent as files are read, and what stands before and after the parts.
        """
        before = len(self.text_files)
        texts, files = self.read(message, depth)
        if not texts and message.is_multipart():
            around = (message.preamble or "", message.epilogue or "")
            texts = [text for one in around if (text := self._keep(_without_stub(restore_text(one))))]
        while not texts and len(self.text_files) > before:
            part = self.text_files.pop(before)
            texts = [text for text in [self._read_text(part)] if text]
        del self.text_files[before:]
        return texts, files

    def read(self, part: Message, depth: int, *, with_text: bool = True) -> tuple[list[str], list[str]]:
        """The texts of a part, and the names of the files in it. Without `with_text` only what is not text is read."""
        if not self.budget.take_part(depth):
            return [], []
        kind, main = part.get_content_type(), part.get_content_maintype()
        if kind == "multipart/encrypted":
            self._note(ENCRYPTED)
            return [], []
        if part.is_multipart():
            children = [child for child in part.get_payload() if isinstance(child, Message)]
            if main == "message":
                return self._read_attached(part, children, depth, with_text)
            if kind == "multipart/alternative":
                return self._read_alternatives(children, depth, with_text)
            read = [self.read(child, depth + 1, with_text=with_text) for child in children]
            return [text for texts, _ in read for text in texts], [name for _, names in read for name in names]
        if main == "multipart":
            return self._read_unbounded(part, depth, with_text)
        return self._read_leaf(part, kind, depth, with_text)

    def _read_leaf(self, part: Message, kind: str, depth: int, with_text: bool) -> tuple[list[str], list[str]]:
        name = charsets.decode_header(str(part.get_filename() or ""))[:_MAX_NAME_LENGTH]
        end = name.lower().rpartition(".")[2]
        if kind in _SMIME_KINDS or (end == "p7m" and kind in _UNKNOWN_KINDS):
            return self._read_smime(part, name, depth, with_text)
        if kind in _TNEF_KINDS or (kind in _UNKNOWN_KINDS and name.lower() in ("winmail.dat", "win.dat")):
            return self._read_tnef(part_bytes(part), name or "winmail.dat", depth, with_text)
        if kind == "text/calendar" or end == "ics":
            return self._read_calendar(part, with_text), [name] if name else []
        if end == "eml":
            found = self._read_nested(part_bytes(part), depth, with_text)
            return (found[0], [name, *found[1]]) if found[0] else ([], [name])
        if kind == "application/pgp-encrypted":
            self._note(ENCRYPTED)
        # A text with a name is a file, unless it comes first, or turns out to be all that the message says.
        if kind not in _TEXT_KINDS or part.get_content_disposition() == "attachment" or (name and self.words):
            return self._name_file(part, kind, name)
        if kind == "text/plain" and (boundary := find_undeclared_boundary(part_bytes(part))):
            return self._read_bounded(part_bytes(part), "mixed", boundary, depth, with_text)
        text = self._read_text(part) if with_text else ""
        return [text] if text else [], [name] if name else []

    def _name_file(self, part: Message, kind: str, name: str) -> tuple[list[str], list[str]]:
        if part.get_content_maintype() == "text" or (not name and _may_be_text(part)):
            self.text_files.append(part)
        payload = part.get_payload()
        self.payloads.append(payload[:_MAX_COMPARED_LENGTH] if isinstance(payload, str) else "")
        return [], [name or f"({kind[:_MAX_NAME_LENGTH]})"]

    def _read_text(self, part: Message) -> str:
        """The text of a part whose content is text."""
        kind = part.get_content_type()
        if kind in ("text/rtf", "text/richtext") and part_bytes(part)[:5] == b"{\\rtf":
            return self._keep(rtf_to_text(part_bytes(part), max(0, self.budget.characters)))
        text = charsets.decode_text(part_bytes(part), part_charset(part)).replace("\r\n", "\n")
        if kind in _MARKED_UP_KINDS:
            self.html.append(_TAG.sub(" ", text[:_MAX_COMPARED_LENGTH]))
            text = html_to_text(text, self._html_limit)
        else:
            self.plain.append(text[:_MAX_COMPARED_LENGTH])
            text = self._without_pgp(text)
            is_flowed = str(part.get_param("format", "")).lower() == "flowed"
            if is_flowed and len(text) <= self.budget.characters:
                text = unwrap_flowed(text, joins_words=str(part.get_param("delsp", "")).lower() == "yes")
        return self._keep(text)

    @property
    def _html_limit(self) -> int:
        return max(1, min(_MAX_HTML_TEXT_LENGTH, self.budget.characters))

    def _keep(self, text: str) -> str:
        kept = self.budget.cut_text(text.strip())
        self.words += len(kept.split())
        return kept

    def _without_pgp(self, text: str) -> str:
        """The text without the armour of OpenPGP; a block that is encrypted is named."""
        if _PGP_ENCRYPTED in text:
            before, _, rest = text.partition(_PGP_ENCRYPTED)
            self._note(ENCRYPTED)
            text = before + rest.partition(_PGP_ENCRYPTED_END)[2]
        if _PGP_SIGNED in text:
            before, _, rest = text.partition(_PGP_SIGNED)
            _, _, rest = rest.partition("\n\n")
            text = before + rest.partition(_PGP_SIGNATURE)[0]
        return text

    def _read_alternatives(self, children: list[Message], depth: int, with_text: bool) -> tuple[list[str], list[str]]:
        """Each alternative is the whole message; plain text is closest to what a person typed, unless it is a stub."""
        order = sorted(children, key=lambda child: child.get_content_type() != "text/plain")
        texts, files = list[str](), list[str]()
        for child in order:
            if child.get_content_type() != "text/calendar":
                wanted = with_text and (not texts or _may_be_stub("\n".join(texts)))
                found, names = self.read(child, depth + 1, with_text=wanted)
                files += names
                if found and (not texts or _is_stub("\n".join(texts), "\n".join(found))):
                    texts = found
                elif found and _is_another("\n".join(texts), "\n".join(found)):
                    texts = [*texts, *found]
        calendars = [child for child in order if child.get_content_type() == "text/calendar"]
        for child in calendars:
            told, names = self.read(child, depth + 1, with_text=with_text)
            # The description of an invitation is the plain text again.
            texts, files = [*texts, *(told[:1] if texts else told)], [*files, *names]
        return texts, files

    def _read_attached(
        self, part: Message, children: list[Message], depth: int, with_text: bool
    ) -> tuple[list[str], list[str]]:
        """A mail within the mail, as part of the matter; of the report of a mail server, its fields."""
        kind = part.get_content_type()
        if kind in _REPORT_KINDS:
            fields = "\n".join(f"{name}: {value}" for child in children for name, value in child.items())
            return [text for text in [self._keep(fields[:_MAX_REPORT_LENGTH])] if text and with_text], []
        encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
        if encoding in ("base64", "quoted-printable") and children:
            payload = children[0].get_payload()
            if not children[0].keys() and isinstance(payload, str):
                wrapped = f"Content-Transfer-Encoding: {encoding}\n\n".encode() + restore_bytes(payload)
                return self._read_nested(part_bytes(parse_mime(wrapped)[0]), depth, with_text)
        if kind == "message/partial":
            self._note(PARTIAL)
        if kind == "message/external-body":
            self._note(EXTERNAL)
            return [], []
        texts, files = list[str](), list[str]()
        for child in children:
            found, names = self._read_mail_within(child, depth, with_text)
            texts, files = [*texts, *found], [*files, *names]
        return texts, files or ([] if texts else ["(message/rfc822)"])

    def _read_mail_within(self, mail: Message, depth: int, with_text: bool) -> tuple[list[str], list[str]]:
        texts, files = self.read_message(mail, depth + 1)
        if not with_text:
            return [], files
        sender, subject = self._header(mail, "from"), self._header(mail, "subject")
        if not (texts or subject):
            return [], files
        # As mail programs write a forward, so that it is told apart from a signature or a quotation above it. Its
        # subject is a line of its own, because the header lines of a forward count for nothing.
        head = f"{FORWARD_MARKER}\nFrom: {sender}" if sender else FORWARD_MARKER
        return [self.budget.cut_text(f"{head}\n\n{subject}".rstrip()), *texts], files

    def _header(self, mail: Message, name: str) -> str:
        return charsets.decode_header(restore_text(str(mail.get(name, ""))), "")[:_MAX_SHOWN_HEADER]

    def _read_nested(self, raw: bytes, depth: int, with_text: bool) -> tuple[list[str], list[str]]:
        """A mail whose bytes were within a part."""
        if not raw.strip() or not self.budget.take_bytes(len(raw)):
            return [], []
        return self._read_mail_within(parse_mime(raw)[0], depth, with_text)

    def _read_unbounded(self, part: Message, depth: int, with_text: bool) -> tuple[list[str], list[str]]:
        """A multipart without its boundary (or with a wrong one): the boundary is guessed, else all of it is text."""
        raw = part_bytes(part)
        boundary = guess_boundary(raw)
        if not self.budget.take_bytes(len(raw)):
            return [], []
        if boundary:
            return self._read_bounded(raw, part.get_content_subtype(), boundary, depth, with_text)
        html = b"html" if _HTML_BEGINNING.match(raw) else b"plain"
        declared = re.escape(str(part.get_boundary() or "")).encode("utf-8", "replace")
        text = re.sub(rb"(?m)^--" + declared + rb"(?:--)?[ \t]*\r?$", b"", _STUB_LINE.sub(b"", raw, count=1))
        found = parse_mime(b"Content-Type: text/" + html + b"\n\n" + text)[0]
        return self.read(found, depth + 1, with_text=with_text)

    def _read_bounded(
        self, raw: bytes, kind: str, boundary: bytes, depth: int, with_text: bool
    ) -> tuple[list[str], list[str]]:
        head = f"Content-Type: multipart/{kind}".encode("ascii", "replace") + b'; boundary="' + boundary + b'"\n\n'
        return self.read(parse_mime(head + raw)[0], depth + 1, with_text=with_text)

    def _read_smime(self, part: Message, name: str, depth: int, with_text: bool) -> tuple[list[str], list[str]]:
        raw = part_bytes(part)
        limit = min(MAX_UNWRAPPED_BYTES, max(_MIN_UNPACKED_BYTES, _MAX_UNPACKED_RATIO * len(raw)))
        found = unwrap_smime(raw, limit)
        if len(found.content) == limit:
            self._note(_EXCEEDED["bytes"])
        is_named_so = found.kind == "unreadable" and "enveloped" in str(part.get("content-type", "")).lower()
        if found.kind == "encrypted" or is_named_so:
            self._note(ENCRYPTED)
        elif found.kind == "unreadable":
            self._note(UNREAD_FILE.format(name=name or "smime.p7m"))
        elif self.budget.take_bytes(len(found.content)):
            return self.read(parse_mime(found.content)[0], depth + 1, with_text=with_text)
        return [], [name] if name else []

    def _read_tnef(
        self, raw: bytes, name: str, depth: int, with_text: bool, *, is_attached: bool = False
    ) -> tuple[list[str], list[str]]:
        try:
            found = read_tnef(raw, max(0, self.budget.characters))
        except ValueError:
            self._note(UNREAD_FILE.format(name=name))
            return [], [name]
        text = found.text if found.text.strip() else html_to_text(found.html, self._html_limit)
        self.plain.append(text[:_MAX_COMPARED_LENGTH])
        # A text that is hardly longer than what was read before is the same one.
        is_new = is_attached or not self.words or len(text.split()) > _SAME_TEXT_RATIO * self.words
        texts = [kept for kept in [self._keep(text)] if kept] if with_text and is_new else []
        files = [one[:_MAX_NAME_LENGTH] for one in found.files]
        for inner in found.attached:
            if self.budget.take_part(depth + 1):
                more, names = self._read_tnef(inner, name, depth + 1, with_text, is_attached=True)
                texts, files = [*texts, *more], [*files, *names]
        if not texts and not files and not self.words:
            self._note(UNREAD_FILE.format(name=name))
            return [], [name]
        return texts, files

    def _read_calendar(self, part: Message, with_text: bool) -> list[str]:
        if not with_text:
            return []
        told, description = tell_invitation(charsets.decode_text(part_bytes(part), part_charset(part) or "utf-8"))
        return [text for one in (told, description) if (text := self._keep(one))]

    def _note(self, sentence: str) -> None:
        if sentence not in self.unread and len(self.unread) < _MAX_NOTES:
            self.unread.append(sentence)


def _without_stub(text: str) -> str:
    """What stands around the parts, without the sentence that mail programs put there."""
    return "" if _MULTIPART_STUB.search(text) else text


def _may_be_text(part: Message) -> bool:
    """Whether a part is text by its content, and by a type that is none or says nothing."""
    if part.get_content_maintype() in _FILE_KINDS and part.get_content_type() not in _VAGUE_KINDS:
        return False
    beginning = part_bytes(part)[:_MAX_REPORT_LENGTH]
    return bool(beginning.strip()) and _CONTROL.search(beginning) is None


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_LINK.sub(" ", text).lower()))


def _is_another(plain: str, rich: str) -> bool:
    """Whether a short plain text is no version of the other one, but says that there is one, in whatever language."""
    words = _words(plain)
    return _may_be_stub(plain) and len(words & _words(rich)) < len(words) / 2


def _may_be_stub(text: str) -> bool:
    return len(text) < _MAX_STUB_LENGTH


def _is_stub(plain: str, rich: str) -> bool:
    """Whether the plain text only says that there is a richer one, or is a small part of it."""
    if not _may_be_stub(plain):
        return False
    if not _words(plain):
        return True
    if "html" in plain.lower() and "html" not in rich.lower():
        return True
    return len(rich.split()) > _STUB_RATIO * len(plain.split()) + _STUB_WORDS
