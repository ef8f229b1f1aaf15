"""Silent labels: those that used to come and come no more. A team was closed, a person left, a topic died.

In come a target's labels in order of time, out go the labels that chance does not explain any longer. A model that goes
on learning such a label goes on saying it, for the tickets are still there and only the answer is new. Left out, its
tickets teach nothing; should it come again, the next training learns it anew with all its past.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from deskyard.domain.ticket import Target
from training.data.history import History

WINDOW: Final = 1_000
"""Labelled tickets before a label's last one, in which its usual share is counted."""

MIN_TICKETS: Final = 10
"""Tickets of a label among those, below which it is rare and not silent."""

MAX_P_VALUE: Final = 0.001
"""The chance that any label of a target is taken for silent though nothing has changed."""

SHARE_FACTOR: Final = 0.5
"""Labels come in clumps, so a label is given half of its usual share only."""


@dataclass(frozen=True, slots=True)
class DiscontinuedLabel:
    """A label that comes no more: its usual share (0..1), how many labelled tickets came since its last, and how
    probable that is by chance."""

    label: str
    share: float
    since: int
    chance: float


def find_discontinued(values: Sequence[str | None]) -> list[DiscontinuedLabel]:
    """The silent labels of a target, the most frequent first; `values` are in order of time, None is no label.

    The chance of no ticket among the last n is (1 - share)^n. All labels together are wrongly silent with a chance of
    `MAX_P_VALUE` (Bonferroni), where tickets come independently of each other at half of the share that was counted.

    >>> [found.label for found in find_discontinued(["gone", "stays"] * 50 + ["stays", "new"] * 30)]
    ['gone']
    >>> find_discontinued(["stays"] * 100 + ["rare"] + ["stays"] * 500)
    []
    """
    known = [value for value in values if value is not None]
    last = {label: at for at, label in enumerate(known)}
    found = []
    for label, at in last.items():
        before = known[max(at + 1 - WINDOW, 0) : at + 1]
        n, since = before.count(label), len(known) - 1 - at
        share = n / len(before)
        chance = math.exp(since * math.log1p(-SHARE_FACTOR * share)) * len(last)
        if n >= MIN_TICKETS and chance <= MAX_P_VALUE:
            found.append(DiscontinuedLabel(label, share, since, chance))
    return sorted(found, key=lambda one: (-one.share, one.label))


def drop_discontinued(
    history: History, targets: Sequence[Target]
) -> tuple[History, dict[Target, list[DiscontinuedLabel]]]:
    """The history without the silent labels of these targets (their tickets have none), and those labels."""
    found = {target: find_discontinued(history.labels[target]) for target in targets}
    gone: Mapping[Target, set[str]] = {target: {one.label for one in ones} for target, ones in found.items()}
    labels = {t: [None if v in gone.get(t, ()) else v for v in values] for t, values in history.labels.items()}
    return replace(history, labels=labels), {target: ones for target, ones in found.items() if ones}
