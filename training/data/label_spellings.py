"""Spellings of labels: one label has one spelling, whatever the case, spaces, entities, dashes or ё of its cells.

`Network`, `NETWORK ` and `network` are one label, and so are `R&D` and `R&amp;D`. Spellings that differ in accents,
marks or look-alike letters (`Wi-Fi` and `WiFi`, a Latin and a Cyrillic `С`) may be two labels: they are proposed, not
merged.
"""

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
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
_LOOK_ALIKES: Final = str.maketrans("авеіјкмнорстух", "abeijkmhopctyx")
"""Cyrillic letters, and the Latin ones that look like them."""

_TELLING_MARKS: Final = "#+"
"""Marks that tell labels apart: C, C# and C++."""


_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[\W_]+(?=\d)")


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

    >>> fold_label("Учётные  записи") == fold_label("УЧЕТНЫЕ ЗАПИСИ"), fold_label("Wi\\u2011Fi"), fold_label("ＩＴ")
    (True, 'wi-fi', 'it')
    """
    folded = unicodedata.normalize("NFKC", normalise_label(label).translate(_TYPOGRAPHY)).casefold()
    return " ".join(folded.translate(_TYPOGRAPHY).split())


def fold_loosely(label: str) -> str:
    """What similar spellings share: letters and digits without accents, look-alikes as Latin letters.

    >>> fold_loosely("Wi-Fi") == fold_loosely("WiFi"), fold_loosely("Facturación")
    (True, 'facturacion')
    >>> fold_loosely("C#") == fold_loosely("C"), fold_loosely("Floor 1.2") == fold_loosely("Floor 12")
    (False, False)
    """
    decomposed = unicodedata.normalize("NFKD", fold_label(label))
    decomposed = _BETWEEN_DIGITS.sub("+", decomposed)
    kept = "".join(c for c in decomposed if c.isalnum() or c in _TELLING_MARKS)
    return kept.translate(_LOOK_ALIKES)


def choose_spellings(counts: Mapping[str, int], known: Collection[str] = ()) -> dict[str, str]:
    """Each label of `counts` (label → tickets) → the spelling that all labels of the same `fold_label` get.

    A spelling in `known` (a catalogue's names) wins, else the most frequent one, of equally frequent ones the first in
    the alphabet. Where two known names differ only in spelling, they are two labels, and nothing is merged with them.

    >>> choose_spellings({"network": 5, "Network": 3, "Payroll": 2})
    {'network': 'network', 'Network': 'network', 'Payroll': 'Payroll'}
    >>> choose_spellings({"network": 5, "NETWORK": 3}, ["Network"])
    {'network': 'Network', 'NETWORK': 'Network'}
    """
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(known):
        names[fold_label(name)].append(name)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for label in counts:
        groups[fold_label(label)].append(label)
    chosen: dict[str, str] = {}
    for key, labels in groups.items():
        found = names.get(key, ())
        if len(found) > 1:
            chosen.update((label, label) for label in labels)
        else:
            best = found[0] if found else min(labels, key=lambda label: (-counts[label], label))
            chosen.update(dict.fromkeys(labels, best))
    return {label: chosen[label] for label in counts}


def add_names(names: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """The names, and those of the others of which neither has another spelling.

    >>> add_names(["Network"], ["NETWORK", "Payroll", "vpn", "VPN"])
    ('Network', 'Payroll')
    """
    first = tuple(dict.fromkeys(names))
    keys = set(map(fold_label, first))
    added = {name: fold_label(name) for name in dict.fromkeys(others)}
    spellings = Counter(added.values())
    return (*first, *(name for name, key in added.items() if key not in keys and spellings[key] == 1))


def find_similar(counts: Mapping[str, int], known: Collection[str] = ()) -> dict[str, Counter[str]]:
    """Labels that may be spellings of another one: the spelling to keep → the others with their tickets.

    >>> find_similar({"Wi-Fi": 5, "WiFi": 3, "Payroll": 2})
    {'Wi-Fi': Counter({'WiFi': 3})}
    """
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for label in counts:
        if key := fold_loosely(label):
            groups[key].append(label)
    names, found = set(known), dict[str, Counter[str]]()
    for labels in groups.values():
        if len(labels) > 1:
            best = min(labels, key=lambda label: (label not in names, -counts[label], label))
            found[best] = Counter({label: counts[label] for label in labels if label != best})
    return found


def format_map_options(target: str, spellings: Iterable[tuple[str, str]]) -> str:
    """`--map` options that read spellings as labels, to be pasted into a shell; pairs of spelling and label.

    >>> format_map_options("queue", [("network", "Network"), ("O'Hare", "Airport")])
    '--map "queue.network=Network" --map "queue.O\\'Hare=Airport"'
    """
    return " ".join(f'--map "{_escape_for_shell(f"{target}.{spelling}={label}")}"' for spelling, label in spellings)


def _escape_for_shell(text: str) -> str:
    return re.sub(r'(["\\$`])', r"\\\1", text)
