"""The outcome of a policy for one ticket: what it would have done, and whether that was right.

Labels are compared by their current names (`deskyard.domain.taxonomy`); a label that was split later counts as right
where people chose one of the labels it became.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from deskyard.domain import label_spelling as spelling
from deskyard.domain.decision import Action, Decision
from deskyard.domain.label_hierarchy import is_below
from deskyard.domain.taxonomy import TaxonomyChange, resolve_label
from deskyard.domain.ticket import PLACING_TARGETS, Target
from deskyard.policy.policy import RoutingResult


@dataclass(frozen=True, slots=True)
class TicketOutcome:
    """The outcome for one ticket.

    `queue`, whether it was `routed` automatically or left to people, the `reason` (a code), the model's `confidence`;
    `right`: whether the queue is right (None: unknown). `labels_set`: for each target that was set, the label and
    whether it is right.
    """

    queue: str
    routed: bool
    reason: str
    confidence: float = 0.0
    right: bool | None = None
    labels_set: Mapping[Target, tuple[str, bool | None]] = field(default_factory=dict)


def ticket_outcome(
    verdict: RoutingResult,
    truth: Mapping[Target, str | None],
    true_queue: str | None,
    taxonomy_changes: Sequence[TaxonomyChange],
) -> TicketOutcome:
    """The outcome of a verdict; `truth` are the true labels, `true_queue` the true queue (None: unknown)."""
    changes = tuple(taxonomy_changes)
    placement = verdict.placement
    by = next((target for target in PLACING_TARGETS if target == placement.reason.code), None)
    labels_set = {}
    for target, decision in verdict.decisions.items():
        if decision.action is Action.ROUTE and decision.label is not None:
            labels_set[target] = decision.label, _is_right(target, decision, truth[target], changes)
    if by is None:
        first = next((verdict.decisions[t] for t in PLACING_TARGETS if t in verdict.decisions), None)
        reason = placement.reason.code if first is None else first.reasons[0].code
        return TicketOutcome(placement.queue, False, reason, first.confidence if first else 0.0, None, labels_set)
    decision = verdict.decisions[by]
    right = None if true_queue is None else is_same_label("queue", placement.queue, true_queue, changes)
    if by == "queue":
        right = _is_right("queue", decision, true_queue, changes)
    return TicketOutcome(placement.queue, True, decision.reasons[-1].code, decision.confidence, right, labels_set)


def _is_right(
    target: Target, decision: Decision, truth: str | None, taxonomy_changes: tuple[TaxonomyChange, ...]
) -> bool | None:
    if truth is None or decision.label is None:
        return None
    parent = any(reason.code == "parent" for reason in decision.reasons)
    if parent and is_below(truth, decision.label):
        return True
    return is_same_label(target, decision.label, truth, taxonomy_changes)


@lru_cache(maxsize=4096)
def is_same_label(target: Target, predicted: str, truth: str, taxonomy_changes: tuple[TaxonomyChange, ...]) -> bool:
    """Whether two labels are the same after the taxonomy changes."""
    if spelling.is_same_label(predicted, truth):
        return True
    was, became = resolve_label(taxonomy_changes, target, predicted), resolve_label(taxonomy_changes, target, truth)
    return was.label == became.label or (was.split is not None and became.label in was.split.to)
