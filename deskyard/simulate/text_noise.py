"""Adds noise to a text: misspellings, the wrong keyboard layout, quoted replies, signatures, HTML.

None of it changes what the ticket is about.
"""

import html
import re
from datetime import datetime, timedelta
from typing import Final

from deskyard.simulate.people import Requester
from deskyard.simulate.phrases import Phrases
from deskyard.simulate.rng import Rng

_WORD = re.compile(r"[^\W\d_]{4,}")
_KEYBOARD_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")
_LATIN: Final = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`" + 'QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>~'
_CYRILLIC: Final = "йцукенгшщзхъфывапролджэячсмитьбюё" + "ЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮЁ"
_WRONG_LAYOUT: Final = str.maketrans(_CYRILLIC, _LATIN)
_NEIGHBOUR_KEYS: Final = {
    key: row[max(index - 1, 0) : index] + row[index + 1 : index + 2]
    for row in _KEYBOARD_ROWS
    for index, key in enumerate(row)
}


def add_misspellings(text: str, rng: Rng) -> str:
    """The text with a misspelling in about one long word in seven, at least one if there is any: swapped, dropped,
    doubled or neighbouring letters.

    >>> add_misspellings("printer", Rng("doc")) != "printer"
    True
    """
    words = list(_WORD.finditer(text))
    if not words:
        return text
    unlucky = rng.integer(len(words))
    for number in range(len(words) - 1, -1, -1):
        if number == unlucky or rng.chance(0.12):
            begin, end = words[number].span()
            text = text[:begin] + _misspell_word(text[begin:end], rng) + text[end:]
    return text


def _misspell_word(word: str, rng: Rng) -> str:
    index, kind = 1 + rng.integer(len(word) - 2), rng.integer(4)
    letter, following = word[index], word[index + 1]
    if kind == 0 and letter != following:
        return word[:index] + following + letter + word[index + 2 :]
    if kind == 1:
        return word[:index] + word[index + 1 :]
    if kind == 2 and letter in _NEIGHBOUR_KEYS:
        return word[:index] + rng.pick(_NEIGHBOUR_KEYS[letter]) + word[index + 1 :]
    return word[:index] + letter + word[index:]


def to_wrong_layout(text: str) -> str:
    """Russian typed on an English keyboard.

    >>> to_wrong_layout("принтер")
    'ghbynth'
    """
    return text.translate(_WRONG_LAYOUT)


def make_signature(phrases: Phrases, requester: Requester, rng: Rng) -> str:
    """A made-up signature; the role in it is drawn independently of the issue, so it often misleads."""
    role = rng.pick(phrases.frame["roles"]).render(rng, {})
    lines = [rng.pick(phrases.frame["sign_off"]).render(rng, {}), requester.name, f"{role}, {requester.organisation}"]
    if rng.chance(0.7):
        lines.append(requester.phone)
    if rng.chance(0.5):
        lines.append(requester.mail)
    return "\n".join(lines)


def make_quoted_reply(phrases: Phrases, old: str, at: datetime, requester: Requester, rng: Rng) -> str:
    """A quoted reply about another issue: the help desk's answer above the requester's earlier text (`old`)."""
    head = phrases.quote_head
    reply = rng.pick(phrases.frame["quote_reply"]).render(rng, {})
    answer_head = head.format(date=f"{at:%d.%m.%Y}", time=f"{at:%H:%M}", name="Support", mail="support@example.com")
    asked_at = at - timedelta(minutes=20 + rng.integer(1500))
    question_head = head.format(
        date=f"{asked_at:%d.%m.%Y}", time=f"{asked_at:%H:%M}", name=requester.name, mail=requester.mail
    )
    return f"{answer_head}\n> {reply}\n>\n> {question_head}\n>> {old}"


def to_html(text: str, rng: Rng) -> str:
    """The text as HTML of a mail program, with escaped entities."""
    style = rng.pick(("font-family:Calibri,sans-serif;font-size:11pt", "font-family:Arial;color:#1f497d", "margin:0"))
    paragraphs = [html.escape(block).replace("\n", "<br>") for block in text.split("\n\n")]
    body = "".join(f'<p style="{style}">{paragraph}</p>' for paragraph in paragraphs)
    tail = rng.pick(("", "<p>&nbsp;</p>", "<div><br></div>"))
    return f"<html><head><style>p {{margin:0}}</style></head><body>{body}{tail}</body></html>"
