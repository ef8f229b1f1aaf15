"""Recognises the lines by which mail programs introduce quoted and forwarded messages, in seven languages and more.

A forward marker names a forwarded message, an original marker either a forwarded or a quoted one. Together with
attributions (`deskyard.text.attributions`) and repeated headers (`deskyard.text.repeated_headers`) they say where a
quotation begins. Everything is linear in the length of the text.

mail-parser-reply, email-reply-parser and talon were tried on 47 forms of forwards and 29 of replies: they keep the
content of a third of the forwards and cut less than half of the replies (`docs/decisions.md`).
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

from deskyard.text.attributions import MAX_ATTRIBUTION_LINES, MAX_LINE_LENGTH, attribution_length
from deskyard.text.repeated_headers import (
    DECORATION,
    MAX_HEADER_LINES,
    generic_block_length,
    header_block_length,
    skip_inline_headers,
)

ORIGINAL_MARKER: Final = "-----Original Message-----"
SEPARATOR: Final = "_" * 32
"""What Outlook writes above a message that is quoted or forwarded as plain text."""

MAX_MARKER_LENGTH: Final = 300

MarkerKind = Literal["forward", "end", "original"]
SubjectKind = Literal["forward", "reply", "new"]

_INVISIBLE: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\xad]+")

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
    line = line.strip(DECORATION)
    return next((kind for kind, pattern in _MARKERS.items() if pattern.match(line)), None)


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
        start = skip_inline_headers(text, marker.end())
    return "\n".join([*parts, text[start:]])


def is_generic_header_block(lines: Sequence[str], start: int) -> bool:
    """Whether the next line with text begins lines `Name: value` with an address, or a mail's repeated headers."""
    start = skip_empty(lines, start)
    return generic_block_length(lines, start) >= 2 or header_block_length(lines, start) > 0


def separator_length(lines: Sequence[str], start: int) -> int:
    """How many lines a rule takes with the header block beneath it; 0 where there is none.

    A rule is a line of underscores or dashes, or words between dashes, as markers in other languages are.

    >>> separator_length(["_" * 32, "Fra: Ann <ann@example.org>", "Emne: VPN", "", "It is down"], 0)
    3
    """
    line = lines[start]
    if len(line) > MAX_MARKER_LENGTH or not _SEPARATOR_LINE.match(line.strip(DECORATION)):
        return 0
    headers = skip_empty(lines, start + 1)
    found = header_block_length(lines, headers)
    if not found and not _RULE.match(line.strip(DECORATION)):
        found = generic_block_length(lines, headers)
    return headers + found - start if found else 0


def skip_empty(lines: Sequence[str], start: int) -> int:
    """The place of the next line with text, if at most two empty ones are before it."""
    end = start
    while end < min(start + 2, len(lines)) and not lines[end].strip(DECORATION):
        end += 1
    return end


def is_quotation_start(lines: Sequence[str], start: int) -> bool:
    """Whether an attribution, a marker or a header block begins at the next line with text from `start` on."""
    start = skip_empty(lines, start)
    if start >= len(lines):
        return False
    unquoted = [line.lstrip("> ") for line in lines[start : start + MAX_HEADER_LINES]]
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
