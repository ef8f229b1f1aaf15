"""Choices: what a decision offers a person who sorts its ticket, and what it said in one word.

In come a decision as the journal keeps it and the policy, out come queues with the machine's belief in each.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deskyard.policy.policy import PLACING, TRIAGE, Policy

MOST: Final = 5
"""Choices that are offered: one for each key."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A queue, and how much the machine believes in it (0..1)."""

    queue: str
    share: float


def offered(decided: Mapping[str, Any], policy: Policy, open_queues: Collection[str]) -> list[Choice]:
    """The open queues that a ticket may belong to, the most probable first.

    They are those that were predicted, else those that the predicted categories are bound for.

    >>> top = [{"label": "Refund", "confidence": 0.6}, {"label": "Bill", "confidence": 0.3}]
    >>> decided = {"decisions": {"category": {"top": top}}}
    >>> offered(decided, Policy(routes={"Refund": "Money", "Bill": "Money"}), {"Money"})
    [Choice(queue='Money', share=0.9)]
    """
    for target in PLACING:
        found: defaultdict[str, float] = defaultdict(float)
        for one in decided["decisions"].get(target, {}).get("top", ()):
            queue = policy.bound_for(target, one["label"])
            if queue is not None and queue in open_queues and queue not in (TRIAGE, policy.fallback):
                found[queue] += one["confidence"]
        if found:
            ranked = sorted(found.items(), key=lambda one: -one[1])
            return [Choice(queue, round(share, 12)) for queue, share in ranked[:MOST]]
    return []


def said(decided: Mapping[str, Any], policy: Policy, field: str) -> str | None:
    """What the machine said of a field; None where it said nothing."""
    decisions = decided["decisions"]
    if field == "queue":
        if decided["placement"]["reason"]["code"] in PLACING:
            return str(decided["placement"]["queue"])
        told = (policy.bound_for(t, decisions[t]["label"]) for t in PLACING if t in decisions and decisions[t]["label"])
        return next(told, None)
    label = decisions.get(field, {}).get("label")
    return None if label is None else str(label)
