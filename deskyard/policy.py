"""Policy: the rules that turn belief into deed. Pure, so that any decision can be computed again and compared.

In come predictions, contracts and the queues that are open; out go decisions and the queue. Nothing here reads a
clock, a file or a database.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Final

from deskyard.contract import Contract
from deskyard.decision import Action, Decision, Prediction, Reason
from deskyard.ticket import Target, Ticket

TRIAGE: Final = "triage"
"""The queue of the built-in desk where a person sorts what the machine left."""


@dataclass(frozen=True)
class Policy:
    """What was asked of the machine. `precision` None means: what was asked when the model was trained."""

    precision: float | None = None

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal characters that name exactly this policy."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Placement:
    """The queue a ticket goes to, and why."""

    queue: str
    reason: Reason


def decide(
    ticket: Ticket, predictions: Mapping[Target, Prediction], contracts: Mapping[Target, Contract]
) -> dict[Target, Decision]:
    """One decision for each predicted target."""
    empty = not (ticket.subject.strip() or ticket.body.strip())
    return {target: _decide(predicted, contracts[target], empty) for target, predicted in predictions.items()}


def _decide(prediction: Prediction, contract: Contract, empty: bool) -> Decision:
    if empty:
        action, reason = Action.LEAVE, Reason("empty", "the ticket has no text")
    else:
        action, reason = contract.allows(prediction)
    return Decision(
        target=prediction.target,
        action=action,
        label=prediction.label,
        confidence=prediction.confidence,
        top=prediction.top,
        reasons=(reason,),
    )


def place(decisions: Mapping[Target, Decision], open_queues: Collection[str]) -> Placement:
    """Where the ticket goes: the queue that was decided, else the queue that bears the category's name, else triage."""
    reasons: list[str] = []
    for target in ("queue", "category"):
        decision = decisions.get(target)
        if decision is None:
            continue
        if decision.action is not Action.ROUTE or decision.label is None:
            reasons.append(f"{target}: {decision.reasons[0].text}")
        elif decision.label in open_queues:
            return Placement(decision.label, Reason(target, f"{target} {decision.label!r} was decided"))
        else:
            reasons.append(f"{target} {decision.label!r} is not an open queue of this desk")
    return Placement(TRIAGE, Reason("triage", "; ".join(reasons) or "no model has learnt queues or categories"))
