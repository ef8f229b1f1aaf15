"""Quirks: what mail and haste do to a text: spelling mistakes, the wrong keyboard, quotes, signatures, HTML.

In: a text and Dice. Out: the text with the quirk. Never: a change of what the ticket is about.
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
    key: row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
    for row in _KEYBOARD_ROWS
    for place, key in enumerate(row)
}


def add_misspellings(text: str, dice: Rng) -> str:
    """About one long word in seven, at least one where there is any, gets one slip: swapped, dropped, doubled or
    neighbouring letters.

    >>> add_misspellings("printer", Rng("doc")) != "printer"
    True
    """
    words = list(_WORD.finditer(text))
    if not words:
        return text
    unlucky = dice.integer(len(words))
    for number in range(len(words) - 1, -1, -1):
        if number == unlucky or dice.chance(0.12):
            begin, end = words[number].span()
            text = text[:begin] + _misspell_word(text[begin:end], dice) + text[end:]
    return text


def _misspell_word(word: str, dice: Rng) -> str:
    place, way = 1 + dice.integer(len(word) - 2), dice.integer(4)
    letter, following = word[place], word[place + 1]
    if way == 0 and letter != following:
        return word[:place] + following + letter + word[place + 2 :]
    if way == 1:
        return word[:place] + word[place + 1 :]
    if way == 2 and letter in _NEIGHBOUR_KEYS:
        return word[:place] + dice.pick(_NEIGHBOUR_KEYS[letter]) + word[place + 1 :]
    return word[:place] + letter + word[place:]


def to_wrong_layout(text: str) -> str:
    """Russian typed on an English keyboard.

    >>> to_wrong_layout("принтер")
    'ghbynth'
    """
    return text.translate(_WRONG_LAYOUT)


def make_signature(phrases: Phrases, requester: Requester, dice: Rng) -> str:
    """A made-up signature; the role in it is drawn without a look at the trouble, so it often misleads."""
    role = dice.pick(phrases.frame["roles"]).render(dice, {})
    lines = [dice.pick(phrases.frame["sign_off"]).render(dice, {}), requester.name, f"{role}, {requester.organisation}"]
    if dice.chance(0.7):
        lines.append(requester.phone)
    if dice.chance(0.5):
        lines.append(requester.mail)
    return "\n".join(lines)


def make_quoted_reply(phrases: Phrases, old: str, at: datetime, requester: Requester, dice: Rng) -> str:
    """A quoted reply about an old matter: the help desk's answer over what the requester once wrote (`old`)."""
    head = phrases.quote_head
    reply = dice.pick(phrases.frame["quote_reply"]).render(dice, {})
    answered = head.format(date=f"{at:%d.%m.%Y}", time=f"{at:%H:%M}", name="Support", mail="support@example.com")
    filed = at - timedelta(minutes=20 + dice.integer(1500))
    asked = head.format(date=f"{filed:%d.%m.%Y}", time=f"{filed:%H:%M}", name=requester.name, mail=requester.mail)
    return f"{answered}\n> {reply}\n>\n> {asked}\n>> {old}"


def to_html(text: str, dice: Rng) -> str:
    """The plain text as the HTML of a mail program, entities escaped."""
    style = dice.pick(("font-family:Calibri,sans-serif;font-size:11pt", "font-family:Arial;color:#1f497d", "margin:0"))
    paragraphs = [html.escape(block).replace("\n", "<br>") for block in text.split("\n\n")]
    body = "".join(f'<p style="{style}">{paragraph}</p>' for paragraph in paragraphs)
    tail = dice.pick(("", "<p>&nbsp;</p>", "<div><br></div>"))
    return f"<html><head><style>p {{margin:0}}</style></head><body>{body}{tail}</body></html>"
