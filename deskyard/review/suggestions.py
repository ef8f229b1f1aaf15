"""Choices: what a decision offers a person who sorts its ticket, and what it said in one word.

In come a decision as the journal keeps it and the policy, out come queues with the machine's belief in each.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import PLACING_TARGETS
from deskyard.policy.policy import Policy

MAX_SUGGESTIONS: Final = 5
"""Choices that are offered: one for each key."""


@dataclass(frozen=True, slots=True)
class QueueSuggestion:
    """A queue, and how much the machine believes in it (0..1)."""

    queue: str
    probability: float


def suggest_queues(
    decision_content: Mapping[str, Any], policy: Policy, open_queues: Collection[str]
) -> list[QueueSuggestion]:
    """The open queues that a ticket may belong to, the most probable first.

    They are those that were predicted, else those that the predicted categories are bound for.

    >>> top = [{"label": "Refund", "confidence": 0.6}, {"label": "Bill", "confidence": 0.3}]
    >>> decided = {"decisions": {"category": {"top": top}}}
    >>> suggest_queues(decided, Policy(routes={"Refund": "Money", "Bill": "Money"}), {"Money"})
    [Choice(queue='Money', share=0.9)]
    """
    for target in PLACING_TARGETS:
        found: defaultdict[str, float] = defaultdict(float)
        for one in decision_content["decisions"].get(target, {}).get("top", ()):
            queue = policy.destination_queue(target, one["label"])
            if queue is not None and queue in open_queues and queue not in (TRIAGE, policy.fallback):
                found[queue] += one["confidence"]
        if found:
            ranked = sorted(found.items(), key=lambda one: -one[1])
            return [QueueSuggestion(queue, round(share, 12)) for queue, share in ranked[:MAX_SUGGESTIONS]]
    return []


def find_suggested_value(decision_content: Mapping[str, Any], policy: Policy, field: str) -> str | None:
    """What the machine said of a field; None where it said nothing."""
    decisions = decision_content["decisions"]
    if field == "queue":
        if decision_content["placement"]["reason"]["code"] in PLACING_TARGETS:
            return str(decision_content["placement"]["queue"])
        told = (
            policy.destination_queue(t, decisions[t]["label"])
            for t in PLACING_TARGETS
            if t in decisions and decisions[t]["label"]
        )
        return next(told, None)
    label = decisions.get(field, {}).get("label")
    return None if label is None else str(label)
