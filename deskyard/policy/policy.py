"""Policy: the rules that turn belief into deed. Pure, so that any decision can be computed again and compared.

    decide   predictions + contracts → what the evidence allows, target by target
    enact    those decisions + policy + the catalogue as it is now → what is done, and the queue

Nothing here reads a clock, a file or a database.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Literal, TypeVar

from deskyard.domain.catalogue import TRIAGE, Catalogue
from deskyard.domain.decision import Action, Decision, Prediction, Reason
from deskyard.domain.taxonomy import TaxonomyChange, TaxonomyLedger, build_ledger, make_translator
from deskyard.domain.ticket import PLACING_TARGETS, Target, Ticket
from deskyard.guarantees.contract import Contract

DEFAULT_BLIND_REVIEW_RATE: Final = 0.02
"""The share of routed tickets that a person sorts without seeing the machine's answer, unless a policy says another."""

Contracts = Mapping[Target, Contract]

_Value = TypeVar("_Value")

FORMER_KEYS: Final[Mapping[str, str]] = {"strangers": "out_of_scope_rate", "blind": "blind_review_rate"}
"""Top-level keys of policies under the names they had in earlier releases, each with its name today. Stored policies
are read under these, and digests are computed with them."""

_FIRST: Final = ("mode", "precision", "halted", "fallback", "targets", "queues", "pairs", "routes")
"""The fields of the first release: these are always part of the digest. Fields added since are part of it only where
they differ from their default, so this list never changes."""


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


@dataclass(frozen=True, slots=True)
class RetrainingRule:
    """When the model is trained anew by itself: after so much time (`7d`; "" is never), after so many corrections by
    people (0 is never), when drift asks for it. `promote`: it takes its place where it has earned it; else it waits for
    a person."""

    every: str = ""
    corrections: int = 0
    drift: bool = False
    promote: bool = False


@dataclass(frozen=True)
class Policy:
    """What was asked of the machine.

    The narrowest rule that says something wins: target in queue, queue, store (of tickets that live elsewhere), target,
    then `mode` and `precision` (None: what was asked when the model was trained). `halted` is the kill switch: nothing
    is routed whatever the rules say.
    `out_of_scope_rate` is the share (0..1) of tickets about matters never learnt that may slip through, whatever that
    costs (None: `guard.TOLERATED`, where it pays).
    `routes` sends a category to a queue; `fallback` is the queue of all that is not routed. `blind_review_rate` is the
    share (0..1) of routed tickets that a person sorts without seeing the answer (None: `DEFAULT_BLIND_REVIEW_RATE`).
    `tripped` holds the labels, target by target, that the circuit breaker has taken out
    (`deskyard.breaker.circuit_breaker`): they are suggested whatever the rules say.
    `retrain` says when a model is learnt anew (None: never by itself). `retention_days` is how long the texts of
    a solved ticket are kept that nobody touches any more (None: for ever).
    `taxonomy` is the ledger of labels that were renamed, merged, split and retired (`deskyard.domain.taxonomy`), in
    the order of their days.
    """

    mode: Mode = Mode.SUGGEST
    precision: float | None = None
    halted: bool = False
    fallback: str = TRIAGE
    out_of_scope_rate: float | None = None
    blind_review_rate: float | None = None
    targets: Mapping[Target, Rule] = field(default_factory=dict)
    queues: Mapping[str, Rule] = field(default_factory=dict)
    pairs: Mapping[str, Mapping[Target, Rule]] = field(default_factory=dict)
    stores: Mapping[str, Rule] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    tripped: Mapping[Target, tuple[str, ...]] = field(default_factory=dict)
    retrain: RetrainingRule | None = None
    retention_days: int | None = None
    taxonomy: tuple[TaxonomyChange, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal characters that name exactly this policy.

        A policy that was stored by an earlier release keeps its digest: fields that it did not know count only where
        they differ from their default, and renamed fields count under their first name.
        """
        first_names = {today: former for former, today in FORMER_KEYS.items()}
        counted = {
            first_names.get(name, name): value
            for name, value in asdict(self).items()
            if name in _FIRST or getattr(self, name) != getattr(_DEFAULT, name)
        }
        return hashlib.sha256(json.dumps(counted, sort_keys=True, default=date.isoformat).encode()).hexdigest()[:16]

    @property
    def effective_blind_review_rate(self) -> float:
        """The share (0..1) of routed tickets that a person sorts without seeing the answer."""
        return DEFAULT_BLIND_REVIEW_RATE if self.blind_review_rate is None else self.blind_review_rate

    def for_source(self, source: str) -> "Policy":
        """The policy as it holds for tickets of that source: a store's rule stands above those for targets."""
        mine = self.stores.get(source, Rule())
        if mine == Rule():
            return self
        return replace(
            self,
            mode=mine.mode or self.mode,
            precision=self.precision if mine.precision is None else mine.precision,
            targets={
                target: Rule(None if mine.mode else rule.mode, None if mine.precision else rule.precision)
                for target, rule in self.targets.items()
            },
        )

    def for_day(self, day: date) -> "Policy":
        """The policy as it holds on a day: what it says of a label that has another name by then holds for that name,
        unless that name has something said of its own. Where several are one by then, the more careful rule holds."""
        turns = tuple(turn for turn in self.taxonomy if turn.on <= day)
        if not turns:
            return self
        queue, category = make_translator(turns, "queue"), make_translator(turns, "category")
        routes = {name: queue(to) for name, to in self.routes.items()}
        routes = _rename_keys(routes, category, lambda one, other: one if one == other else "")
        bound = {label: queue(label) for turn in turns if turn.target == "queue" for label in turn.labels}
        return replace(
            self,
            fallback=queue(self.fallback),
            queues=_rename_keys(self.queues, queue, _stricter_rule),
            pairs=_rename_keys(self.pairs, queue, _stricter_rules),
            routes=bound | {label: to for label, to in routes.items() if to},
            tripped={
                target: tuple(sorted(set(map(make_translator(turns, target), labels))))
                for target, labels in self.tripped.items()
            },
        )

    def build_ledger(self, day: date, learnt: Sequence[Mapping[str, Any]] = ()) -> TaxonomyLedger:
        """The turns that hold on a day, for a model that has learnt some of them already
        (`Bundle.taxonomy_changes`)."""
        return build_ledger(self.taxonomy, day, learnt)

    def effective_rule(self, target: Target, queue: str | None) -> Rule:
        """What holds for a target when its ticket is bound for `queue`; both parts are said."""
        said = [self.targets.get(target, Rule()), Rule(self.mode, self.precision)]
        if queue is not None:
            said = [self.pairs.get(queue, {}).get(target, Rule()), self.queues.get(queue, Rule()), *said]
        return Rule(
            next(rule.mode for rule in said if rule.mode is not None),
            next((rule.precision for rule in said if rule.precision is not None), None),
        )

    def is_held_back(self, target: Target, label: str | None, queue: str | None) -> bool:
        """Whether the circuit breaker has taken a label out, or the queue that it would bring the ticket to."""
        if target in PLACING_TARGETS and queue in self.tripped.get("queue", ()):
            return True
        return label in self.tripped.get(target, ())

    def destination_queue(self, target: Target, label: str | None) -> str | None:
        """The queue that a label of `queue` or `category` means; None for other targets."""
        if label is None or target not in ("queue", "category"):
            return None
        return label if target == "queue" else self.routes.get(label, label)

    def select_contracts(
        self, contracts_at: Callable[[float | None, float | None], Contracts], predictions: Mapping[Target, Prediction]
    ) -> dict[Target, Contract]:
        """The contract of each predicted target at the precision that is asked where its ticket is bound for.

        `at` gives a model's contracts at a precision and an out-of-scope rate.
        """
        queue = next(
            (
                self.destination_queue(t, predictions[t].label)
                for t in PLACING_TARGETS
                if t in predictions and predictions[t].familiar
            ),
            None,
        )
        asked = {
            t: self.effective_rule(t, self.destination_queue(t, told.label) or queue).precision
            for t, told in predictions.items()
        }
        return {target: contracts_at(precision, self.out_of_scope_rate)[target] for target, precision in asked.items()}


_DEFAULT: Final = Policy()


def _rename_keys(
    values: Mapping[str, _Value], translate: Callable[[str], str], combine: Callable[[_Value, _Value], _Value]
) -> dict[str, _Value]:
    """What is said, under other names too; what a name says itself comes before what comes to it, and of several that
    come to it `both` makes one."""
    found: dict[str, _Value] = {}
    for old, what in values.items():
        new = translate(old)
        if new not in values:
            found[new] = combine(found[new], what) if new in found else what
    return {**values, **found}


def _stricter_rule(one: Rule, other: Rule) -> Rule:
    modes = [rule.mode for rule in (one, other) if rule.mode is not None]
    precisions = [rule.precision for rule in (one, other) if rule.precision is not None]
    return Rule(min(modes, key=list(Mode).index, default=None), max(precisions, default=None))


def _stricter_rules(one: Mapping[Target, Rule], other: Mapping[Target, Rule]) -> dict[Target, Rule]:
    return {
        **{target: _stricter_rule(rule, other.get(target, Rule())) for target, rule in one.items()},
        **{target: rule for target, rule in other.items() if target not in one},
    }


@dataclass(frozen=True, slots=True)
class Placement:
    """The queue a ticket goes to, and why."""

    queue: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A value that a ticket gets beside its queue, by the machine's decision or by a rule of the desk, and why."""

    field: str
    value: str
    source: Literal["machine", "rule"]
    reason: str


@dataclass(frozen=True, slots=True)
class RoutingResult:
    """What is done with a ticket: one decision a target, the queue, and the values set."""

    decisions: dict[Target, Decision]
    placement: Placement
    changes: tuple[FieldChange, ...]


def decide_targets(
    ticket: Ticket, predictions: Mapping[Target, Prediction], contracts: Contracts
) -> dict[Target, Decision]:
    """What the evidence allows: one decision for each predicted target."""
    return {
        target: _decide_target(predicted, contracts[target], ticket.blank) for target, predicted in predictions.items()
    }


def _decide_target(prediction: Prediction, contract: Contract, blank: bool) -> Decision:
    if blank:
        action, reason = Action.LEAVE, Reason("empty", "the ticket has no text")
    else:
        action, reason = contract.decide(prediction)
    decision = Decision(
        target=prediction.target,
        action=action,
        label=prediction.label,
        confidence=prediction.confidence,
        top=prediction.top,
        reasons=(reason,),
    )
    backed_off = contract.decide_parent(prediction, reason)
    if backed_off is None:
        return decision
    parent, confidence, why = backed_off
    return replace(decision, action=Action.ROUTE, label=parent, confidence=confidence, reasons=(why, reason))


def apply_policy(
    decisions: Mapping[Target, Decision], policy: Policy, catalogue: Catalogue, triage_reason: Reason | None = None
) -> RoutingResult:
    """What is done: the modes are obeyed, and the ticket gets its queue and values that stand in the catalogue.

    The queue is the one decided, else the one its category is bound for, else the fallback (triage where that is not
    open); `to_triage` says why it can go nowhere but triage. An assignee is only set where a queue was decided, and
    only a present agent of that queue. What nobody decided gets the queue's default.
    """
    placing = {
        t: _apply_mode(decisions[t], policy, policy.destination_queue(t, decisions[t].label))
        for t in PLACING_TARGETS
        if t in decisions
    }
    placement = Placement(TRIAGE, triage_reason) if triage_reason else _choose_placement(placing, policy, catalogue)
    done = {}
    for target, decision in decisions.items():
        done[target] = placing.get(target) or _apply_mode(decision, policy, placement.queue)
        if target == "assignee" and done[target].action is Action.ROUTE:
            done[target] = _check_assignee(done[target], placement, catalogue)
    return RoutingResult(done, placement, tuple(_field_changes(done, placement.queue, catalogue)))


def _check_assignee(decision: Decision, placement: Placement, catalogue: Catalogue) -> Decision:
    """The decision for the assignee as far as the ticket's queue and those who serve it let it go."""
    if placement.reason.code not in PLACING_TARGETS:
        return _downgrade(decision, Action.SUGGEST, Reason("not_placed", "the ticket has no queue yet"))
    if not catalogue.serves(decision.label or "", placement.queue):
        absent = f"{decision.label!r} is not a present agent of {placement.queue!r}"
        return _downgrade(decision, Action.SUGGEST, Reason("not_serving", absent))
    return decision


def _field_changes(decisions: Mapping[Target, Decision], queue: str, catalogue: Catalogue) -> Iterator[FieldChange]:
    set_already = set()
    for target, decision in decisions.items():
        if target != "queue" and decision.action is Action.ROUTE and decision.label is not None:
            set_already.add(target)
            yield FieldChange(target, decision.label, "machine", decision.reasons[0].text)
    for field_, value in catalogue.queues.get(queue, {}).items():
        if field_ not in set_already:
            yield FieldChange(field_, value, "rule", f"the default of {queue!r}")


def _apply_mode(decision: Decision, policy: Policy, queue: str | None) -> Decision:
    """The decision as far as the mode lets it go."""
    mode = policy.effective_rule(decision.target, queue).mode
    if mode is Mode.OFF:
        return _downgrade(decision, Action.LEAVE, Reason("off", "the policy has switched this off"))
    if decision.action is not Action.ROUTE:
        return decision
    if policy.halted:
        return _downgrade(decision, Action.SUGGEST, Reason("halted", "the kill switch is on: nothing is routed"))
    if policy.is_held_back(decision.target, decision.label, queue):
        broke = f"the circuit breaker holds {decision.label!r} back: too many of its tickets went wrong lately"
        return _downgrade(decision, Action.SUGGEST, Reason("tripped", broke))
    if mode is Mode.SHADOW:
        return _downgrade(
            decision, Action.SUGGEST, Reason("shadow", "shadow mode: it would be set, and is only recorded")
        )
    if mode is Mode.SUGGEST:
        return _downgrade(decision, Action.SUGGEST, Reason("suggest", "the policy asks to suggest, not to route"))
    return decision


def _downgrade(decision: Decision, action: Action, reason: Reason) -> Decision:
    return replace(decision, action=action, reasons=(reason, *decision.reasons))


def _choose_placement(placing: Mapping[Target, Decision], policy: Policy, catalogue: Catalogue) -> Placement:
    reasons: list[str] = []
    for target, decision in placing.items():
        queue = policy.destination_queue(target, decision.label)
        if decision.action is not Action.ROUTE or queue is None:
            reasons.append(f"{target}: {decision.reasons[0].text}")
        elif queue in catalogue.queues:
            return Placement(queue, Reason(target, _placement_text(target, decision.label, queue)))
        else:
            reasons.append(f"{target} {queue!r} is not an open queue of this desk")
    fallback = policy.fallback if policy.fallback in catalogue.queues else TRIAGE
    return Placement(fallback, Reason("triage", "; ".join(reasons) or "no model has learnt queues or categories"))


def _placement_text(target: Target, label: str | None, queue: str) -> str:
    return f"{target} {label!r} was decided" + ("" if label == queue else f", which the policy routes to {queue!r}")
