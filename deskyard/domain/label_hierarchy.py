"""Parents of labels: `Hardware > Printer` has the parent `Hardware`, which can be predicted where the label can't.

`Hardware::Printer`, as Znuny and Zendesk write it, is read in the same way; a label and its parent keep their spelling,
as they are written into tickets. A parent that a person stated comes before the one in the label's name; a label with
neither is its own parent. There is one level only: the parent of a parent is not considered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deskyard.domain.label_spelling import HIERARCHY_SEPARATOR, fold_label


@dataclass(frozen=True, slots=True)
class LabelParents:
    """The parents' `names`, sorted, and for each label the index of its parent (int64, one a label)."""

    names: tuple[str, ...]
    parent_positions: npt.NDArray[np.int64]

    def probabilities(self, probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """The probabilities of parents (tickets x parents): sums of those of their labels (tickets x labels)."""
        return np.asarray(
            probabilities @ (self.parent_positions[:, None] == np.arange(len(self.names))), dtype=np.float64
        )


def parent_name(label: str) -> str | None:
    """The part of a label before its last ` > ` or `::`; None where a part would be empty.

    >>> parent_name("IT > Hardware > Printer"), parent_name("IT::Hardware::Printer"), parent_name("::Printer")
    ('IT > Hardware', 'IT::Hardware', None)
    """
    separators = list(HIERARCHY_SEPARATOR.finditer(label))
    if not separators:
        return None
    parent, name = label[: separators[-1].start()].strip(), label[separators[-1].end() :].strip()
    return parent if parent and name else None


def is_below(label: str, parent: str) -> bool:
    """Whether a label is written as one below `parent`, at any level and in any spelling.

    >>> is_below("IT::Hardware::Printer", "IT"), is_below("it > Hardware", "IT"), is_below("ITSM > Hardware", "IT")
    (True, True, False)
    """
    return fold_label(label).startswith(f"{fold_label(parent)} > ")


def find_parents(labels: Sequence[str], stated: Mapping[str, str] | None = None) -> LabelParents | None:
    """The parents of labels; None where they add nothing: no label has one, or all have the same.

    `stated`: label → parent. A parent may itself be a label, which then counts as one of its own children. Spellings
    of one parent are one parent.

    >>> find_parents(["Hardware > Printer", "Hardware > Mouse", "Access"]).names
    ('Access', 'Hardware')
    >>> find_parents(["Hardware::Printer", "Hardware::Mouse", "Access"]).names
    ('Access', 'Hardware')
    >>> find_parents(["Hardware", "Access"]) is None
    True
    >>> find_parents(["VPN", "Wi-Fi", "Access"], {"VPN": "Network", "Wi-Fi": "Network"}).names
    ('Access', 'Network')
    """
    by_spelling = {fold_label(label): parent for label, parent in (stated or {}).items()}
    spelled = {fold_label(label): label for label in reversed(labels)}
    parents = []
    for label in labels:
        parent = by_spelling.get(fold_label(label)) or parent_name(label) or label
        parents.append(parent if parent == label else spelled.setdefault(fold_label(parent), parent))
    names = tuple(sorted(set(parents)))
    if not 1 < len(names) < len(labels):
        return None
    positions = {name: i for i, name in enumerate(names)}
    return LabelParents(names, np.array([positions[name] for name in parents], dtype=np.int64))
