"""Finds discontinued labels: labels that were frequent and no longer occur, for example because a team was closed.

A model that is trained on such a label keeps predicting it, since similar tickets still arrive. When it is dropped, its
tickets are not trained on; if it occurs again, the next training uses it with all its past tickets.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from deskyard.domain.ticket import Target
from training.data.history import History

WINDOW: Final = 1_000
"""Labelled tickets before a label's last one in which its usual share is counted."""

MIN_TICKETS: Final = 10
"""Tickets of a label among those below which it counts as rare, not as discontinued."""

MAX_P_VALUE: Final = 0.001
"""The probability that any label of a target is reported although nothing has changed."""

SHARE_FACTOR: Final = 0.5
"""Tickets of a label arrive in clumps, so only half of its usual share is expected."""


@dataclass(frozen=True, slots=True)
class DiscontinuedLabel:
    """A label that no longer occurs: its usual share (0..1), the number of labelled tickets since its last one, and the
    p-value of that gap."""

    label: str
    share: float
    since: int
    p_value: float


def find_discontinued(values: Sequence[str | None]) -> list[DiscontinuedLabel]:
    """The discontinued labels of a target, the most frequent first; `values` are in order of time, None is no label.

    The probability of no ticket among the last n is (1 - share)^n. With Bonferroni's correction over all labels, any
    false report has probability `MAX_P_VALUE` at most, if tickets arrive independently at half of the counted share.

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
        p_value = math.exp(since * math.log1p(-SHARE_FACTOR * share)) * len(last)
        if n >= MIN_TICKETS and p_value <= MAX_P_VALUE:
            found.append(DiscontinuedLabel(label, share, since, p_value))
    return sorted(found, key=lambda one: (-one.share, one.label))


def drop_discontinued(
    history: History, targets: Sequence[Target]
) -> tuple[History, dict[Target, list[DiscontinuedLabel]]]:
    """The history without the discontinued labels of these targets (their tickets become unlabelled), and the
    labels."""
    found = {target: find_discontinued(history.labels[target]) for target in targets}
    dropped: Mapping[Target, set[str]] = {target: {one.label for one in ones} for target, ones in found.items()}
    labels = {t: [None if v in dropped.get(t, ()) else v for v in values] for t, values in history.labels.items()}
    return replace(history, labels=labels), {target: ones for target, ones in found.items() if ones}
