"""Recognises the headers of a mail that mail programs repeat above a quoted or forwarded message.

A block of lines `From: ...`, `Sent: ...` counts only if it holds the headers that a mail has and a form has not. Names
are known in seven languages and more. Everything is linear in the length of the text.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from deskyard.text.attributions import ADDRESS, DATE, MAX_LINE_LENGTH, attribution_length

MAX_HEADER_LINES: Final = 40
DECORATION: Final = "> \t\xa0*"
"""What may stand around the text of a line."""

_HEADERS: Final[dict[str, str]] = {
    name: kind
    for kind, names in {
        "from": "from|von|de|от|від|от кого|від кого|отправитель|відправник|absender|remitente|remetente|expéditeur|da"
        "|van|od",
        "sent": "sent|gesendet|gesendet am|enviado|enviado el|enviado em|enviada em|enviada|envoyé|envoyé le|отправлено"
        "|отправленные|дата отправки|надіслано|відправлено|inviato|verzonden|wysłano",
        "date": "date|datum|fecha|data|дата|date et heure|dátum",
        "to": "to|an|pour|para|à|a|кому|до|получатель|одержувач|empfänger|destinatario|destinatário|destinataire|aan"
        "|do",
        "subject": "subject|betreff|asunto|assunto|objet|sujet|тема|oggetto|onderwerp|temat",
        "other": "cc|bcc|kopie|copia|cópia|cópia oculta|copie|copie à|копия|копія|прихована копія|скрытая копия"
        "|reply-to|reply to|antwort an|antworten an|responder a|responder para|répondre à|ответить|отвечать|відповісти"
        "|importance|priority|wichtigkeit|priorität|importancia|importância|важность|приоритет|важливість|attachments"
        "|anhänge|anlagen|adjuntos|datos adjuntos|anexos|pièces jointes|вложения|вкладення|organization|organisation"
        "|sender|list-id|received|references",
    }.items()
    for name in names.split("|")
}
_HEADER_LINE: Final = re.compile(r"[>\s*_|]{0,10}([^\W\d_][\w' -]{0,20}?)[*_]{0,2}\s{0,3}:[*_]{0,2}(?:\s+|$|(?=\S))")
_TECHNICAL: Final = re.compile(
    r"(?:arc|authentication|auto|content|delivered|dkim|in-reply|list|message|mime|received|resent|return|thread|user|x)"
    r"-[a-z-]{1,30}\Z",
    re.I,
)
"""Names of headers that programs write for programs: `User-Agent`, `In-Reply-To`."""

_HEADER_WITHOUT_COLON: Final = re.compile(r"[>\s*_|]{0,10}([^\W\d_]\w{0,15})\s+(?=\S)")
_GENERIC_HEADER: Final = re.compile(r"[>\s*_|]{0,10}[^\W\d_][\w.' ()-]{0,24}?[*_]{0,2}\s{0,3}:[*_]{0,2}\s+\S")
_ADDRESS_KINDS: Final = ("from", "to", "other")
_INLINE_HEADER: Final = re.compile(rf"\W{{0,3}}(?<!\w)({'|'.join(sorted(_HEADERS, key=len, reverse=True))})\s?:", re.I)
_NAMED_ADDRESS: Final = rf"\s?(?:[^@<>\n]{{0,60}}<\s?{ADDRESS.pattern}>|{ADDRESS.pattern})"
_LEADING_ADDRESSES: Final = re.compile(rf"{_NAMED_ADDRESS}(?:[,;]{_NAMED_ADDRESS}){{0,20}}")
_MAX_INLINE_VALUE: Final = 200
_ADDRESS_IN_BRACKETS: Final = re.compile(rf"[\s>]{{0,10}}<{ADDRESS.pattern}>[;,]?\s*\Z")
_ADDRESSES_ONLY: Final = re.compile(r"[\s>]*[^@]{0,100}@\S{1,200}[>;,]*\s*$")


def skip_inline_headers(text: str, start: int) -> int:
    """Where the text goes on after the repeated headers that begin at `start` in the middle of a line."""
    kinds: list[str] = []
    end = start
    while found := (_INLINE_HEADER.search if kinds else _INLINE_HEADER.match)(text, end, end + _MAX_INLINE_VALUE):
        kind = _HEADERS[found[1].lower()]
        if kind in kinds:
            break
        kinds.append(kind)
        end = found.end()
    addresses = _LEADING_ADDRESSES.match(text, end, end + MAX_LINE_LENGTH) if kinds else None
    if addresses is not None and kinds[-1] in _ADDRESS_KINDS:
        end = addresses.end()
    return end if "from" in kinds and len(kinds) >= (2 if _has_address(text[start:end]) else 3) else start


def header_block_length(lines: Sequence[str], start: int, *, is_marked: bool = False) -> int:
    """How many lines the repeated headers of a mail take that begin at line `start`; 0 where there are none.

    They must be those of a mail: who sent it, when, and to whom or about what, with an address, or with the three names
    that Outlook uses ("From", "Sent", "Subject"). An attribution below "To" and "Subject" may say who and when. Below a
    marker (`is_marked`) less is needed.

    >>> header_block_length(["From: Ann <ann@example.org>", "Sent: Monday", "To: Support", "Subject: VPN", ""], 0)
    4
    >>> header_block_length(["From: Hamburg", "To: Munich", "Date: 5 March"], 0)
    0
    """
    if is_marked:
        begin = _skip_sender(lines, start)
        block = _read_headers(lines, begin, _header_kind)
        if block.is_mail_below_marker:
            return block.end - start
        block = _read_headers(lines, start, _header_kind_without_colon)
        return block.end - start if block.is_mail else generic_block_length(lines, start)
    if start >= len(lines) or _header_kind(lines[start]) in (None, "other"):
        return 0
    block = _read_headers(lines, start, _header_kind)
    return block.end - start if block.is_mail else 0


@dataclass(slots=True)
class _HeaderBlock:
    """Repeated headers: the line below them, their kinds in order, whether one has an address, and whether an
    attribution ends them."""

    end: int
    kinds: list[str] = field(default_factory=list)
    has_address: bool = False
    is_attributed: bool = False

    @property
    def is_mail(self) -> bool:
        found = set(self.kinds)
        if self.is_attributed:
            return {"to", "subject"} <= found
        if "from" not in found or not found & {"sent", "date"} or not found & {"to", "subject"}:
            return False
        return self.has_address or {"sent", "subject"} <= found

    @property
    def is_mail_below_marker(self) -> bool:
        is_from = self.is_attributed or ("from" in self.kinds and self.has_address)
        return is_from or (len(self.kinds) > 1 and "subject" in self.kinds)


def _read_headers(lines: Sequence[str], start: int, find_kind: Callable[[str], str | None]) -> _HeaderBlock:
    """The headers that begin at line `start`: one of each kind, in lines that follow each other or all spaced."""
    block, is_spaced, value = _HeaderBlock(start), True, ""
    for number in range(start, min(start + MAX_HEADER_LINES, len(lines))):
        line, kinds = lines[number], block.kinds
        if not line.strip(DECORATION):
            following = find_kind(lines[number + 1]) if kinds and is_spaced and number + 1 < len(lines) else None
            if following is None or following in kinds:
                break
            continue
        kind = find_kind(line)
        if kind is not None and (kind == "other" or kind not in kinds):
            is_spaced = is_spaced and (not kinds or number > block.end)
            kinds.append(kind)
        elif kind is not None or not kinds:
            break
        elif "from" not in kinds and (length := attribution_length(lines, number)):
            return _HeaderBlock(number + length, kinds, is_attributed=True)
        elif number != block.end or not _is_folded(value, line, has_addresses=kinds[-1] in _ADDRESS_KINDS):
            break
        value, block.end = line, number + 1
        block.has_address = block.has_address or (kinds[-1] in _ADDRESS_KINDS and _has_address(line))
    return block


def _skip_sender(lines: Sequence[str], start: int) -> int:
    """The line below one or two that say who wrote and when above the headers, as old Notes does; else `start`."""
    for end in range(start + 1, min(start + 3, len(lines))):
        if _header_kind(lines[end - 1]) or not lines[end - 1].strip():
            break
        if _header_kind(lines[end]) and DATE.search(" ".join(lines[start:end])[:MAX_LINE_LENGTH]):
            return end
    return start


def _has_address(line: str) -> bool:
    return "@" in line and ADDRESS.search(line[:2_000]) is not None


def _header_kind(line: str) -> str | None:
    found = _HEADER_LINE.match(line[:MAX_LINE_LENGTH]) if ":" in line else None
    if not found:
        return None
    name = found[1].strip().lower()
    return _HEADERS.get(name) or ("other" if _TECHNICAL.match(name) else None)


def _header_kind_without_colon(line: str) -> str | None:
    found = _HEADER_WITHOUT_COLON.match(line[:MAX_LINE_LENGTH])
    return _HEADERS.get(found[1].lower()) if found else None


def _is_folded(value: str, line: str, *, has_addresses: bool) -> bool:
    """Whether a line continues the header line `value`, which may hold addresses (`has_addresses`)."""
    value = value.rstrip()
    return (
        (has_addresses and (value.endswith((",", ";", "<")) or _ADDRESS_IN_BRACKETS.match(line) is not None))
        or (line[:1] in " \t" and bool(line.strip()))
        or (len(line) <= MAX_LINE_LENGTH and _ADDRESSES_ONLY.match(line) is not None and "@" in value)
    )


def generic_block_length(lines: Sequence[str], start: int) -> int:
    """The lines `Name: value` with an address before an empty line, in whatever language."""
    end = start
    while end < min(start + 12, len(lines)) and _GENERIC_HEADER.match(lines[end][:MAX_LINE_LENGTH]):
        end += 1
    has_address = any(map(_has_address, lines[start:end]))
    is_ended = end < len(lines) and not lines[end].strip(DECORATION)
    return end - start if end - start >= 2 and has_address and is_ended else 0
