"""Labels as positions: which labels a history can teach, and where each ticket stands among them."""

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
"""Tickets a label needs before it can be learnt at all."""

UNLABELLED: Final = -1
"""The position of a ticket without a label. Labels that are not learnt have -2, -3, ...: always a miss."""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The learnable labels of one target, in order; `rare` are those with too few tickets, with their counts.

    `parents` are those that a person said, label → parent.
    """

    target: Target
    labels: tuple[str, ...]
    rare: dict[str, int]
    parents: Mapping[str, str] = field(default_factory=dict, repr=False)

    def positions(self, values: Sequence[str | None]) -> npt.NDArray[np.int32]:
        """Each value's position; negative where it has none among the labels."""
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
    """The label sets of the wanted targets that have at least two learnable labels.

    Priorities stand in their order, other labels in that of the alphabet. Raises NothingToLearn when no target is left,
    and BadInput when a label that `parents` names occurs nowhere: it is misspelt.

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
            said = _known_parents(target, (parents or {}).get(target, {}), counts)
            sets[target] = LabelSet(target, tuple(sorted(common, key=order)), rare, said)
    if not sets:
        raise NothingToLearn(
            f"nothing can be learnt: none of {', '.join(targets)} has two labels with at least {MIN_TICKETS} tickets each."
        )
    return sets


def _known_parents(target: Target, parents: Mapping[str, str], counts: Mapping[str, int]) -> dict[str, str]:
    """The parents that were said, without those of labels that are too rare to matter; a strange label is refused."""
    for label in parents:
        if label not in counts:
            near = "".join(f" Did you mean {name!r}?" for name in difflib.get_close_matches(label, list(counts), 1))
            raise BadInput(f"--map parent.{target}.{label}: no ticket has the {target} {label!r}.{near}")
    return {label: parent for label, parent in parents.items() if counts[label] >= MIN_TICKETS}
