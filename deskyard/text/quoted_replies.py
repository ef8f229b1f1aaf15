"""Tells what the author of a mail wrote from what is quoted, forwarded or a signature.

A first message and a reply are read differently. In a first message the content of a forward is the matter
(`extract_matter`); in a reply to one of our messages only the new text counts (`strip_quoted`). `read_sections` gives
both, for people, with nothing left out: the sections joined are the text.

It works line by line, so it is linear in the length of a mail and predictable. In doubt text is kept: a quotation is
cut only below an attribution, a marker or a header block (`deskyard.text.quote_markers`), and only where words of the
author's own are left. Lines that begin with `>` are quotes only below an attribution or a marker.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, takewhile
from typing import Final, Literal

from deskyard.text.attributions import MAX_ATTRIBUTION_LINES, attribution_length, may_end_attribution
from deskyard.text.quote_markers import (
    MAX_MARKER_LENGTH,
    find_marker,
    make_visible,
    remove_inline_markers,
    separator_length,
    skip_empty,
    subject_kind,
)
from deskyard.text.repeated_headers import header_block_length

SectionKind = Literal["own", "marker", "forwarded", "quoted", "signature"]

_OUTLOOK: Final = (
    r"(?:(?:get|télécharger|obtenir|obtener|descargar|obter o|baixar o|скачать|загрузить|получить|завантажити"
    r"|(?:sent|gesendet|enviado|envoyé) (?:from|von|desde|do|depuis|de)) outlook (?:for|für|para|pour|для)"
    r" (?:ios|android)|outlook für (?:ios|android) (?:beziehen|herunterladen))"
)
_SIGN_OFF: Final = re.compile(
    r"\s*(?:--|(?:with )?(?:best|kind|warm|many) (?:regards|wishes)|thanks and regards"
    r"|yours (?:sincerely|faithfully|truly)|sent (?:from (?:my|yahoo|outlook|mail|samsung)|with proton)"
    r"|с ув|с уважением|с наилучшими пожеланиями|отправлено (?:с|из)"
    r"|(?:mit )?(?:freundliche|viele|beste|liebe|schöne|herzliche)[nm]? gr(?:ü(?:ß|ss)e?n?|u(?:ß|ss))"
    r"|gesendet von mein\w*|von meinem \w+ gesendet|un (?:cordial )?saludo|atentamente|cordialmente"
    r"|enviado (?:desde|do) m[iue]\w?|atenciosamente|(?:bien )?cordialement"
    r"|sincères salutations|bien à vous|envoyé (?:de|depuis) mon|envoyé à partir d|з повагою"
    r"|з найкращими побажаннями|надіслано з)\b[\s,.!-]*(?P<name>(?:\S+(?:\s+|$)){0,4})$"
    r"|\s*(?:best|regards|sincerely|cheers|mfg|saludos|cumprimentos|abraços)"
    r"(?:\s*$|\s?[,.!-]\s*(?P<person>(?:\S+(?:\s+|$)){0,4})$|(?P<capitals>(?-i:(?:\s+[A-ZÀ-ÞА-ЯЁ]\S*){1,3})\s*$))"
    rf"|\s*--\s*$|\s*{_OUTLOOK}\b(?:\s?[<(\[]\S{{1,200}})?\s*$",
    re.I,
)
_PROGRAM_LINE: Final = re.compile(
    rf"\s*(?:sent from|отправлено|gesendet von|von meinem|envi[ao]do|envoyé|надіслано|{_OUTLOOK})\b", re.I
)
"""What a mail program writes below a message: it needs no words above it, if a quotation or a forward follows."""

_SIGNATURE_LINES: Final = 12
_MIN_OWN_WORDS: Final = 3
"""Words of the author needed above a sign-off ("Saludos, no puedo entrar" begins with one), and in a first message
above a quotation."""

_MIN_FORWARDED_WORDS: Final = 12
"""Words of a forwarded message needed above a quotation in it: with fewer, the quotation may be the matter."""

_MAX_HAND_OVER_WORDS: Final = 15
_HAND_OVER: Final = re.compile(
    r"see (?:the )?(?:below|mail|thread|conversation|request)|(?:please|pls) (?:see|find|handle|take) .{0,20}below"
    r"|fyi\b|for your information|forwarding|passing (?:this|it) on|can (?:you|somebody|someone) (?:take|handle|look)"
    r"|см\.? ?ниже|смотри(?:те)? ниже|(?:переписка|письмо) ниже|ниже (?:письмо|переписка)|к сведению|переадресую"
    r"|пересылаю|перенаправляю|siehe unten|s\. ?u\.|unten stehend|zur info|zur kenntnis|z\. ?k\.|leite .{0,30}weiter"
    r"|mit der bitte um|ver (?:más )?abajo|véase|ver (?:o )?(?:e-?mail )?abaixo|para (?:su|tu) información"
    r"|para (?:seu )?conhecimento|(?:reenvío|encaminho|reencaminho)\b|(?:voir|cf\.?) ci-dessous|pour info"
    r"|je (?:vous )?transf[eè]re|див\.? ?нижче|дивіться нижче|до відома|пересилаю|переадресовую",
    re.I,
)
"""A note that hands over what is quoted below it."""

_MAX_UNQUOTINGS: Final = 10
"""Forwards in forwards whose quotation marks are taken away."""

_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class TextSection:
    """Adjacent lines of a message that are of one kind.

    "own": the author's words; "marker": lines of a mail program that introduce a forward, with its repeated headers;
    "forwarded": what was forwarded; "quoted": a quoted earlier message with the line that introduces it; "signature".
    """

    kind: SectionKind
    text: str

    @property
    def is_folded(self) -> bool:
        """Whether pages fold it: what others wrote before, and signatures."""
        return self.kind in ("quoted", "signature")


def strip_quoted(text: str) -> str:
    """The new text of a reply: without quoted messages and the signature; the whole text if nothing would be left.

    >>> strip_quoted("The printer is on fire.\\n\\nOn 1 Feb 2026, Ann <ann@example.org> wrote:\\n> How is the printer?")
    'The printer is on fire.'
    >>> strip_quoted("Клиент Иванов пишет:\\nНе открывается 1С")
    'Клиент Иванов пишет:\\nНе открывается 1С'
    """
    return split_quoted(text)[0]


def split_quoted(text: str) -> tuple[str, str]:
    """The new text of a reply, and what was cut off: quoted messages, their attributions and the signature.

    >>> split_quoted("On 1 Feb 2026, Bea <bea@example.org> wrote:\\n> How is it?\\nThe printer is on fire.\\n-- \\nAnn")
    ('The printer is on fire.', 'On 1 Feb 2026, Bea <bea@example.org> wrote:\\n> How is it?\\n-- \\nAnn')
    """
    sections = read_sections(text, is_reply=True)
    own = "\n".join(section.text for section in sections if not section.is_folded).strip()
    rest = "\n".join(section.text for section in sections if section.is_folded)
    return (own, rest) if own else (text, "")


def extract_matter(text: str, subject: str = "") -> str:
    """The matter of a first message: the author's words and what was forwarded, without the forward's header lines.

    Quoted replies and signatures are left out; the whole text is returned if nothing else would be left. `subject`
    tells a forward from a reply where mail programs mark both alike ("-----Original Message-----"): those below a
    subject that begins with "Re:" are quoted, all others are forwarded.

    >>> extract_matter("Please help.\\n\\n------- Forwarded message ------\\nFrom: Ann <a@example.org>\\n\\nNo VPN!")
    'Please help.\\n\\n\\nNo VPN!'
    >>> extract_matter("My VPN is down.\\n\\nOn 1 Feb 2026, Bea <bea@example.org> wrote:\\n> How is it?")
    'My VPN is down.'
    """
    sections = [section for section in read_sections(text, subject) if section.kind in ("own", "forwarded")]
    matter = "\n".join(_unquote(one.text) if one.kind == "forwarded" else one.text for one in sections).strip()
    matter = remove_inline_markers(matter or text)
    return matter if matter.strip() else text


def _unquote(text: str) -> str:
    """A forwarded text without its quotation marks, if all lines have one."""
    lines = text.split("\n")
    if not all(line.startswith(">") for line in lines if line.strip()):
        return text
    return "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)


def read_sections(text: str, subject: str = "", *, is_reply: bool = False) -> list[TextSection]:
    """The sections of a message in order; joined by line breaks, their texts are `text`.

    `is_reply`: the message answers one of ours, else it is a first message with this subject.

    >>> [one.kind for one in read_sections("Hi.\\n--- Пересылаемое сообщение ---\\nОт: a@example.org\\n\\nVPN")]
    ['own', 'marker', 'forwarded']
    """
    kinds = _SectionReader(text, subject, is_reply=is_reply).read()
    numbered = groupby(zip(kinds, text.split("\n"), strict=True), key=lambda one: one[0])
    return [TextSection(kind, "\n".join(line for _, line in lines)) for kind, lines in numbered]


class _SectionReader:
    """Finds the kind of each line of a message."""

    def __init__(self, text: str, subject: str, *, is_reply: bool) -> None:
        self.lines = [make_visible(line) for line in text.split("\n")]
        self.kinds: list[SectionKind] = []
        self.is_reply = is_reply
        self.subject_kind = "reply" if is_reply else subject_kind(subject)
        self.content: Literal["own", "forwarded"] = "own"
        self.section_start = 0
        self.words = 0
        """Words of the author, or of the forwarded message, so far."""
        self.earlier_words = 0
        """Those above the section."""
        self.has_quotes = False
        """Whether lines that begin with `>` are quotes."""
        self.own_note = ""
        """The author's words, as long as they are few enough to be a note that hands a message over."""
        self.unquotings = 0
        self.may_end_attribution = [*map(may_end_attribution, self.lines)]
        self.all_lines = tuple(self.lines)

    @cached_property
    def words_below(self) -> list[int]:
        """For each line, the words from there on that stand in lines without quotation marks."""
        return _count_unquoted_words_below(self.all_lines)

    def read(self) -> list[SectionKind]:
        lines = self.lines
        while (number := len(self.kinds)) < len(lines):
            line = lines[number]
            if not line.strip():
                self.kinds.append(self.content)
            elif self.has_quotes and line.lstrip().startswith(">"):
                self.kinds.append("quoted")
            elif not self._read_marker(number):
                self.kinds.append(self.content)
                self.words += len(_WORD.findall(line))
                if self.content == "own" and self.words <= _MAX_HAND_OVER_WORDS:
                    self.own_note += f" {line}"
        self._end_section()
        return self.kinds

    def _read_marker(self, number: int) -> bool:
        """Read the marker that begins at this line, if one does."""
        lines, line = self.lines, self.lines[number]
        marker = find_marker(line)
        if marker == "forward":
            self._begin_forward(number, number + 1)
        elif marker == "end":
            self._end_section()
            self.kinds.append("marker")
            self.content, self.section_start = "own", number + 1
        elif marker == "original" or separator_length(lines, number):
            self._read_original(number, number + 1)
        elif ":" in line and header_block_length(lines, number):
            self._read_original(number, number)
        elif line.startswith(">") and any(self.may_end_attribution[number : number + MAX_ATTRIBUTION_LINES]):
            return self._read_quoted_attribution(number)
        elif any(self.may_end_attribution[number : number + MAX_ATTRIBUTION_LINES]):
            length = attribution_length(lines, number)
            return bool(length) and self._read_attribution(number, number + length)
        else:
            return False
        return True

    def _read_original(self, number: int, headers: int) -> None:
        """Read a marker that stands above quoted and forwarded messages alike."""
        end = self._skip_headers(headers)
        if self._is_quoted_reply(end):
            self._begin_quote(number, end)
        else:
            self._begin_forward(number, headers)

    def _is_quoted_reply(self, end: int) -> bool:
        if self.content == "forwarded" or self.subject_kind != "reply":
            return False
        if self.is_reply:
            return self.words > 0 or self._has_words_below_quotes(end)
        return self._has_own_words() or self._has_words_below_quotes(end)

    def _has_own_words(self) -> bool:
        """Whether a first message has enough words of its author's for what is below to be a mere quotation."""
        if self.words < _MIN_OWN_WORDS:
            return False
        if self.words > _MAX_HAND_OVER_WORDS:
            return True
        return _HAND_OVER.search(self.own_note) is None

    def _read_attribution(self, number: int, end: int) -> bool:
        following = skip_empty(self.lines, end)
        is_marked = following < len(self.lines) and self.lines[following].startswith(">")
        if self.content == "forwarded":
            if self.words < _MIN_FORWARDED_WORDS:
                if is_marked:
                    self._begin_forward(number, end)
                return is_marked
        elif self.is_reply:
            if not self.words and not (is_marked and self._has_words_below_quotes(end)):
                return False
        elif self.subject_kind == "forward" or not self._has_own_words():
            if is_marked and self._has_words_below_quotes(end):
                self._begin_quote(number, end)
                return True
            if is_marked or self.words:
                self._begin_forward(number, end)
                return True
            return False
        self._begin_quote(number, end)
        return True

    def _read_quoted_attribution(self, number: int) -> bool:
        """Read an attribution that stands in the quotation itself, as Apple's programs write it."""
        following = self.lines[number : number + MAX_ATTRIBUTION_LINES + 3]
        quoted = [line.lstrip("> ") for line in takewhile(lambda line: line.startswith(">"), following)]
        length = attribution_length(quoted, 0)
        return bool(length) and self._read_attribution(number, number + length)

    def _has_words_below_quotes(self, start: int) -> bool:
        """Whether, below a quotation whose lines are marked, enough words stand that may be the author's."""
        lines = self.lines
        first = skip_empty(lines, start)
        if first >= len(lines) or not lines[first].startswith(">"):
            return False
        return self.words_below[first] >= _MIN_OWN_WORDS

    def _begin_quote(self, number: int, end: int) -> None:
        """Lines from `number` to `end` introduce a quotation: the marked lines below, or all that follows."""
        self._end_section()
        lines = self.lines
        self.kinds += ["quoted"] * (end - number)
        first = skip_empty(lines, end)
        if first < len(lines) and lines[first].startswith(">"):
            self.kinds += ["quoted"] * (first - end)
            self.has_quotes = True
            self.section_start = first
            return
        self.kinds += ["quoted"] * (len(lines) - end)
        self.section_start = len(lines)

    def _begin_forward(self, number: int, headers: int) -> None:
        """Line `number` introduces a forward whose repeated headers, if any, begin at line `headers`."""
        self._end_section(is_above_forward=True)
        self._unquote(headers)
        end = self._skip_headers(headers)
        self.kinds += ["marker"] * (end - number)
        self.content, self.section_start, self.words, self.has_quotes = "forwarded", end, 0, False
        self.earlier_words = 0

    def _unquote(self, start: int) -> None:
        """Take away the quotation marks of a forward that has one in each line."""
        lines = self.lines
        number = skip_empty(lines, start)
        if number >= len(lines) or not lines[number].startswith(">") or self.unquotings >= _MAX_UNQUOTINGS:
            return
        self.unquotings += 1
        while number < len(lines) and (lines[number].startswith(">") or not lines[number].strip()):
            lines[number] = lines[number].removeprefix(">").removeprefix(" ")
            number += 1

    def _skip_headers(self, start: int) -> int:
        """The end of the repeated headers, or of the attribution, that begin at line `start` or just below it."""
        lines = self.lines
        first = skip_empty(lines, start)
        if first >= len(lines):
            return start
        quoted = lines[first].startswith(">")
        view = [line.removeprefix(">").removeprefix(" ") for line in lines[first : first + 50]] if quoted else lines
        place = 0 if quoted else first
        length = header_block_length(view, place, is_marked=True) or attribution_length(view, place)
        return first + length if length else start

    def _end_section(self, *, is_above_forward: bool = False) -> None:
        """Mark the signature at the end of the section of words that ends here.

        Above a forward fewer words are needed, or none where the line is nothing but a sign-off: the matter is below.
        """
        start, end = self.section_start, len(self.kinds)
        while end > start and not self.lines[end - 1].strip():
            end -= 1
        words = self.earlier_words
        for number in range(start, end):
            if self.kinds[number] not in ("own", "forwarded"):
                continue
            line = self.lines[number]
            is_last = number == end - 1 and end < len(self.lines)
            sign_off = _match_sign_off(line) if is_last or end - number <= _SIGNATURE_LINES else None
            if sign_off and (
                words >= _MIN_OWN_WORDS
                or (is_above_forward and (words or not any(sign_off.groups())))
                or (is_last and _PROGRAM_LINE.match(line))
            ):
                self.kinds[number:end] = ["signature"] * (end - number)
                return
            words += len(line.split())
        self.earlier_words = words


def _count_unquoted_words_below(lines: Sequence[str]) -> list[int]:
    """For each line, the words on it and below it in lines that have no quotation mark and are no sign-off."""
    counts, total = [0] * len(lines), 0
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number]
        if not line.lstrip().startswith(">") and not _match_sign_off(line):
            total += len(_WORD.findall(line))
        counts[number] = total
    return counts


def _match_sign_off(line: str) -> re.Match[str] | None:
    return _SIGN_OFF.match(line) if len(line) <= MAX_MARKER_LENGTH else None
