"""Hierarchy: labels written `Hardware > Printer` have a parent, `Hardware`, that can be told where they can't.

In come labels and what a person said of their parents, out come the parents and their probabilities. What was said
comes before the mark; a label with neither is its own parent. One step up is all: a parent's own parent is not asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

SEPARATOR: Final = " > "


@dataclass(frozen=True, slots=True)
class LabelParents:
    """The parents' `names` in the order of the alphabet, and for each label the position of its parent."""

    names: tuple[str, ...]
    parent_positions: npt.NDArray[np.int64]

    def probabilities(self, probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """The probability of each parent (tickets x parents): the sum of its labels' (tickets x labels)."""
        return np.asarray(
            probabilities @ (self.parent_positions[:, None] == np.arange(len(self.names))), dtype=np.float64
        )


def find_parents(labels: Sequence[str], stated: Mapping[str, str] | None = None) -> LabelParents | None:
    """The parents of labels; None where they say nothing more: no label has one, or all have the same.

    `said`: label → parent. A parent may be a label itself, which is then one of those below it.

    >>> find_parents(["Hardware > Printer", "Hardware > Mouse", "Access"]).names
    ('Access', 'Hardware')
    >>> find_parents(["Hardware", "Access"]) is None
    True
    >>> find_parents(["VPN", "Wi-Fi", "Access"], {"VPN": "Network", "Wi-Fi": "Network"}).names
    ('Access', 'Network')
    """
    marked = {label: label.rsplit(SEPARATOR, 1)[0].strip() for label in labels if SEPARATOR in label}
    known = marked | dict(stated or {})
    above = [known.get(label, label) for label in labels]
    names = tuple(sorted(set(above)))
    if not 1 < len(names) < len(labels):
        return None
    place = {name: i for i, name in enumerate(names)}
    return LabelParents(names, np.array([place[name] for name in above], dtype=np.int64))
