"""Deed: what a policy would have done with a ticket, and whether that was right.

In come a verdict and the labels that people settled on, out goes a row. A label is right under whatever name it bears
by now (`deskyard.domain.taxonomy`); one that was split later was right where a person chose one of those it became.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from deskyard.domain.decision import Action, Decision
from deskyard.domain.label_hierarchy import SEPARATOR
from deskyard.domain.taxonomy import TaxonomyChange, resolve_label
from deskyard.domain.ticket import PLACING_TARGETS, Target
from deskyard.policy.policy import RoutingResult


@dataclass(frozen=True, slots=True)
class TicketOutcome:
    """What was done with a ticket: its queue, whether the machine placed it there or left it to people, why (a code),
    how sure the model was; and of each target that the machine set, what, and whether it was right (None: nobody
    knows). `right` says so of the queue."""

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
    """The row of a verdict; `truth` are the labels, `queue` where the ticket belonged (None: not known)."""
    held = tuple(taxonomy_changes)
    placement = verdict.placement
    by = next((target for target in PLACING_TARGETS if target == placement.reason.code), None)
    done = {}
    for target, decision in verdict.decisions.items():
        if decision.action is Action.ROUTE and decision.label is not None:
            done[target] = decision.label, _is_right(target, decision, truth[target], held)
    if by is None:
        first = next((verdict.decisions[t] for t in PLACING_TARGETS if t in verdict.decisions), None)
        why = placement.reason.code if first is None else first.reasons[0].code
        return TicketOutcome(placement.queue, False, why, first.confidence if first else 0.0, None, done)
    decision = verdict.decisions[by]
    right = None if true_queue is None else is_same_label("queue", placement.queue, true_queue, held)
    if by == "queue":
        right = _is_right("queue", decision, true_queue, held)
    return TicketOutcome(placement.queue, True, decision.reasons[-1].code, decision.confidence, right, done)


def _is_right(
    target: Target, decision: Decision, truth: str | None, taxonomy_changes: tuple[TaxonomyChange, ...]
) -> bool | None:
    if truth is None or decision.label is None:
        return None
    parent = any(reason.code == "parent" for reason in decision.reasons)
    if parent and truth.startswith(decision.label + SEPARATOR):
        return True
    return is_same_label(target, decision.label, truth, taxonomy_changes)


@lru_cache(maxsize=4096)
def is_same_label(target: Target, predicted: str, truth: str, taxonomy_changes: tuple[TaxonomyChange, ...]) -> bool:
    """Whether two labels mean one thing by what became of them."""
    if predicted == truth:
        return True
    was, became = resolve_label(taxonomy_changes, target, predicted), resolve_label(taxonomy_changes, target, truth)
    return was.label == became.label or (was.split is not None and became.label in was.split.to)
