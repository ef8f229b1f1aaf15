"""Compares spellings of labels: a model, a help desk and a person may write the same label differently.

`Network`, `NETWORK ` and `network` are one label, and so are `R&D` and `R&amp;D`, `Hardware > Printer` and
`Hardware::Printer`. Where a desk has two names that differ only in spelling, these are two labels.
"""

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import lru_cache
from html.entities import html5
from typing import Final

_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
"""With its semicolon: "Training&region" holds no entity."""

_TAG: Final = re.compile(r"</?(?:p|div|span|b|i|u|strong|em|font|a|li|ul|ol|td|tr|small)(?:\s[^<>]{0,200})?/?>", re.I)
_BREAK: Final = re.compile(r"<br\s{0,5}/?>", re.I)
_INVISIBLE: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")
_TYPOGRAPHY: Final = str.maketrans(
    {**dict.fromkeys("‐‑‒–—−", "-"), **dict.fromkeys("’‘ʼ`´", "'"), **dict.fromkeys("«»“”„", '"'), "ё": "е"}
)

HIERARCHY_SEPARATOR: Final = re.compile(r" {0,3}:: {0,3}| {1,3}> {1,3}")
"""Between a label and the one below it: ` > `, or `::` as Znuny, Zammad and Zendesk write it."""


def unescape_once(text: str) -> str:
    """The text with its HTML entities replaced, once.

    >>> unescape_once("R&amp;D &gt; Labs"), unescape_once("a &amp;lt; b"), unescape_once("Training&region")
    ('R&D > Labs', 'a &lt; b', 'Training&region')
    """
    return _ENTITY.sub(_replace_entity, text) if "&" in text else text


def _replace_entity(found: re.Match[str]) -> str:
    """The character of an entity; a name that is none stays, such as `&D;` in "R&D; Legal"."""
    return html.unescape(found[0]) if found[0][1] == "#" or found[0][1:] in html5 else found[0]


@lru_cache(maxsize=20_000)
def normalise_label(cell: str) -> str:
    """A label as people saw it: entities replaced once, tags and invisible characters removed, spaces single.

    >>> normalise_label("  R&amp;D\\u00a0 <b>Labs</b>\\u200b")
    'R&D Labs'
    """
    text = unescape_once(cell)
    if "<" in text:
        text = _BREAK.sub(" ", _TAG.sub(" ", text))
    return " ".join(_INVISIBLE.sub("", text).split())


@lru_cache(maxsize=20_000)
def fold_label(label: str) -> str:
    """What all spellings of one label share, as text for comparison.

    >>> fold_label("Учётные  записи") == fold_label("УЧЕТНЫЕ ЗАПИСИ")
    True
    >>> fold_label("Wi\\u2011Fi"), fold_label("ＩＴ::VPN")
    ('wi-fi', 'it > vpn')
    """
    folded = unicodedata.normalize("NFKC", normalise_label(label).translate(_TYPOGRAPHY)).casefold()
    spaced = " ".join(folded.translate(_TYPOGRAPHY).split())
    return " ".join(HIERARCHY_SEPARATOR.sub(" > ", spaced).split())


def spell_as(label: str, names: Collection[str], apart: Collection[str] = ()) -> str:
    """The name of which `label` is a spelling; the label itself where it is a name, or not a spelling of exactly one.

    Names that are in `apart`, too, are never another spelling.

    >>> spell_as("it::vpn", ["IT > VPN", "Fax"]), spell_as("network", ["Network", "NETWORK"]), spell_as("Fax", [])
    ('IT > VPN', 'network', 'Fax')
    """
    if label in names:
        return label
    key = fold_label(label)
    found = [name for name in names if fold_label(name) == key and name not in apart]
    return found[0] if len(found) == 1 else label


def select_spellings(names: Iterable[str], labels: Iterable[str]) -> list[str]:
    """The names that are a spelling of one of the labels.

    >>> select_spellings(["Network", "NETWORK", "Fax"], ["network"])
    ['Network', 'NETWORK']
    """
    keys = set(map(fold_label, labels))
    return [name for name in names if fold_label(name) in keys]


def is_same_label(one: str | None, other: str | None, names: Collection[str] = ()) -> bool:
    """Whether two labels differ at most in spelling; two of the `names` that a desk has are two labels.

    >>> is_same_label("network", "Network"), is_same_label("network", "Network", ["network", "Network"])
    (True, False)
    """
    if one is None or other is None or one == other:
        return one == other
    return fold_label(one) == fold_label(other) and not (one in names and other in names)


def find_ambiguous(labels: Iterable[str], names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Labels that are none of the names and a spelling of several ones → those names.

    >>> find_ambiguous(["network", "Fax"], ["Network", "NETWORK", "Fax"])
    {'network': ('NETWORK', 'Network')}
    """
    spellings: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        spellings[fold_label(name)].add(name)
    found = {label: spellings.get(fold_label(label), set()) for label in labels}
    return {label: tuple(sorted(same)) for label, same in found.items() if len(same) > 1 and label not in same}
