"""Recognises the lines by which mail programs introduce quoted and forwarded messages, in seven languages and more.

An attribution is the line above a quoted reply ("On ... Ann <ann@example.org> wrote:"), also when it is wrapped. A
forward marker names a forwarded message, an original marker either a forwarded or a quoted one, and a header block
repeats the headers of the message below it. A line that only looks like one of these is none: each needs an address, a
moment, or the headers that a mail has and a form has not. Everything is linear in the length of the text.

mail-parser-reply, email-reply-parser and talon were tried on 47 forms of forwards and 29 of replies: they keep the
content of a third of the forwards and cut less than half of the replies (`docs/decisions.md`).
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

ORIGINAL_MARKER: Final = "-----Original Message-----"
SEPARATOR: Final = "_" * 32
"""What Outlook writes above a message that is quoted or forwarded as plain text."""

MAX_LINE_LENGTH: Final = 400
"""Characters of a line, or of an attribution wrapped over lines, that is recognised."""

MAX_MARKER_LENGTH: Final = 300
MAX_ATTRIBUTION_LINES: Final = 4
_MAX_HEADER_LINES: Final = 40

MarkerKind = Literal["forward", "end", "original"]
SubjectKind = Literal["forward", "reply", "new"]

_INVISIBLE: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\xad]+")

_VERB: Final = re.compile(
    r"(?<!\w)(?:wrote|writes|schrieb|schreibt|geschrieben|escribió|escribio|escribe|escreveu|escreve|écrit|ecrit"
    r"|пишет|(?:на)?писал(?:а|и|\(-?а\))?|пише|(?:на)?писав(?:\(-?ла\))?"
    r"|ha scritto|scrisse|schreef|napisał\(?a?\)?|napsala?|napsal\(a\)|skrev|kirjoitti|yazdı)(?!\w)",
    re.I,
)
_VERB_AT_END: Final = re.compile(rf"{_VERB.pattern}\Z", re.I)
_LAST_WORDS: Final = (
    ":", "wrote", "writes", "schrieb", "escribió", "escreveu", "écrit", "пишет", "писал", "писала", "пише", "ал(а)",
    "ав(ла)",
)  # fmt: skip
_AFTER_ATTRIBUTION: Final = "*_- \t\xa0\u202f"
_LEFT_OVER: Final = (":", "---", "----")
"""What may be left of a wrapped attribution for a line of its own."""

_OPENER: Final = re.compile(
    r"^\W{0,6}(?:on|am|at|el|em|no dia|le|il|op|den|dne|dnia|w dniu|quoting|zitat von|citando|cit)\b", re.I
)
_QUOTING: Final = re.compile(r"\W{0,3}(?:quoting|zitat von|citando a?|citation de|цитирование)\s.*@.*:\s*$", re.I)
_MONTH: Final = (
    r"(?:jan|jän|feb|mar|mär|apr|abr|avr|may|mai|jun|juin|jul|juil|aug|ago|ao[uû]|sep|set|oct|okt|out|nov|dec|dez|dic|ene"
    r"|fev|fév|янв|фев|мар|апр|мая|май|июн|июл|авг|сен|окт|ноя|дек|січ|лют|бер|кві|тра|чер|лип|сер|вер|жов|лис|гру)"
)
_DATE: Final = re.compile(
    r"(?<!\d)(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}"
    rf"|\d{{1,2}}\.?\s{{1,3}}(?:de\s+|of\s+)?{_MONTH}|{_MONTH}\w{{0,8}}\.?\s{{1,3}}\d{{1,2}}(?!\d))",
    re.I,
)
_CLOCK: Final = re.compile(r"(?<!\d)\d{1,2}\s?[:.hч]\s?\d{2}(?!\d)|(?<!\d)\d{1,2}\s?(?:am|pm|uhr)\b", re.I)
_ADDRESS: Final = re.compile(r"[^\s<>()\[\]\"',;:@]{1,64}@[^\s<>()\[\]\"',;:@]{1,255}")
_IN_BRACKETS: Final = r"[<(\[]\s{0,3}(?:mailto:)?[^\s<>()\[\]@]{1,64}@[^\s<>()\[\]@]{1,255}\s{0,3}[>)\]]"
_BRACKETED_ADDRESS: Final = re.compile(_IN_BRACKETS, re.I)
_ADDRESS_AT_END: Final = re.compile(
    rf"(?:{_IN_BRACKETS}[>)\]]{{0,3}}|\b(?:by|von|от|від|de|par|por)\s{_ADDRESS.pattern})\s{{0,3}}:$", re.I
)
_OPEN_BRACKET: Final = re.compile(r"[<(\[][^<>()\[\]]{0,100}$")


def attribution_length(lines: Sequence[str], start: int) -> int:
    """How many lines the attribution takes that begins at line `start`; 0 where there is none.

    >>> attribution_length(["On 1 Feb 2026, Ann Lee <", "ann@example.org> wrote:", "> Hello"], 0)
    2
    >>> attribution_length(["Клиент Иванов пишет:", "Не открывается 1С"], 0)
    0
    """
    first = lines[start].strip()
    if not first or first.startswith(">"):
        return 0
    joined = ""
    for count in range(1, min(MAX_ATTRIBUTION_LINES, len(lines) - start) + 1):
        line = lines[start + count - 1].strip()
        if not line or (count > 1 and line.startswith(">")) or len(joined) + len(line) > MAX_LINE_LENGTH:
            return 0
        joined = f"{joined} {line}" if joined else line
        if not may_end_attribution(line):
            continue
        if count > 1 and not _continues(first, lines[start + 1 : start + count]):
            return 0
        if _is_attribution(joined, is_quoted=_next_line(lines, start + count).startswith(">")):
            following = lines[start + count].strip() if start + count < len(lines) else ""
            return count + (following in _LEFT_OVER)
        if line.endswith(":"):
            return 0
    return 0


def may_end_attribution(line: str) -> bool:
    """Whether an attribution can end with this line: a quick check."""
    return line[-20:].lower().rstrip(_AFTER_ATTRIBUTION).endswith(_LAST_WORDS)


def _continues(first: str, others: Sequence[str]) -> bool:
    """Whether an attribution may begin with the line `first` and end with the last of the `others`."""
    if not any(pattern.search(first) for pattern in (_DATE, _CLOCK, _OPEN_BRACKET, _BRACKETED_ADDRESS)):
        return False
    rest = " ".join(line.strip() for line in others)
    if _VERB.match(rest) and _BRACKETED_ADDRESS.search(first):
        return True
    return not (_DATE.search(rest) and _is_attribution(rest, is_quoted=False))


def _is_attribution(line: str, *, is_quoted: bool) -> bool:
    """Whether this is an attribution; `is_quoted`: a line with `>` follows, so less is needed."""
    line = line.rstrip(_AFTER_ATTRIBUTION)
    if not line.endswith(":"):
        is_introduced = _OPENER.search(line) or _BRACKETED_ADDRESS.search(line)
        return bool(is_introduced and _VERB_AT_END.search(line) and _DATE.search(line) and _CLOCK.search(line))
    if "@" not in line and not any(character.isdigit() for character in line):
        return False
    has_verb = _VERB.search(line) is not None
    has_date, has_clock = _DATE.search(line) is not None, _CLOCK.search(_DATE.sub(" ", line)) is not None
    if has_verb:
        if (has_date and has_clock) or _BRACKETED_ADDRESS.search(line):
            return True
        return is_quoted and (has_date or has_clock or "@" in line or _OPENER.search(line) is not None)
    if has_date and has_clock and _ADDRESS_AT_END.search(line):
        return True
    if _QUOTING.match(line):
        return True
    return is_quoted and _BRACKETED_ADDRESS.search(line) is not None


def _next_line(lines: Sequence[str], start: int) -> str:
    """The next line with text, if at most two empty ones are before it."""
    return next((found for line in lines[start : start + 3] if (found := line.strip())), "")


_FORWARDED: Final = (
    r"(?:forwarded|fwd|weitergeleitete[nrs]?|reenviad[oa]|rebotad[oa]|encaminhad[oa]|reencaminhad[oa]"
    r"|transf[eé]r[eé]e?|r[eé]exp[eé]di[eé]e?|transmis|inoltrato|doorgestuurd|przekazan\w{1,4}"
    r"|пересыла\w{1,8}|пересланн\w{1,4}|перенаправл\w{1,8}|переадресованн\w{1,4}"
    r"|переслан\w{1,4}|пересила\w{1,8}|переадресован\w{1,4}|перенаправлен\w{1,4})"
)
_ORIGINAL: Final = (
    r"(?:original|ursprüngliche[nr]?|originale?|d['’]origine|initial|исходн\w{2}|исходное|оригинальн\w{2}"
    r"|первоначальн\w{2}|вихідне|оригінальне|початкове|первинне)"
)
_MESSAGE: Final = (
    r"(?:message|e-?mail|mail|nachricht|mensaje|correo|mensagem|messaggio|bericht|courriel"
    r"|сообщени[ея]|письм[оа]|повідомлення|листа?)"
)
_DASHES: Final = r"[-–—=*_~#]{2,}+"
_MARKED: Final = rf"(?:{_FORWARDED}[ -]{_MESSAGE}|{_MESSAGE} {_FORWARDED})"
_MARKED_ORIGINAL: Final = rf"(?:{_ORIGINAL}[ -]?{_MESSAGE}|{_MESSAGE} {_ORIGINAL})"
_BEGIN: Final = (
    r"(?:begin|start(?: of)?|anfang(?: der)?|beginn(?: der)?|inicio(?: del)?|início(?: da)?|début(?: du)?|inizio|начало"
    r"|початок)"
)
_END: Final = r"(?:end(?: of)?|ende(?: der)?|fin(?: del| du)?|fim(?: da)?|fine|конец|кінець|завершение|завершення)"
_FORWARD_MARKER: Final = re.compile(
    rf"(?:{_DASHES}\s*(?:{_BEGIN}\s+)?{_MARKED}"
    rf"(?:\s*:?\s*(?:{_DASHES})?| (?:from|von|de|от|від)\s.{{1,200}}?\s*{_DASHES})"
    rf"|(?:{_BEGIN}\s+)?{_MARKED}\s*(?::|{_DASHES})"
    rf"|{_BEGIN}\s+(?:{_MESSAGE}|повідомлення|листа),? що пересилається\s*:?"
    rf"|{_DASHES}\s*{_FORWARDED}(?:\s*:| by| von| por| par| пользователем| користувачем)\s.{{1,200}}?\s*{_DASHES})\s*$",
    re.I,
)
_SCISSORS: Final = "={3,}+8<={3,}+"
_FORWARD_END: Final = re.compile(
    rf"(?:(?:{_DASHES}\s*)?{_END}\s+{_MARKED}\s*:?\s*(?:{_DASHES})?|{_SCISSORS}\s*{_END}\s.{{1,60}}?={{3,}})\s*$", re.I
)
_ORIGINAL_LINE: Final = re.compile(
    rf"(?:{_DASHES}\s*{_MARKED_ORIGINAL}\s*:?\s*(?:{_DASHES})?|{_MARKED_ORIGINAL}\s*{_DASHES}"
    rf"|{_SCISSORS}.{{1,60}}?={{3,}})\s*$",
    re.I,
)
_MARKERS: Final[dict[MarkerKind, re.Pattern[str]]] = {
    "forward": _FORWARD_MARKER,
    "end": _FORWARD_END,
    "original": _ORIGINAL_LINE,
}
_DECORATED: Final = re.compile(r":|[-–—=*_~#]{2}")
_INLINE_MARKER: Final = re.compile(rf"(?<![-–—_])[-–—_]{{4,}}+\s?(?:{_MARKED}|{_MARKED_ORIGINAL})\s?[-–—_]{{3,}}", re.I)
_RULE: Final = re.compile(r"-{10,}$")
_SEPARATOR_LINE: Final = re.compile(
    rf"_{{20,}}$|{_RULE.pattern}|[-_]{{4,}}+\s*[^\W\d_][^-_]{{1,60}}[-_]{{4,}}$"
    rf"|(?:[^\W\d_]\w*\s){{0,3}}{_MARKED}[.:]?$",
    re.I,
)
_DECORATION: Final = "> \t\xa0*"


def find_marker(line: str) -> MarkerKind | None:
    """What a line that stands between messages says: a forwarded one follows ("forward") or ends ("end"), or an earlier
    one follows, which may be quoted or forwarded ("original"). None for any other line.

    >>> find_marker("---------- Forwarded message ---------"), find_marker("> Начало пересылаемого сообщения:")
    ('forward', 'forward')
    >>> find_marker("-------- Конец пересылаемого сообщения --------"), find_marker("-----Original Message-----")
    ('end', 'original')
    >>> find_marker("I forwarded the original message")
    """
    if len(line) > MAX_MARKER_LENGTH or not _DECORATED.search(line):
        return None
    line = line.strip(_DECORATION)
    return next((kind for kind, pattern in _MARKERS.items() if pattern.match(line)), None)


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
_NAMED_ADDRESS: Final = rf"\s?(?:[^@<>\n]{{0,60}}<\s?{_ADDRESS.pattern}>|{_ADDRESS.pattern})"
_LEADING_ADDRESSES: Final = re.compile(rf"{_NAMED_ADDRESS}(?:[,;]{_NAMED_ADDRESS}){{0,20}}")
_MAX_INLINE_VALUE: Final = 200
_ADDRESSES_ONLY: Final = re.compile(r"[\s>]*[^@]{0,100}@\S{1,200}[>;,]*\s*$")


def remove_inline_markers(text: str) -> str:
    """The text with markers of forwarded messages inside lines replaced by line breaks, as flattened mails have them.

    The names of repeated headers go, too, and the values up to the last address.

    >>> remove_inline_markers("please take this ---------- Forwarded message --------- My VPN is down")
    'please take this \\n My VPN is down'
    >>> remove_inline_markers("FYI ---- Forwarded message ---- From: Ann <a@b.org> To: Bea <b@b.org> No VPN")
    'FYI \\n No VPN'
    """
    if "--" not in text and "__" not in text:
        return text
    parts, start = [], 0
    while marker := _INLINE_MARKER.search(text, start):
        parts.append(text[start : marker.start()])
        start = _skip_inline_headers(text, marker.end())
    return "\n".join([*parts, text[start:]])


def _skip_inline_headers(text: str, start: int) -> int:
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
    that Outlook uses ("From", "Sent", "Subject"). An attribution below the others may say who and when. Below a marker
    (`is_marked`) less is needed.

    >>> header_block_length(["From: Ann <ann@example.org>", "Sent: Monday", "To: Support", "Subject: VPN", ""], 0)
    4
    >>> header_block_length(["From: Hamburg", "To: Munich", "Date: 5 March"], 0)
    0
    """
    begin = _skip_sender(lines, start) if is_marked else start
    first, find_kind = _header_kind(lines[begin]) if begin < len(lines) else None, _header_kind
    if is_marked and first is None and begin < len(lines) and _has_address(lines[begin]):
        find_kind = _header_kind_without_colon
        first = find_kind(lines[begin])
    if not is_marked and first in (None, "other"):
        return 0
    kinds: set[str] = set()
    has_address, is_spaced, end, last_kind, value = False, True, begin, "", ""
    for number in range(begin, min(begin + _MAX_HEADER_LINES, len(lines))):
        line = lines[number]
        if not line.strip(_DECORATION):
            following = find_kind(lines[number + 1]) if is_spaced and number + 1 < len(lines) else None
            if following is None or following in kinds:
                break
            continue
        kind = find_kind(line)
        if kind is None:
            if kinds and "from" not in kinds and (length := attribution_length(lines, number)):
                return number + length - start
            if not kinds or number != end or not _is_folded(value, line, has_addresses=last_kind in _ADDRESS_KINDS):
                break
        elif kind in kinds and kind != "other":
            break
        else:
            is_spaced = is_spaced and (not kinds or number > end)
            kinds.add(kind)
            last_kind = kind
        value, end = line, number + 1
        has_address = has_address or (last_kind in _ADDRESS_KINDS and _has_address(line))
    if is_marked:
        least = 1 if find_kind is _header_kind else 3
        is_mail = len(kinds) >= least and (("from" in kinds and has_address) or (len(kinds) > 1 and "subject" in kinds))
        return end - start if is_mail else _generic_block_length(lines, start)
    is_mail = "from" in kinds and bool(kinds & {"sent", "date"}) and bool(kinds & {"to", "subject"})
    return end - start if is_mail and (has_address or {"sent", "subject"} <= kinds) else 0


def _skip_sender(lines: Sequence[str], start: int) -> int:
    """The line below one or two that say who wrote and when above the headers, as old Notes does; else `start`."""
    for end in range(start + 1, min(start + 3, len(lines))):
        if _header_kind(lines[end - 1]) or not lines[end - 1].strip():
            break
        if _header_kind(lines[end]) and _DATE.search(" ".join(lines[start:end])[:MAX_LINE_LENGTH]):
            return end
    return start


def _has_address(line: str) -> bool:
    return "@" in line and _ADDRESS.search(line[:2_000]) is not None


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
        (has_addresses and value.endswith((",", ";", "<")))
        or (line[:1] in " \t" and bool(line.strip()))
        or (len(line) <= MAX_LINE_LENGTH and _ADDRESSES_ONLY.match(line) is not None and "@" in value)
    )


def _generic_block_length(lines: Sequence[str], start: int) -> int:
    """The lines `Name: value` with an address before an empty line, in whatever language."""
    end = start
    while end < min(start + 12, len(lines)) and _GENERIC_HEADER.match(lines[end][:MAX_LINE_LENGTH]):
        end += 1
    has_address = any(map(_has_address, lines[start:end]))
    is_ended = end < len(lines) and not lines[end].strip(_DECORATION)
    return end - start if end - start >= 2 and has_address and is_ended else 0


def is_generic_header_block(lines: Sequence[str], start: int) -> bool:
    """Whether the next line with text begins lines `Name: value` with an address, or a mail's repeated headers."""
    start = skip_empty(lines, start)
    return _generic_block_length(lines, start) >= 2 or header_block_length(lines, start) > 0


def separator_length(lines: Sequence[str], start: int) -> int:
    """How many lines a rule takes with the header block beneath it; 0 where there is none.

    A rule is a line of underscores or dashes, or words between dashes, as markers in other languages are.

    >>> separator_length(["_" * 32, "Fra: Ann <ann@example.org>", "Emne: VPN", "", "It is down"], 0)
    3
    """
    line = lines[start]
    if len(line) > MAX_MARKER_LENGTH or not _SEPARATOR_LINE.match(line.strip(_DECORATION)):
        return 0
    headers = skip_empty(lines, start + 1)
    found = header_block_length(lines, headers)
    if not found and not _RULE.match(line.strip(_DECORATION)):
        found = _generic_block_length(lines, headers)
    return headers + found - start if found else 0


def skip_empty(lines: Sequence[str], start: int) -> int:
    """The place of the next line with text, if at most two empty ones are before it."""
    end = start
    while end < min(start + 2, len(lines)) and not lines[end].strip(_DECORATION):
        end += 1
    return end


def is_quotation_start(lines: Sequence[str], start: int) -> bool:
    """Whether an attribution, a marker or a header block begins at the next line with text from `start` on."""
    start = skip_empty(lines, start)
    if start >= len(lines):
        return False
    unquoted = [line.lstrip("> ") for line in lines[start : start + _MAX_HEADER_LINES]]
    line = unquoted[0]
    return (
        find_marker(line) in ("forward", "original")
        or attribution_length(unquoted, 0) > 0
        or separator_length(unquoted, 0) > 0
        or header_block_length(unquoted, 0) > 0
    )


def is_introduced_quote(lines: Sequence[str], place: int) -> bool:
    """Whether a line of text introduces the quotation that begins at line `place`: there, or just above it."""
    if is_quotation_start(lines, place):
        return True
    last = place
    while last > max(place - 3, 0) and not lines[last - 1].strip():
        last -= 1
    above = [*lines[max(last - MAX_ATTRIBUTION_LINES, 0) : last], *lines[place : place + 3]]
    count = last - max(last - MAX_ATTRIBUTION_LINES, 0)
    if any(attribution_length(above, number) == count - number for number in range(count)):
        return True
    return last > 0 and find_marker(lines[last - 1]) in ("forward", "original")


_PREFIX: Final = re.compile(
    r"\s*(?P<tags>(?:\[[^\[\]]{1,40}\]\s*|[*(]?ext(?:ern\w{0,3})?\b[*):]{1,2}\s*){0,3})\[?(?:"
    r"(?P<forward>fwd?|wg|rv|renv|enc|encam|tr|пересл|пересылка|пер|перенапр|переадр|переслано)"
    r"|(?P<reply>re|aw|antw|antwort|res|resp|rép|rif|sv|odp|ha|отв|ответ|відп|відповідь))"
    r"(?:\s?[\[(]\d{1,3}[\])])?\s{0,2}[:：]\s*",
    re.I,
)
_MAX_PREFIXES: Final = 10


def subject_kind(subject: str) -> SubjectKind:
    """What the first prefix of a subject says of the message.

    >>> subject_kind("Fwd: Re: VPN"), subject_kind("AW: VPN"), subject_kind("VPN")
    ('forward', 'reply', 'new')
    """
    found = _PREFIX.match(subject[:MAX_LINE_LENGTH])
    if found is None:
        return "new"
    return "forward" if found["forward"] else "reply"


def strip_subject_prefixes(subject: str) -> str:
    """A subject without the prefixes of replies and forwards; the whole subject if nothing would be left.

    >>> strip_subject_prefixes("Fwd: Re[2]: VPN is down"), strip_subject_prefixes("Re:")
    ('VPN is down', 'Re:')
    >>> strip_subject_prefixes("[Desk 7] Re: VPN is down")
    '[Desk 7] VPN is down'
    """
    start, tags = 0, ""
    for _ in range(_MAX_PREFIXES):
        found = _PREFIX.match(subject, start)
        if found is None:
            break
        start = found.end()
        tags += found["tags"]
    return tags + subject[start:] if subject[start:].strip() else subject


def make_visible(line: str) -> str:
    """A line without invisible characters, which some programs put into their attributions."""
    return line if line.isascii() else _INVISIBLE.sub("", line)
