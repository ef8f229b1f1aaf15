"""Facts of a ticket for the reports, computed from its journal entries; pure.

A target that deskyard set is `routed` (for a ticket of another help desk: what was really written there), one that it
showed is `suggested`, the rest is `left`. The actual label is known when the ticket is solved: its value then, unless a
rule filled it in and nobody chose it. Unchanged labels thus count as correct, which is optimistic; blind reviews
(`deskyard.analytics.accuracy`) give the unbiased estimate.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from deskyard.desk.overview import routing_outcome
from deskyard.domain.actors import ANONYMOUS_REQUESTER
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.label_hierarchy import is_below
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import TARGETS
from deskyard.journal.journal import (
    CHANGED,
    COMMENTED,
    CONFIRMED,
    CORRECTED,
    DECIDED,
    DELIVERED,
    DELIVERY_REQUESTED,
    PLACED,
    RECEIVED,
    UNDONE,
    JournalEntry,
    is_same_value,
)

RULES_VERSION: Final = 4
"""Increased when the same journal would give other facts; everything is then counted again."""

UNKNOWN_RANK: Final = -1
"""The rank where the actual label is not known yet, or where nothing was predicted."""

MAX_RANK: Final = 3
"""The number of predictions that a person is shown."""

ROUTED, SUGGESTED, LEFT = ROUTING_OUTCOMES = ("routed", "suggested", "left")

_ACTION_OUTCOMES: Final = {"route": ROUTED, "suggest": SUGGESTED, "leave": LEFT}


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """A target of a ticket, under the column names of the report tables: its outcome (`fate`), the predicted label
    (`said`), the actual one (`truth`, "": not known) and its rank among the predictions (`place`); the label that a
    person last chose (`heard`, "": none), and whether it is the predicted one (`agreed`)."""

    fate: str
    said: str
    truth: str
    place: int
    heard: str = ""
    agreed: bool = False


@dataclass(frozen=True, slots=True)
class QueueMove:
    """A reassignment of a triaged ticket by a person; `back`: to a queue where it had been before."""

    was: str
    became: str
    back: bool


@dataclass(slots=True)
class TicketFacts:
    """What the entries that were read so far say of a ticket; seconds count from its arrival."""

    received_at: datetime
    source: str = ""
    decided_queue: str = ""
    first_queue: str = ""
    decision: dict[str, Any] = field(default_factory=dict)
    values: dict[str, str | None] = field(default_factory=dict)
    set_by: dict[str, str] = field(default_factory=dict)
    human_labels: dict[str, str] = field(default_factory=dict)
    requested_fields: set[str] | None = None
    delivered_fields: set[str] = field(default_factory=set)
    visited_queues: list[str] = field(default_factory=list)
    moves: list[QueueMove] = field(default_factory=list)
    is_triaged: bool = False
    public_replies: list[datetime] = field(default_factory=list)
    solved_at: datetime | None = None

    @property
    def queue(self) -> str:
        """The queue of the ticket."""
        return self.values.get("queue") or TRIAGE

    @property
    def is_solved(self) -> bool:
        """Whether it is resolved or closed."""
        return is_solved(self.values.get("status"))

    @property
    def routing_outcome(self) -> str:
        """The outcome of its queue when it was received."""
        return self.target_facts("queue").fate

    @property
    def first_response(self) -> int | None:
        """Seconds to the first public comment of an agent; None without one."""
        return _seconds_between(self.received_at, self.public_replies[0]) if self.public_replies else None

    @property
    def resolution(self) -> int | None:
        """Seconds until it was finally solved; None while it is not."""
        return _seconds_between(self.received_at, self.solved_at) if self.is_solved and self.solved_at else None

    @property
    def replies(self) -> int | None:
        """Public comments of agents until then."""
        end = self.solved_at
        return sum(at <= end for at in self.public_replies) if self.is_solved and end else None

    @property
    def has_returned(self) -> bool:
        """Whether it came back to a queue it had left."""
        return any(move.back for move in self.moves)

    def target_facts(self, target: str) -> TargetFacts:
        """The predicted and the actual label of a target."""
        decision = self.decision.get("decisions", {}).get(target)
        target_outcome = self._target_outcome(target, decision)
        predicted, others = self._predicted_label(target, decision, target_outcome)
        ranked = [predicted, *others]
        truth = self._spell_as_predicted(target, self._true_label(target, target_outcome), ranked)
        human_label = self._spell_as_predicted(target, self.human_labels.get(target, ""), ranked)
        parent = _is_parent_decision(decision)
        rank = _truth_rank(predicted, others, truth, parent)
        agreed = _truth_rank(predicted, others, human_label, parent) == 1
        return TargetFacts(target_outcome, predicted, truth, rank, human_label, agreed)

    def _target_outcome(self, target: str, decision: Mapping[str, Any] | None) -> str:
        if target == "queue":
            outcome = routing_outcome(self.decision) if self.decision else LEFT
        else:
            outcome = _ACTION_OUTCOMES[decision["action"]] if decision else LEFT
        return SUGGESTED if outcome == ROUTED and not self._is_carried_out(target) else outcome

    def _is_carried_out(self, target: str) -> bool:
        """Whether the decision was carried out: in an external help desk a person may have been faster."""
        here = self.decided_queue == self.first_queue
        return (
            here if self.requested_fields is None or (here and target == "queue") else target in self.delivered_fields
        )

    def _predicted_label(
        self, target: str, decision: Mapping[str, Any] | None, target_outcome: str
    ) -> tuple[str, list[str]]:
        top = [str(one["label"]) for one in decision["top"]] if decision else []
        predicted = str(decision["label"] or "") if decision else ""
        if target == "queue" and target_outcome == ROUTED:
            predicted = self.decision["placement"]["queue"]
        return predicted, [label for label in top if label != predicted]

    def _spell_as_predicted(self, target: str, label: str, ranked: Iterable[str]) -> str:
        """The prediction that is the same label, in its own spelling; the label itself where there is none."""
        same = (one for one in ranked if one and is_same_value(self.decision, target, one, label))
        return label if label in ranked else next(same, label)

    def _true_label(self, target: str, target_outcome: str) -> str:
        value = self.values.get(target)
        if not self.is_solved or not value or self.set_by.get(target) == "rule":
            return ""
        return "" if target == "queue" and value == TRIAGE and target_outcome != ROUTED else value


def collect_facts(
    entries: Iterable[JournalEntry], current_values: Mapping[str, str | None] | None = None
) -> TicketFacts:
    """The facts of a ticket; `current_values`: its values in the desk now and its requester (None: erased)."""
    found: TicketFacts | None = None
    requester = (current_values or {}).get("requester") or ANONYMOUS_REQUESTER
    for entry in sorted(entries, key=lambda one: (one.at, one.id)):
        found = found or TicketFacts(entry.at)
        _HANDLERS.get(entry.kind, _ignore_entry)(found, entry, requester)
    if found is None:
        raise ValueError("a ticket without entries has no facts")
    found.values |= {name: value for name, value in (current_values or {}).items() if name != "requester"}
    return found


def _ignore_entry(facts: TicketFacts, entry: JournalEntry, requester: str) -> None:
    pass


def _on_received(facts: TicketFacts, entry: JournalEntry, requester: str) -> None:
    facts.received_at, facts.source = entry.at, str(entry.content.get("source", ""))


def _on_decided(facts: TicketFacts, entry: JournalEntry, requester: str) -> None:
    facts.decision, facts.requested_fields, facts.delivered_fields = entry.content, None, set()
    facts.human_labels.clear()
    facts.decided_queue = entry.content["placement"]["queue"]
    for name, value in entry.content.get("set", {}).items():
        facts.values[name], facts.set_by[name] = value, _value_source(facts, name, value)


def _on_placed(facts: TicketFacts, entry: JournalEntry, requester: str) -> None:
    facts.first_queue = entry.content["queue"]
    facts.values["queue"], facts.visited_queues = facts.first_queue, [facts.first_queue]
    if facts.first_queue != facts.decided_queue:  # a ticket of another help desk: nothing has been written there yet
        _clear_decided_values(facts)
    facts.is_triaged = (
        facts.first_queue == facts.decided_queue and bool(facts.decision) and routing_outcome(facts.decision) == ROUTED
    )


def _clear_decided_values(facts: TicketFacts) -> None:
    """Forget the decided values, which have not been written yet."""
    facts.requested_fields = set()
    for name in facts.decision.get("set", {}):
        facts.values.pop(name, None)
        facts.set_by.pop(name, None)


def _on_step(facts: TicketFacts, entry: JournalEntry, requester: str) -> None:
    name, was, became, by = (entry.content[key] for key in ("field", "from", "to", "kind"))
    facts.values[name], facts.set_by[name] = became, by
    if by == "person" and became:
        facts.human_labels[name] = became
    if name == "status":
        _update_status(facts, was, became, entry.at)
    elif name == "queue" and became and became != was:
        _record_move(facts, str(was or ""), str(became), by)


def _update_status(facts: TicketFacts, was: str | None, became: str | None, at: datetime) -> None:
    if is_solved(became) and not is_solved(was):
        facts.solved_at = at
    elif not is_solved(became):
        facts.solved_at = None


def _record_move(facts: TicketFacts, was: str, became: str, by: str) -> None:
    if by == "person" and facts.is_triaged:
        facts.moves.append(QueueMove(was, became, became in facts.visited_queues and became != TRIAGE))
    facts.is_triaged = became != TRIAGE
    facts.visited_queues.append(became)


def _on_undone(facts: TicketFacts, entry: JournalEntry, requester: str) -> None:
    """A decision, or a person's own last step, was undone: it then does not count as a move."""
    for name, value in entry.content["back"].items():
        was = facts.values.get(name)
        facts.values[name], facts.set_by[name] = value, _value_source(facts, name, value)
        facts.human_labels.pop(name, None)
        if name == "status":
            _update_status(facts, was, value, entry.at)
        elif name == "queue":
            if facts.moves and (facts.moves[-1].was, facts.moves[-1].became) == (value, was):
                facts.moves.pop()
                facts.visited_queues.pop()
            facts.is_triaged = value != TRIAGE


def _value_source(facts: TicketFacts, name: str, value: str | None) -> str:
    """Who had set the value that is restored."""
    if name not in facts.decision.get("set", {}) or facts.decision["set"][name] != value:
        return "person"
    return "machine" if facts.decision["decisions"].get(name, {}).get("action") == "route" else "rule"


def _on_comment(facts: TicketFacts, entry: JournalEntry, requester: str) -> None:
    if entry.content["kind"] == "person" and entry.content["public"] and entry.content["by"] != requester:
        facts.public_replies.append(entry.at)


def _on_delivery_requested(facts: TicketFacts, entry: JournalEntry, requester: str) -> None:
    if facts.requested_fields is None:
        _clear_decided_values(facts)
    facts.requested_fields = set(entry.content["set"])


def _on_delivered(facts: TicketFacts, entry: JournalEntry, requester: str) -> None:
    if entry.content["result"] in ("applied", "already_applied", "partial"):
        facts.delivered_fields |= (facts.requested_fields or set()) - set(entry.content["why"])


_HANDLERS: Final = {
    RECEIVED: _on_received, DECIDED: _on_decided, PLACED: _on_placed, CORRECTED: _on_step, CONFIRMED: _on_step,
    CHANGED: _on_step,
    UNDONE: _on_undone, COMMENTED: _on_comment, DELIVERY_REQUESTED: _on_delivery_requested, DELIVERED: _on_delivered,
}  # fmt: skip


def _is_parent_decision(decision: Mapping[str, Any] | None) -> bool:
    return bool(decision) and any(reason["code"] == "parent" for reason in (decision or {})["reasons"])


def _truth_rank(predicted: str, others: list[str], truth: str, parent: bool) -> int:
    """The rank of the actual label; a parent label is correct for every label below it."""
    if not predicted or not truth:
        return UNKNOWN_RANK
    if truth == predicted or (parent and is_below(truth, predicted)):
        return 1
    return others.index(truth) + 2 if truth in others[: MAX_RANK - 1] else 0


def _seconds_between(since: datetime, until: datetime) -> int:
    return max(round((until - since).total_seconds()), 0)


def list_target_facts(facts: TicketFacts) -> dict[str, TargetFacts]:
    """The facts of every target."""
    return {target: facts.target_facts(target) for target in TARGETS}
