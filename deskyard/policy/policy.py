"""The policy: the rules that turn predictions into actions.

    decide_targets   predictions + contracts → what the contracts allow, one decision a target
    apply_policy     these decisions + policy + current catalogue → the actions, the queue and the values set

Nothing here reads a clock, a file or a database, so that any decision can be computed again and compared.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Literal, TypeVar

from deskyard.domain.catalogue import TRIAGE, Catalogue
from deskyard.domain.decision import Action, Decision, Prediction, Reason
from deskyard.domain.label_spelling import select_spellings, spell_as
from deskyard.domain.taxonomy import TaxonomyChange, TaxonomyLedger, build_ledger, make_translator
from deskyard.domain.ticket import PLACING_TARGETS, Target, Ticket
from deskyard.guarantees.contract import Contract

DEFAULT_BLIND_REVIEW_RATE: Final = 0.02
"""The share (0..1) of routed tickets that are blindly reviewed, unless the policy has another."""

Contracts = Mapping[Target, Contract]

_Value = TypeVar("_Value")

FORMER_KEYS: Final[Mapping[str, str]] = {"strangers": "out_of_scope_rate", "blind": "blind_review_rate"}
"""Top-level keys of earlier releases, each with its present name. Stored policies may have them, and digests are
computed with them."""

_FIRST: Final = ("mode", "precision", "halted", "fallback", "targets", "queues", "pairs", "routes")
"""The fields of the first release, which are always part of the digest. Fields added since are part of it only where
they differ from their default, so this list never changes."""


class Mode(StrEnum):
    """How far the model may go: do nothing, record its decisions, suggest them, or set the values."""

    OFF = "off"
    SHADOW = "shadow"
    SUGGEST = "suggest"
    ROUTE = "route"


@dataclass(frozen=True, slots=True)
class Rule:
    """The mode and the required precision (0..1) of a target, a queue, a target in a queue, or a ticket store; None
    leaves a value to the wider rule."""

    mode: Mode | None = None
    precision: float | None = None


@dataclass(frozen=True, slots=True)
class RetrainingRule:
    """When a model is trained automatically: after a time (such as "7d"; "": never), after so many `corrections` by
    people (0: never), or when `drift` is found. `promote`: the new model is put in use if it is better than the present
    one; otherwise a person decides."""

    every: str = ""
    corrections: int = 0
    drift: bool = False
    promote: bool = False


@dataclass(frozen=True)
class Policy:
    """The rules that are in force.

    The most specific rule that has a value wins: target in a queue (`pairs`: queue → target → rule), queue, ticket
    store, target, and then `mode` and `precision` (0..1; None: as the model was trained).

    - `halted`: the kill switch; nothing is routed, whatever the rules say.
    - `fallback`: the queue of tickets that are not routed.
    - `out_of_scope_rate`: the share (0..1) of out-of-scope tickets that may be routed, whatever it costs in coverage
      (None: the default of `deskyard.guarantees.out_of_scope_guard`, where its cost is reasonable).
    - `blind_review_rate`: the share (0..1) of routed tickets that are blindly reviewed (None:
      `DEFAULT_BLIND_REVIEW_RATE`).
    - `routes`: category → queue.
    - `tripped`: target → labels for which the circuit breaker is open: they are only suggested, whatever the rules say.
    - `retrain`: when a model is trained automatically (None: never).
    - `retention_days`: the days after which the texts of an unchanged solved ticket are erased (None: never).
    - `taxonomy`: the taxonomy changes, by date.
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
        """Sixteen hexadecimal characters that identify this policy.

        A policy that an earlier release stored keeps its digest: fields that the release did not have are part of it
        only where they differ from their default, and renamed fields are part of it under their first name.
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
        """The share (0..1) of routed tickets that are blindly reviewed."""
        return DEFAULT_BLIND_REVIEW_RATE if self.blind_review_rate is None else self.blind_review_rate

    def for_source(self, source: str) -> "Policy":
        """The policy for tickets of a source: the rule of a ticket store overrides those for targets."""
        store_rule = self.stores.get(source, Rule())
        if store_rule == Rule():
            return self
        return replace(
            self,
            mode=store_rule.mode or self.mode,
            precision=self.precision if store_rule.precision is None else store_rule.precision,
            targets={
                target: Rule(None if store_rule.mode else rule.mode, None if store_rule.precision else rule.precision)
                for target, rule in self.targets.items()
            },
        )

    def for_day(self, day: date) -> "Policy":
        """The policy in the labels of a day. Rules for a label that has a new name by then apply to that name, unless
        the policy has rules for it; of rules for merged labels, the stricter applies."""
        changes = tuple(change for change in self.taxonomy if change.on <= day)
        if not changes:
            return self
        queue, category = make_translator(changes, "queue"), make_translator(changes, "category")
        routes = {name: queue(to) for name, to in self.routes.items()}
        routes = _rename_keys(routes, category, lambda one, other: one if one == other else "")
        renamed = {label: queue(label) for change in changes if change.target == "queue" for label in change.labels}
        return replace(
            self,
            fallback=queue(self.fallback),
            queues=_rename_keys(self.queues, queue, _stricter_rule),
            pairs=_rename_keys(self.pairs, queue, _stricter_rules),
            routes=renamed | {label: to for label, to in routes.items() if to},
            tripped={
                target: tuple(sorted(set(map(make_translator(changes, target), labels))))
                for target, labels in self.tripped.items()
            },
        )

    def build_ledger(self, day: date, trained_with: Sequence[Mapping[str, Any]] = ()) -> TaxonomyLedger:
        """The taxonomy changes that apply on a day, for a model that was trained with those given
        (`Bundle.taxonomy_changes`)."""
        return build_ledger(self.taxonomy, day, trained_with)

    def effective_rule(self, target: Target, queue: str | None, desk_queues: Collection[str] = ()) -> Rule:
        """The mode and the required precision of a target if the ticket goes to `queue`; the mode is never None.

        A rule also holds for another spelling of its queue, unless that is another one of `desk_queues`.
        """
        rules = [self.targets.get(target, Rule()), Rule(self.mode, self.precision)]
        if queue is not None:
            pair = self.pairs.get(spell_as(queue, self.pairs, desk_queues), {}).get(target, Rule())
            rules = [pair, self.queues.get(spell_as(queue, self.queues, desk_queues), Rule()), *rules]
        return Rule(
            next(rule.mode for rule in rules if rule.mode is not None),
            next((rule.precision for rule in rules if rule.precision is not None), None),
        )

    def is_held_back(
        self, target: Target, label: str | None, queue: str | None, desk_queues: Collection[str] = ()
    ) -> bool:
        """Whether the circuit breaker is open for a label, or for the queue that the ticket would go to by it."""
        names = [(label, self.tripped.get(target, ()))]
        if target in PLACING_TARGETS:
            names.append((queue, self.tripped.get("queue", ())))
        return any(name is not None and spell_as(name, tripped, desk_queues) in tripped for name, tripped in names)

    def destination_queue(self, target: Target, label: str | None) -> str | None:
        """The queue that a ticket goes to by a label of `queue` or `category`; None for other targets."""
        if label is None or target not in ("queue", "category"):
            return None
        return label if target == "queue" else self.routes.get(spell_as(label, self.routes), label)

    def select_contracts(
        self, contracts_at: Callable[[float | None, float | None], Contracts], predictions: Mapping[Target, Prediction]
    ) -> dict[Target, Contract]:
        """The contract of each predicted target, at the precision that is required where the ticket would go.

        `contracts_at` returns a model's contracts for a required precision and an out-of-scope rate.
        """
        queue = next(
            (
                self.destination_queue(t, predictions[t].label)
                for t in PLACING_TARGETS
                if t in predictions and predictions[t].familiar
            ),
            None,
        )
        required = {
            target: self.effective_rule(target, self.destination_queue(target, prediction.label) or queue).precision
            for target, prediction in predictions.items()
        }
        return {
            target: contracts_at(precision, self.out_of_scope_rate)[target] for target, precision in required.items()
        }


_DEFAULT: Final = Policy()


def _rename_keys(
    values: Mapping[str, _Value], translate: Callable[[str], str], combine: Callable[[_Value, _Value], _Value]
) -> dict[str, _Value]:
    """The values, also under the translated keys. A key that exists keeps its own value; values of several keys with
    the same translation are combined."""
    translated: dict[str, _Value] = {}
    for old, value in values.items():
        new = translate(old)
        if new not in values:
            translated[new] = combine(translated[new], value) if new in translated else value
    return {**values, **translated}


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
    """A value that a ticket gets besides its queue, from the model or from a rule of the desk, and why."""

    field: str
    value: str
    source: Literal["machine", "rule"]
    reason: str


@dataclass(frozen=True, slots=True)
class RoutingResult:
    """What is done with a ticket: a decision for each target, its queue, and the values that are set."""

    decisions: dict[Target, Decision]
    placement: Placement
    changes: tuple[FieldChange, ...]


def decide_targets(
    ticket: Ticket, predictions: Mapping[Target, Prediction], contracts: Contracts
) -> dict[Target, Decision]:
    """What the contracts allow: a decision for each predicted target."""
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
    parent_decision = contract.decide_parent(prediction, reason)
    if parent_decision is None:
        return decision
    parent, confidence, parent_reason = parent_decision
    return replace(decision, action=Action.ROUTE, label=parent, confidence=confidence, reasons=(parent_reason, reason))


def apply_policy(
    decisions: Mapping[Target, Decision], policy: Policy, catalogue: Catalogue, triage_reason: Reason | None = None
) -> RoutingResult:
    """Apply the modes of the policy to the decisions, and choose the ticket's queue and values from the catalogue.

    The queue is the one that was decided, else the one of the decided category, else the fallback (triage if that is
    not open). With a `triage_reason` the ticket can only go to triage. An assignee is set only with a decided queue,
    and only a present agent of that queue. Fields without a decision get the queue's default.
    """
    placing = {
        t: _apply_mode(decisions[t], policy, _destination_queue(decisions[t], policy, catalogue), catalogue)
        for t in PLACING_TARGETS
        if t in decisions
    }
    placement = Placement(TRIAGE, triage_reason) if triage_reason else _choose_placement(placing, policy, catalogue)
    applied = {}
    for target, decision in decisions.items():
        applied[target] = placing.get(target) or _apply_mode(decision, policy, placement.queue, catalogue)
        if target == "assignee" and applied[target].action is Action.ROUTE:
            applied[target] = _check_assignee(applied[target], placement, catalogue)
    return RoutingResult(applied, placement, tuple(_field_changes(applied, placement.queue, catalogue)))


def _check_assignee(decision: Decision, placement: Placement, catalogue: Catalogue) -> Decision:
    """The decision for the assignee; only suggested if the ticket has no decided queue or the agent does not serve
    it."""
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


def _apply_mode(decision: Decision, policy: Policy, queue: str | None, catalogue: Catalogue) -> Decision:
    """The decision with the action that the mode, the kill switch and the circuit breaker allow."""
    mode = policy.effective_rule(decision.target, queue, catalogue.queues).mode
    if mode is Mode.OFF:
        return _downgrade(decision, Action.LEAVE, Reason("off", "the policy has switched this off"))
    if decision.action is not Action.ROUTE:
        return decision
    if policy.halted:
        return _downgrade(decision, Action.SUGGEST, Reason("halted", "the kill switch is on: nothing is routed"))
    if policy.is_held_back(decision.target, decision.label, queue, catalogue.queues):
        tripped = f"the circuit breaker holds {decision.label!r} back: too many of its tickets went wrong lately"
        return _downgrade(decision, Action.SUGGEST, Reason("tripped", tripped))
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
        queue = _destination_queue(decision, policy, catalogue)
        if decision.action is not Action.ROUTE or queue is None:
            reasons.append(f"{target}: {decision.reasons[0].text}")
        elif queue in catalogue.queues:
            return Placement(queue, Reason(target, _placement_text(target, decision.label, queue)))
        elif len(several := select_spellings(catalogue.queues, [queue])) > 1:
            reasons.append(f"{target} {queue!r} may be any of the queues {', '.join(map(repr, several))}")
        else:
            reasons.append(f"{target} {queue!r} is not an open queue of this desk")
    fallback = policy.fallback if policy.fallback in catalogue.queues else TRIAGE
    return Placement(fallback, Reason("triage", "; ".join(reasons) or "the model predicts neither queue nor category"))


def _destination_queue(decision: Decision, policy: Policy, catalogue: Catalogue) -> str | None:
    """The queue that a decision leads to, as the desk spells it."""
    queue = policy.destination_queue(decision.target, decision.label)
    return None if queue is None else catalogue.spell("queue", queue)


def _placement_text(target: Target, label: str | None, queue: str) -> str:
    return f"{target} {label!r} was decided" + ("" if label == queue else f", which the policy routes to {queue!r}")
