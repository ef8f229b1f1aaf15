"""Recognises attributions: the lines above quoted replies, as "On ... Ann <ann@example.org> wrote:".

Those of mail programs in seven languages and more are known, also when they are wrapped over lines. A sentence that
only looks like one is none: an address or a moment is needed. Everything is linear in the length of the text.
"""

import re
from collections.abc import Sequence
from typing import Final

MAX_LINE_LENGTH: Final = 400
"""Characters of a line, or of an attribution wrapped over lines, that is recognised."""

MAX_ATTRIBUTION_LINES: Final = 4

_VERB: Final = re.compile(
    r"(?<!\w)(?:wrote|writes|said|schrieb|schreibt|geschrieben|escribió|escribio|escribe|escreveu|escreve|écrit|ecrit"
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
DATE: Final = re.compile(
    r"(?<!\d)(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}"
    rf"|\d{{1,2}}\.?\s{{1,3}}(?:de\s+|of\s+)?{_MONTH}|{_MONTH}\w{{0,8}}\.?\s{{1,3}}\d{{1,2}}(?!\d))",
    re.I,
)
_CLOCK: Final = re.compile(r"(?<!\d)\d{1,2}\s?[:.hч]\s?\d{2}(?!\d)|(?<!\d)\d{1,2}\s?(?:am|pm|uhr)\b", re.I)
ADDRESS: Final = re.compile(r"[^\s<>()\[\]\"',;:@]{1,64}@[^\s<>()\[\]\"',;:@]{1,255}")
_IN_BRACKETS: Final = r"[<(\[]\s{0,3}(?:mailto:)?[^\s<>()\[\]@]{1,64}@[^\s<>()\[\]@]{1,255}\s{0,3}[>)\]]"
_BRACKETED_ADDRESS: Final = re.compile(_IN_BRACKETS, re.I)
_ADDRESS_AT_END: Final = re.compile(
    rf"(?:{_IN_BRACKETS}[>)\]]{{0,3}}|\b(?:by|von|от|від|de|par|por)\s{ADDRESS.pattern})\s{{0,3}}:$", re.I
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
    if not any(pattern.search(first) for pattern in (DATE, _CLOCK, _OPEN_BRACKET, _BRACKETED_ADDRESS)):
        return False
    rest = " ".join(line.strip() for line in others)
    if _VERB.match(rest) and _BRACKETED_ADDRESS.search(first):
        return True
    return not (DATE.search(rest) and _is_attribution(rest, is_quoted=False))


def _is_attribution(line: str, *, is_quoted: bool) -> bool:
    """Whether this is an attribution; `is_quoted`: a line with `>` follows, so less is needed."""
    line = line.rstrip(_AFTER_ATTRIBUTION)
    if not line.endswith(":"):
        is_introduced = _OPENER.search(line) or _BRACKETED_ADDRESS.search(line)
        return bool(is_introduced and _VERB_AT_END.search(line) and DATE.search(line) and _CLOCK.search(line))
    if "@" not in line and not any(character.isdigit() for character in line):
        return False
    has_verb = _VERB.search(line) is not None
    has_date, has_clock = DATE.search(line) is not None, _CLOCK.search(DATE.sub(" ", line)) is not None
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
