"""Policy: the rules that turn belief into deed. Pure, so that any decision can be computed again and compared.

    decide   predictions + contracts → what the evidence allows, target by target
    enact    those decisions + policy + the queues that are open → what is done, and the queue

Nothing here reads a clock, a file or a database.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from deskyard.contract import Contract
from deskyard.decision import Action, Decision, Prediction, Reason
from deskyard.ticket import Target, Ticket

TRIAGE: Final = "triage"
"""The queue of the built-in desk where a person sorts what the machine left."""

Contracts = Mapping[Target, Contract]


class Mode(StrEnum):
    """How far the machine may go: stay out, decide and only record it, show it, or set it."""

    OFF = "off"
    SHADOW = "shadow"
    SUGGEST = "suggest"
    ROUTE = "route"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is asked for one target, one queue, or one target in one queue; None leaves it to the wider rule."""

    mode: Mode | None = None
    precision: float | None = None


@dataclass(frozen=True)
class Policy:
    """What was asked of the machine.

    The narrowest rule that says something wins: target in queue, queue, target, then `mode` and `precision` (None: what
    was asked when the model was trained). `halted` is the kill switch: nothing is routed whatever the rules say.
    `routes` sends a category to a queue; `fallback` is the queue of all that is not routed.
    """

    mode: Mode = Mode.SUGGEST
    precision: float | None = None
    halted: bool = False
    fallback: str = TRIAGE
    targets: Mapping[Target, Rule] = field(default_factory=dict)
    queues: Mapping[str, Rule] = field(default_factory=dict)
    pairs: Mapping[str, Mapping[Target, Rule]] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal characters that name exactly this policy."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def rule(self, target: Target, queue: str | None) -> Rule:
        """What holds for a target when its ticket is bound for `queue`; both parts are said."""
        said = [self.targets.get(target, Rule()), Rule(self.mode, self.precision)]
        if queue is not None:
            said = [self.pairs.get(queue, {}).get(target, Rule()), self.queues.get(queue, Rule()), *said]
        return Rule(
            next(rule.mode for rule in said if rule.mode is not None),
            next((rule.precision for rule in said if rule.precision is not None), None),
        )

    def bound_for(self, target: Target, label: str | None) -> str | None:
        """The queue that a label of `queue` or `category` means; None for other targets."""
        if label is None or target not in ("queue", "category"):
            return None
        return label if target == "queue" else self.routes.get(label, label)

    def contracts(
        self, at: Callable[[float | None], Contracts], predictions: Mapping[Target, Prediction]
    ) -> dict[Target, Contract]:
        """The contract of each predicted target at the precision that is asked where its ticket is bound for.

        `at` gives a model's contracts at a precision.
        """
        queue = next(
            (self.bound_for(t, predictions[t].label) for t in _PLACING if t in predictions and predictions[t].familiar),
            None,
        )
        return {
            target: at(self.rule(target, self.bound_for(target, predicted.label) or queue).precision)[target]
            for target, predicted in predictions.items()
        }


@dataclass(frozen=True, slots=True)
class Placement:
    """The queue a ticket goes to, and why."""

    queue: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done with a ticket: one decision a target, and the queue."""

    decisions: dict[Target, Decision]
    placement: Placement


_PLACING: Final[tuple[Target, ...]] = ("queue", "category")
"""The targets that can place a ticket, in the order they are asked."""


def decide(ticket: Ticket, predictions: Mapping[Target, Prediction], contracts: Contracts) -> dict[Target, Decision]:
    """What the evidence allows: one decision for each predicted target."""
    return {target: _decide(predicted, contracts[target], ticket.blank) for target, predicted in predictions.items()}


def _decide(prediction: Prediction, contract: Contract, blank: bool) -> Decision:
    if blank:
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


def enact(decisions: Mapping[Target, Decision], policy: Policy, open_queues: Collection[str]) -> Verdict:
    """What is done: the modes are obeyed, and the ticket gets its queue.

    The queue is the one decided, else the one its category is bound for, else the fallback (triage where that is not
    open). An assignee is only set where a queue was decided.
    """
    placing = {
        t: _obey(decisions[t], policy, policy.bound_for(t, decisions[t].label)) for t in _PLACING if t in decisions
    }
    placement = _place(placing, policy, open_queues)
    done = {}
    for target, decision in decisions.items():
        if target in placing:
            done[target] = placing[target]
            continue
        done[target] = _obey(decision, policy, placement.queue)
        if target == "assignee" and placement.reason.code == "triage" and done[target].action is Action.ROUTE:
            done[target] = _only(done[target], Action.SUGGEST, Reason("not_placed", "the ticket has no queue yet"))
    return Verdict(done, placement)


def _obey(decision: Decision, policy: Policy, queue: str | None) -> Decision:
    """The decision as far as the mode lets it go."""
    mode = policy.rule(decision.target, queue).mode
    if mode is Mode.OFF:
        return _only(decision, Action.LEAVE, Reason("off", "the policy has switched this off"))
    if decision.action is not Action.ROUTE:
        return decision
    if policy.halted:
        return _only(decision, Action.SUGGEST, Reason("halted", "the kill switch is on: nothing is routed"))
    if mode is Mode.SHADOW:
        return _only(decision, Action.SUGGEST, Reason("shadow", "shadow mode: it would be set, and is only recorded"))
    if mode is Mode.SUGGEST:
        return _only(decision, Action.SUGGEST, Reason("suggest", "the policy asks to suggest, not to route"))
    return decision


def _only(decision: Decision, action: Action, reason: Reason) -> Decision:
    return replace(decision, action=action, reasons=(reason, *decision.reasons))


def _place(placing: Mapping[Target, Decision], policy: Policy, open_queues: Collection[str]) -> Placement:
    reasons: list[str] = []
    for target, decision in placing.items():
        queue = policy.bound_for(target, decision.label)
        if decision.action is not Action.ROUTE or queue is None:
            reasons.append(f"{target}: {decision.reasons[0].text}")
        elif queue in open_queues:
            return Placement(queue, Reason(target, _found(target, decision.label, queue)))
        else:
            reasons.append(f"{target} {queue!r} is not an open queue of this desk")
    fallback = policy.fallback if policy.fallback in open_queues else TRIAGE
    return Placement(fallback, Reason("triage", "; ".join(reasons) or "no model has learnt queues or categories"))


def _found(target: Target, label: str | None, queue: str) -> str:
    return f"{target} {label!r} was decided" + ("" if label == queue else f", which the policy routes to {queue!r}")
