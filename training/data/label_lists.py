"""Finds cells that hold several labels: "Network, Payroll" where Network and Payroll are labels themselves."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

from deskyard.domain.label_spelling import fold_label, normalise_label, unescape_once
from deskyard.domain.missing_labels import means_nothing

MIN_TICKETS: Final = 2
"""Tickets that a part must have as a label of its own, where the separator also occurs within labels."""

MAX_PARTS: Final = 50

_STRONG: Final = re.compile(r"<br\s{0,5}/?>|</(?:p|div|li)>|;#|;|\r\n?|\n|\$#\$", re.I)
"""Separators that hardly occur within labels."""

_WEAK: Final = re.compile(r"[,、،]| [|/+•·] |\|")
"""Separators that may belong to a label, as in "Sales, retail"."""


_BRACKETS: Final = re.compile(r"(?:set\()?[\[({]([^\[\](){}]*)[\])}]\)?")
_NAME_KEYS: Final = ("name", "value", "label", "title", "displayName", "display_value")

_ANY: Final = re.compile(r"[&<;,、،|\r\n\[{($]| [/+•·] ")
"""What every list has."""


def split_cell(cell: str) -> tuple[tuple[str, ...], bool]:
    """The different labels that a cell may hold, in order, and whether the separator alone shows that it holds several.

    >>> split_cell("Network<br>Payroll"), split_cell("Network, payroll, Network"), split_cell('["Network", "Payroll"]')
    ((('Network', 'Payroll'), True), (('Network', 'payroll'), False), (('Network', 'Payroll'), True))
    >>> split_cell("3;#Network;#7;#Payroll")[0], split_cell("Network")
    (('Network', 'Payroll'), (('Network',), False))
    """
    if not _ANY.search(cell):
        return _distinct([cell]), False
    text = unescape_once(cell)
    listed = _read_list(text.strip())
    if listed is not None:
        return _distinct(listed), '"' in text or "'" in text
    if ";#" in text:  # SharePoint writes the number of an entry before its name
        return _distinct([part for part in text.split(";#") if not part.strip().isdigit()]), True
    parts = _STRONG.split(text, MAX_PARTS)
    if len(parts) > 1:
        return _distinct(parts), True
    return _distinct(_WEAK.split(text, MAX_PARTS)), False


def _read_list(text: str) -> list[str] | None:
    """The members of a list as JSON, Python, Java or PostgreSQL write it; None for other texts.

    >>> _read_list('[{"id": 7, "name": "Network"}]'), _read_list("('Network', 'Payroll')"), _read_list("[Network, VPN]")
    (['Network'], ['Network', 'Payroll'], ['Network', 'VPN'])
    """
    try:
        read = json.loads(text) if text.startswith(("[", "{")) else None
    except (ValueError, RecursionError):
        read = None
    if isinstance(read, list | dict):
        return [_name_of(member) for member in (read if isinstance(read, list) else [read])]
    found = _BRACKETS.fullmatch(text)
    if not found or (text[0] == "(" and "," not in text) or (text[0] == "{" and ":" in text):
        return None
    return [one.strip().strip("'\"") for one in found[1].split(",")]


def _name_of(member: object) -> str:
    """The name of a member of a list in JSON."""
    if isinstance(member, dict):
        return next((str(member[key]) for key in _NAME_KEYS if isinstance(member.get(key), str)), str(member))
    return "" if member is None else str(member)


def _distinct(parts: list[str]) -> tuple[str, ...]:
    """The labels among the parts, the first spelling of each."""
    first: dict[str, str] = {}
    for part in parts[:MAX_PARTS]:
        label = normalise_label(part)
        if not means_nothing(label):
            first.setdefault(fold_label(label), label)
    return tuple(first.values())


def find_lists(cells: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """The cells (cell → tickets) that are lists of labels → those labels, in order; one label in "Network; N/A".

    Each part must be a label of its own, with at least `MIN_TICKETS` tickets; after `<br>`, `;`, a line break and the
    like it is enough that it is one in another cell too, alone or in a list.

    >>> find_lists({"Network": 9, "Payroll": 9, "Network, Payroll": 2, "Sales, retail": 4, "Network;": 1})
    {'Network, Payroll': ('Network', 'Payroll'), 'Network;': ('Network',)}
    """
    alone, seen_in = Counter[str](), Counter[str]()
    lists: dict[str, tuple[tuple[str, ...], bool]] = {}
    for cell, n in cells.items():
        alone[fold_label(cell)] += n
        if not _ANY.search(cell):
            continue
        parts, sure = split_cell(cell)
        if len(parts) > 1 or (parts and fold_label(parts[0]) != fold_label(cell)):
            lists[cell] = parts, sure
            seen_in.update(fold_label(part) for part in parts if sure)
    found = {}
    for cell, (parts, sure) in lists.items():
        keys = [fold_label(part) for part in parts]
        if (sure and len(parts) == 1) or all(
            alone[key] >= MIN_TICKETS or (sure and (alone[key] or seen_in[key] > 1)) for key in keys
        ):
            found[cell] = parts
    return found
