"""Spellings of labels: one label has one spelling, whatever the case, spaces, entities, dashes or ё of its cells.

`Network`, `NETWORK ` and `network` are one label, and so are `R&D` and `R&amp;D`. Spellings that differ in accents,
marks or look-alike letters (`Wi-Fi` and `WiFi`, a Latin and a Cyrillic `С`) may be two labels: they are proposed, not
merged.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from deskyard.domain.label_spelling import fold_label

_LOOK_ALIKES: Final = str.maketrans("авеіјкмнорстух", "abeijkmhopctyx")
"""Cyrillic letters, and the Latin ones that look like them."""

_TELLING_MARKS: Final = "#+"
"""Marks that tell labels apart: C, C# and C++."""


_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[\W_]+(?=\d)")


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
