"""Facts: what a ticket's journal says for the reports. In come its entries, out comes one row of figures; pure.

Whose decision it was: what the machine set (where the ticket lives elsewhere: what was really written there) is
`routed`, what it showed is `suggested`, the rest is `left`. What was right is known when the ticket is solved: its
values then, but for those that a rule filled in and nobody chose. "Not changed" is thus taken for right, which
flatters; the blind estimate (`deskyard.analytics.accuracy`) is the honest one beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from deskyard.desk.overview import routing_outcome
from deskyard.domain.actors import ANONYMOUS_REQUESTER
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.label_hierarchy import SEPARATOR
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
)

RULES_VERSION: Final = 3
"""Counts up when the same journal would give other facts: all of it is then counted anew."""

UNKNOWN_RANK: Final = -1
"""The place of a truth that nobody knows yet, or where the machine said nothing."""

MAX_RANK: Final = 3
"""The places that a person is shown."""

ROUTED, SUGGESTED, LEFT = ROUTING_OUTCOMES = ("routed", "suggested", "left")

_ACTION_OUTCOMES: Final = {"route": ROUTED, "suggest": SUGGESTED, "leave": LEFT}


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What the machine said of a target, what it was at the end ("": not known), and the truth's place; and what a
    person last chose, solved or not ("": nobody spoke), with whether that is what was said."""

    fate: str
    said: str
    truth: str
    place: int
    heard: str = ""
    agreed: bool = False


@dataclass(frozen=True, slots=True)
class QueueMove:
    """A person moved a sorted ticket on; `back`: to where it had been before."""

    was: str
    became: str
    back: bool


@dataclass(slots=True)
class TicketFacts:
    """What is known of a ticket, while its entries are read; seconds count from when it came."""

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
    is_sorted: bool = False
    public_replies: list[datetime] = field(default_factory=list)
    solved_at: datetime | None = None

    @property
    def queue(self) -> str:
        """Where it is."""
        return self.values.get("queue") or TRIAGE

    @property
    def is_solved(self) -> bool:
        """Whether it is resolved or closed."""
        return is_solved(self.values.get("status"))

    @property
    def routing_outcome(self) -> str:
        """What became of it when it came."""
        return self.target_facts("queue").fate

    @property
    def first_response(self) -> int | None:
        """Seconds to the first public word of a person of the desk."""
        return _seconds_between(self.received_at, self.public_replies[0]) if self.public_replies else None

    @property
    def resolution(self) -> int | None:
        """Seconds until it was solved for good."""
        return _seconds_between(self.received_at, self.solved_at) if self.is_solved and self.solved_at else None

    @property
    def replies(self) -> int | None:
        """Public answers until then."""
        end = self.solved_at
        return sum(at <= end for at in self.public_replies) if self.is_solved and end else None

    @property
    def has_returned(self) -> bool:
        """Whether it came back to a queue it had left."""
        return any(move.back for move in self.moves)

    def target_facts(self, target: str) -> TargetFacts:
        """What was said of a target, and the truth."""
        decision = self.decision.get("decisions", {}).get(target)
        was_fate = self._target_outcome(target, decision)
        said, others = self._predicted_label(target, decision, was_fate)
        truth, heard, parent = (
            self._true_label(target, was_fate),
            self.human_labels.get(target, ""),
            _is_parent_decision(decision),
        )
        agreed = _truth_rank(said, others, heard, parent) == 1
        return TargetFacts(was_fate, said, truth, _truth_rank(said, others, truth, parent), heard, agreed)

    def _target_outcome(self, target: str, decision: Mapping[str, Any] | None) -> str:
        if target == "queue":
            told = routing_outcome(self.decision) if self.decision else LEFT
        else:
            told = _ACTION_OUTCOMES[decision["action"]] if decision else LEFT
        return SUGGESTED if told == ROUTED and not self._is_carried_out(target) else told

    def _is_carried_out(self, target: str) -> bool:
        """Whether what was decided was also done: in a foreign help desk a person may have been faster."""
        here = self.decided_queue == self.first_queue
        return (
            here if self.requested_fields is None or (here and target == "queue") else target in self.delivered_fields
        )

    def _predicted_label(self, target: str, decision: Mapping[str, Any] | None, was_fate: str) -> tuple[str, list[str]]:
        top = [str(one["label"]) for one in decision["top"]] if decision else []
        said = str(decision["label"] or "") if decision else ""
        if target == "queue" and was_fate == ROUTED:
            said = self.decision["placement"]["queue"]
        return said, [label for label in top if label != said]

    def _true_label(self, target: str, was_fate: str) -> str:
        value = self.values.get(target)
        if not self.is_solved or not value or self.set_by.get(target) == "rule":
            return ""
        return "" if target == "queue" and value == TRIAGE and was_fate != ROUTED else value


def collect_facts(
    entries: Iterable[JournalEntry], current_values: Mapping[str, str | None] | None = None
) -> TicketFacts:
    """The facts of one ticket; `stands` are its values in the desk now, and its requester (None: it is erased)."""
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
    if facts.first_queue != facts.decided_queue:  # it lives elsewhere: nothing is done until it is written there
        _clear_decided_values(facts)
    facts.is_sorted = (
        facts.first_queue == facts.decided_queue and bool(facts.decision) and routing_outcome(facts.decision) == ROUTED
    )


def _clear_decided_values(facts: TicketFacts) -> None:
    """What was decided has not been written yet."""
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
    if by == "person" and facts.is_sorted:
        facts.moves.append(QueueMove(was, became, became in facts.visited_queues and became != TRIAGE))
    facts.is_sorted = became != TRIAGE
    facts.visited_queues.append(became)


def _on_undone(facts: TicketFacts, entry: JournalEntry, requester: str) -> None:
    """The machine's decision was taken back, or a person's own last step: then it never was a move."""
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
            facts.is_sorted = value != TRIAGE


def _value_source(facts: TicketFacts, name: str, value: str | None) -> str:
    """Who had set what stands there again."""
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
    RECEIVED: _on_received, DECIDED: _on_decided, PLACED: _on_placed, CORRECTED: _on_step, CONFIRMED: _on_step, CHANGED: _on_step,
    UNDONE: _on_undone, COMMENTED: _on_comment, DELIVERY_REQUESTED: _on_delivery_requested, DELIVERED: _on_delivered,
}  # fmt: skip


def _is_parent_decision(decision: Mapping[str, Any] | None) -> bool:
    return bool(decision) and any(reason["code"] == "parent" for reason in (decision or {})["reasons"])


def _truth_rank(predicted: str, others: list[str], truth: str, parent: bool) -> int:
    """Where the truth stands; a parent is right of every label below it."""
    if not predicted or not truth:
        return UNKNOWN_RANK
    if truth == predicted or (parent and truth.startswith(predicted + SEPARATOR)):
        return 1
    return others.index(truth) + 2 if truth in others[: MAX_RANK - 1] else 0


def _seconds_between(since: datetime, until: datetime) -> int:
    return max(round((until - since).total_seconds()), 0)


def list_target_facts(facts: TicketFacts) -> dict[str, TargetFacts]:
    """What was said of every target."""
    return {target: facts.target_facts(target) for target in TARGETS}
