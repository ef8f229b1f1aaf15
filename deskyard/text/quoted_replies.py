"""Cuts quoted replies and signatures from mails.

It works line by line, so it is linear in the length of a mail and predictable. In doubt text is kept: a marker of a
quotation cuts only what is below words of the author.
"""

import re
from typing import Final

_SEPARATOR: Final = re.compile(
    r"\s*(?:-{3,} ?(?:original message|forwarded message|исходное сообщение|пересланное сообщение|вихідне повідомлення"
    r"|ursprüngliche nachricht|mensaje original|mensagem original)|_{20,}\s*$)",
    re.I,
)
_ATTRIBUTION: Final = re.compile(
    r"\s*(?:on\b.{4,200}\bwrote:?|am\b.{4,200}\bschrieb\b.{0,80}:|el\b.{4,200}\bescribió:?|em\b.{4,200}\bescreveu:?"
    r"|.{4,200}\b(?:пишет|написала?|написал\(а\)|пише|написав|wrote|schrieb|escribió|escreveu):)\s*$",
    re.I,
)
_WHEN_OR_WHO: Final = re.compile(r"[\d@<]")
"""A line that introduces a quotation has a date or an address; "the client writes:" introduces the matter itself."""

_FROM: Final = re.compile(r"\s*\*{0,2}(?:from|от|von|de|від)\*{0,2}:", re.I)
_HEADER: Final = re.compile(
    r"\s*\*{0,2}(?:sent|to|cc|subject|date|отправлено|дата|кому|копия|тема|gesendet|an|betreff|enviado|para|asunto"
    r"|assunto|надіслано|кому)\*{0,2}:",
    re.I,
)
_SIGN_OFF: Final = re.compile(
    r"\s*(?:--|best|(?:best|kind|warm|many) (?:regards|wishes)|regards|sincerely|cheers|thanks and regards"
    r"|sent from my|get outlook for|с ув|с уважением|с наилучшими пожеланиями|отправлено с|mit freundlichen grüßen"
    r"|viele grüße|freundliche grüße|saludos|un saludo|atentamente|atenciosamente|cumprimentos|з повагою"
    r"|з найкращими побажаннями)\b[\s,.!-]*(?:[^\s]+\s*){0,4}$|\s*--\s*$",
    re.I,
)
_SIGNATURE_LINES: Final = 12
_MAX_MARKER_LENGTH: Final = 300
_MIN_OWN_WORDS: Final = 3
"""Words of the author needed above a sign-off: "Saludos, no puedo entrar" begins with one."""


def strip_quoted(text: str) -> str:
    """The text without quoted replies and signature; the whole text if nothing would be left.

    >>> strip_quoted("The printer is on fire.\\n\\nOn 1 Feb 2026, Ann <ann@example.org> wrote:\\n> How is the printer?")
    'The printer is on fire.'
    >>> strip_quoted("Клиент Иванов пишет:\\nНе открывается 1С")
    'Клиент Иванов пишет:\\nНе открывается 1С'
    """
    return split_quoted(text)[0]


def split_quoted(text: str) -> tuple[str, str]:
    """The text without quoted replies and signature, and what was cut off.

    >>> split_quoted("> How is it?\\nThe printer is on fire.\\n-- \\nAnn")
    ('The printer is on fire.', '> How is it?\\n-- \\nAnn')
    """
    kept: list[str] = []
    cut: list[str] = []
    own = 0
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.lstrip().startswith(">"):
            cut.append(line)
            continue
        if own and _is_quote_start(line, lines[number + 1] if number + 1 < len(lines) else ""):
            cut += lines[number:]
            break
        if own >= _MIN_OWN_WORDS and len(lines) - number <= _SIGNATURE_LINES and _is_sign_off(line):
            cut += lines[number:]
            break
        kept.append(line)
        own += len(line.split())
    mine = "\n".join(kept).strip()
    return (mine, "\n".join(cut)) if mine else (text, "")


def _is_quote_start(line: str, following: str) -> bool:
    if len(line) > _MAX_MARKER_LENGTH:
        return False
    if _SEPARATOR.match(line):
        return True
    if _WHEN_OR_WHO.search(line) and _ATTRIBUTION.match(line):
        return True
    return bool(_FROM.match(line) and _HEADER.match(following))


def _is_sign_off(line: str) -> bool:
    return len(line) <= _MAX_MARKER_LENGTH and bool(_SIGN_OFF.match(line))
