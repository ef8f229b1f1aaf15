"""The learnable labels of each target, and labels as positions among them."""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import PRIORITIES, TARGETS, Target
from deskyard.errors import BadInput, NothingToLearn

MIN_TICKETS: Final = 2
"""Tickets that a label needs to be learnable."""

UNLABELLED: Final = -1
"""The position of a ticket without a label. Labels that are not learnable have -2, -3, ... and count as errors."""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The learnable labels of one target, in order; `rare` labels have too few tickets (label → count).

    `parents` are stated by a person (label → parent).
    """

    target: Target
    labels: tuple[str, ...]
    rare: dict[str, int]
    parents: Mapping[str, str] = field(default_factory=dict, repr=False)

    def positions(self, values: Sequence[str | None]) -> npt.NDArray[np.int32]:
        """Each value's position among the labels; negative where it has none."""
        place: dict[str | None, int] = {label: i for i, label in enumerate(self.labels)}
        place[None] = UNLABELLED
        unknown = sorted({value for value in values if value is not None and value not in place})
        place |= {value: UNLABELLED - 1 - i for i, value in enumerate(unknown)}
        return np.array([place[value] for value in values], dtype=np.int32)


def build_label_sets(
    labels: Mapping[Target, Sequence[str | None]],
    targets: Sequence[Target] = TARGETS,
    parents: Mapping[Target, Mapping[str, str]] | None = None,
) -> dict[Target, LabelSet]:
    """The label sets of those `targets` that have at least two learnable labels.

    Priorities keep their order, other labels are sorted alphabetically. Raises NothingToLearn when no target is left,
    and BadInput when a label named in `parents` does not occur.

    >>> build_label_sets({"queue": ["A", "B", "A", "B", "C"], "category": ["x", "x", None, None, None]})
    {'queue': LabelSet(target='queue', labels=('A', 'B'), rare={'C': 1})}
    """
    sets = {}
    for target in targets:
        counts = Counter(value for value in labels.get(target, ()) if value is not None)
        common = [label for label, n in counts.items() if n >= MIN_TICKETS]
        order = PRIORITIES.index if target == "priority" else None
        if len(common) >= 2:
            rare = {label: n for label, n in sorted(counts.items()) if n < MIN_TICKETS}
            stated = _known_parents(target, (parents or {}).get(target, {}), counts)
            sets[target] = LabelSet(target, tuple(sorted(common, key=order)), rare, stated)
    if not sets:
        raise NothingToLearn(
            f"nothing can be learnt: none of {', '.join(targets)} has two labels with at least {MIN_TICKETS} tickets "
            "each."
        )
    return sets


def _known_parents(target: Target, parents: Mapping[str, str], counts: Mapping[str, int]) -> dict[str, str]:
    """The stated parents of learnable labels; raises BadInput for a label that does not occur."""
    for label in parents:
        if label not in counts:
            near = "".join(f" Did you mean {name!r}?" for name in difflib.get_close_matches(label, list(counts), 1))
            raise BadInput(f"--map parent.{target}.{label}: no ticket has the {target} {label!r}.{near}")
    return {label: parent for label, parent in parents.items() if counts[label] >= MIN_TICKETS}
