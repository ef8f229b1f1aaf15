"""Suggestions of a decision to a person who triages its ticket: queues, and the value of a field."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.label_spelling import spell_as
from deskyard.domain.ticket import PLACING_TARGETS
from deskyard.policy.policy import Policy

MAX_SUGGESTIONS: Final = 5
"""Maximum number of suggested queues: one for each key 1 to 5."""


@dataclass(frozen=True, slots=True)
class QueueSuggestion:
    """A queue and its probability (0..1)."""

    queue: str
    probability: float


def suggest_queues(
    decision_content: Mapping[str, Any], policy: Policy, open_queues: Collection[str]
) -> list[QueueSuggestion]:
    """The open queues that a ticket may belong to, the most probable first.

    They are the predicted queues, else the queues of the predicted categories.

    >>> top = [{"label": "Refund", "confidence": 0.6}, {"label": "Bill", "confidence": 0.3}]
    >>> decided = {"decisions": {"category": {"top": top}}}
    >>> suggest_queues(decided, Policy(routes={"Refund": "Money", "Bill": "Money"}), {"Money"})
    [QueueSuggestion(queue='Money', probability=0.9)]
    """
    for target in PLACING_TARGETS:
        found: defaultdict[str, float] = defaultdict(float)
        for one in decision_content["decisions"].get(target, {}).get("top", ()):
            queue = policy.destination_queue(target, one["label"])
            queue = spell_as(queue or "", open_queues, apart=(TRIAGE,))
            if queue in open_queues and queue not in (TRIAGE, policy.fallback):
                found[queue] += one["confidence"]
        if found:
            ranked = sorted(found.items(), key=lambda one: -one[1])
            return [QueueSuggestion(queue, round(share, 12)) for queue, share in ranked[:MAX_SUGGESTIONS]]
    return []


def find_suggested_value(decision_content: Mapping[str, Any], policy: Policy, field: str) -> str | None:
    """The predicted value of a field; None where there is none."""
    decisions = decision_content["decisions"]
    if field == "queue":
        if decision_content["placement"]["reason"]["code"] in PLACING_TARGETS:
            return str(decision_content["placement"]["queue"])
        queues = (
            policy.destination_queue(t, decisions[t]["label"])
            for t in PLACING_TARGETS
            if t in decisions and decisions[t]["label"]
        )
        return next(queues, None)
    label = decisions.get(field, {}).get("label")
    return None if label is None else str(label)
