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

from deskyard.desk.overview import fate
from deskyard.desk.ticket_history import NAMELESS
from deskyard.domain.label_hierarchy import MARK
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import TARGETS
from deskyard.journal.journal import (
    CHANGED,
    COMMENTED,
    CONFIRMED,
    CORRECTED,
    DECIDED,
    DELIVERED,
    PLACED,
    SEEN,
    UNDONE,
    WISHED,
    Entry,
)
from deskyard.policy.policy import TRIAGE

RULES: Final = 3
"""Counts up when the same journal would give other facts: all of it is then counted anew."""

UNKNOWN: Final = -1
"""The place of a truth that nobody knows yet, or where the machine said nothing."""

SHOWN: Final = 3
"""The places that a person is shown."""

ROUTED, SUGGESTED, LEFT = FATES = ("routed", "suggested", "left")

_FATE: Final = {"route": ROUTED, "suggest": SUGGESTED, "leave": LEFT}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the machine said of a target, what it was at the end ("": not known), and the truth's place; and what a
    person last chose, solved or not ("": nobody spoke), with whether that is what was said."""

    fate: str
    said: str
    truth: str
    place: int
    heard: str = ""
    agreed: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A person moved a sorted ticket on; `back`: to where it had been before."""

    was: str
    became: str
    back: bool


@dataclass(slots=True)
class Facts:
    """What is known of a ticket, while its entries are read; seconds count from when it came."""

    came: datetime
    source: str = ""
    placed: str = ""
    place: str = ""
    decided: dict[str, Any] = field(default_factory=dict)
    values: dict[str, str | None] = field(default_factory=dict)
    by: dict[str, str] = field(default_factory=dict)
    heard: dict[str, str] = field(default_factory=dict)
    wished: set[str] | None = None
    written: set[str] = field(default_factory=set)
    visited: list[str] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    is_sorted: bool = False
    answered: list[datetime] = field(default_factory=list)
    solved_at: datetime | None = None

    @property
    def queue(self) -> str:
        """Where it is."""
        return self.values.get("queue") or TRIAGE

    @property
    def solved(self) -> bool:
        """Whether it is resolved or closed."""
        return is_solved(self.values.get("status"))

    @property
    def fate(self) -> str:
        """What became of it when it came."""
        return self.answer("queue").fate

    @property
    def first_response(self) -> int | None:
        """Seconds to the first public word of a person of the desk."""
        return _seconds(self.came, self.answered[0]) if self.answered else None

    @property
    def resolution(self) -> int | None:
        """Seconds until it was solved for good."""
        return _seconds(self.came, self.solved_at) if self.solved and self.solved_at else None

    @property
    def replies(self) -> int | None:
        """Public answers until then."""
        end = self.solved_at
        return sum(at <= end for at in self.answered) if self.solved and end else None

    @property
    def returned(self) -> bool:
        """Whether it came back to a queue it had left."""
        return any(move.back for move in self.moves)

    def answer(self, target: str) -> Answer:
        """What was said of a target, and the truth."""
        decision = self.decided.get("decisions", {}).get(target)
        was_fate = self._fate(target, decision)
        said, others = self._said(target, decision, was_fate)
        truth, heard, parent = self._truth(target, was_fate), self.heard.get(target, ""), _is_parent(decision)
        agreed = _place(said, others, heard, parent) == 1
        return Answer(was_fate, said, truth, _place(said, others, truth, parent), heard, agreed)

    def _fate(self, target: str, decision: Mapping[str, Any] | None) -> str:
        if target == "queue":
            told = fate(self.decided) if self.decided else LEFT
        else:
            told = _FATE[decision["action"]] if decision else LEFT
        return SUGGESTED if told == ROUTED and not self._enacted(target) else told

    def _enacted(self, target: str) -> bool:
        """Whether what was decided was also done: in a foreign help desk a person may have been faster."""
        here = self.placed == self.place
        return here if self.wished is None or (here and target == "queue") else target in self.written

    def _said(self, target: str, decision: Mapping[str, Any] | None, was_fate: str) -> tuple[str, list[str]]:
        top = [str(one["label"]) for one in decision["top"]] if decision else []
        said = str(decision["label"] or "") if decision else ""
        if target == "queue" and was_fate == ROUTED:
            said = self.decided["placement"]["queue"]
        return said, [label for label in top if label != said]

    def _truth(self, target: str, was_fate: str) -> str:
        value = self.values.get(target)
        if not self.solved or not value or self.by.get(target) == "rule":
            return ""
        return "" if target == "queue" and value == TRIAGE and was_fate != ROUTED else value


def of(entries: Iterable[Entry], stands: Mapping[str, str | None] | None = None) -> Facts:
    """The facts of one ticket; `stands` are its values in the desk now, and its requester (None: it is erased)."""
    found: Facts | None = None
    requester = (stands or {}).get("requester") or NAMELESS
    for entry in sorted(entries, key=lambda one: (one.at, one.id)):
        found = found or Facts(entry.at)
        _READ.get(entry.kind, _nothing)(found, entry, requester)
    if found is None:
        raise ValueError("a ticket without entries has no facts")
    found.values |= {name: value for name, value in (stands or {}).items() if name != "requester"}
    return found


def _nothing(found: Facts, entry: Entry, requester: str) -> None:
    pass


def _seen(found: Facts, entry: Entry, requester: str) -> None:
    found.came, found.source = entry.at, str(entry.content.get("source", ""))


def _decided(found: Facts, entry: Entry, requester: str) -> None:
    found.decided, found.wished, found.written = entry.content, None, set()
    found.heard.clear()
    found.placed = entry.content["placement"]["queue"]
    for name, value in entry.content.get("set", {}).items():
        found.values[name], found.by[name] = value, _by_whom(found, name, value)


def _placed(found: Facts, entry: Entry, requester: str) -> None:
    found.place = entry.content["queue"]
    found.values["queue"], found.visited = found.place, [found.place]
    if found.place != found.placed:  # it lives elsewhere: nothing is done until it is written there
        _unset(found)
    found.is_sorted = found.place == found.placed and bool(found.decided) and fate(found.decided) == ROUTED


def _unset(found: Facts) -> None:
    """What was decided has not been written yet."""
    found.wished = set()
    for name in found.decided.get("set", {}):
        found.values.pop(name, None)
        found.by.pop(name, None)


def _step(found: Facts, entry: Entry, requester: str) -> None:
    name, was, became, by = (entry.content[key] for key in ("field", "from", "to", "kind"))
    found.values[name], found.by[name] = became, by
    if by == "person" and became:
        found.heard[name] = became
    if name == "status":
        _status(found, was, became, entry.at)
    elif name == "queue" and became and became != was:
        _moved(found, str(was or ""), str(became), by)


def _status(found: Facts, was: str | None, became: str | None, at: datetime) -> None:
    if is_solved(became) and not is_solved(was):
        found.solved_at = at
    elif not is_solved(became):
        found.solved_at = None


def _moved(found: Facts, was: str, became: str, by: str) -> None:
    if by == "person" and found.is_sorted:
        found.moves.append(Move(was, became, became in found.visited and became != TRIAGE))
    found.is_sorted = became != TRIAGE
    found.visited.append(became)


def _undone(found: Facts, entry: Entry, requester: str) -> None:
    """The machine's decision was taken back, or a person's own last step: then it never was a move."""
    for name, value in entry.content["back"].items():
        was = found.values.get(name)
        found.values[name], found.by[name] = value, _by_whom(found, name, value)
        found.heard.pop(name, None)
        if name == "status":
            _status(found, was, value, entry.at)
        elif name == "queue":
            if found.moves and (found.moves[-1].was, found.moves[-1].became) == (value, was):
                found.moves.pop()
                found.visited.pop()
            found.is_sorted = value != TRIAGE


def _by_whom(found: Facts, name: str, value: str | None) -> str:
    """Who had set what stands there again."""
    if name not in found.decided.get("set", {}) or found.decided["set"][name] != value:
        return "person"
    return "machine" if found.decided["decisions"].get(name, {}).get("action") == "route" else "rule"


def _said(found: Facts, entry: Entry, requester: str) -> None:
    if entry.content["kind"] == "person" and entry.content["public"] and entry.content["by"] != requester:
        found.answered.append(entry.at)


def _wished(found: Facts, entry: Entry, requester: str) -> None:
    if found.wished is None:
        _unset(found)
    found.wished = set(entry.content["set"])


def _delivered(found: Facts, entry: Entry, requester: str) -> None:
    if entry.content["result"] in ("applied", "already_applied", "partial"):
        found.written |= (found.wished or set()) - set(entry.content["why"])


_READ: Final = {
    SEEN: _seen, DECIDED: _decided, PLACED: _placed, CORRECTED: _step, CONFIRMED: _step, CHANGED: _step,
    UNDONE: _undone, COMMENTED: _said, WISHED: _wished, DELIVERED: _delivered,
}  # fmt: skip


def _is_parent(decision: Mapping[str, Any] | None) -> bool:
    return bool(decision) and any(reason["code"] == "parent" for reason in (decision or {})["reasons"])


def _place(said: str, others: list[str], truth: str, parent: bool) -> int:
    """Where the truth stands; a parent is right of every label below it."""
    if not said or not truth:
        return UNKNOWN
    if truth == said or (parent and truth.startswith(said + MARK)):
        return 1
    return others.index(truth) + 2 if truth in others[: SHOWN - 1] else 0


def _seconds(since: datetime, until: datetime) -> int:
    return max(round((until - since).total_seconds()), 0)


def answers(found: Facts) -> dict[str, Answer]:
    """What was said of every target."""
    return {target: found.answer(target) for target in TARGETS}
