"""The taxonomy ledger: labels renamed, merged, split and retired, each turn with the day from which it holds.

In come turns, a day, and what a model says in the names that it has learnt; out goes the same in the names of that day.
A model decides by its own labels, for its contracts are about these; only then are names turned, and the probabilities
of labels that are one by now summed. Nothing here reads a clock, a file or a database.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any, Final, Literal

from deskyard.domain.decision import SHOWN, Action, Decision, Prediction, Reason
from deskyard.domain.ticket import Target
from deskyard.errors import BadInput

Kind = Literal["rename", "merge", "split", "retire"]
KINDS: Final[tuple[Kind, ...]] = ("rename", "merge", "split", "retire")

TURNED: Final[tuple[Target, ...]] = ("category", "queue", "assignee")
"""The targets whose labels may change; the four priorities are everybody's."""

_DONE: Final = {"rename": "renamed", "merge": "merged", "split": "split", "retire": "retired"}

Ranked = Sequence[tuple[str, float]]
"""Labels with their probabilities, the most probable first."""


@dataclass(frozen=True, slots=True)
class Turn:
    """From the day `on`, `labels` of a target are `to`: one name for another, several for one, one for several, or none
    at all where a label is retired."""

    on: date
    target: Target
    kind: Kind
    labels: tuple[str, ...]
    to: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """In a sentence's part.

        >>> Turn(date(2026, 12, 1), "queue", "merge", ("VPN", "Wi-Fi"), ("Network",)).told
        "'VPN' and 'Wi-Fi' merged into 'Network' on 2026-12-01"
        """
        what = f"{_listed(self.labels)} {_DONE[self.kind]}"
        into = " to " if self.kind == "rename" else " into "
        return f"{what}{into + _listed(self.to) if self.to else ''} on {self.on}"

    def plain(self) -> dict[str, Any]:
        """The turn as TOML and JSON know it, a day as its ISO text.

        >>> Turn(date(2026, 12, 1), "queue", "rename", ("Billing",), ("Accounts",)).plain()
        {'on': '2026-12-01', 'target': 'queue', 'rename': 'Billing', 'to': 'Accounts'}
        """
        labels = list(self.labels) if self.kind == "merge" else self.labels[0]
        to = {} if self.kind == "retire" else {"to": list(self.to) if self.kind == "split" else self.to[0]}
        return {"on": self.on.isoformat(), "target": self.target, self.kind: labels} | to


def of(said: Mapping[str, Any]) -> Turn:
    """The turn that TOML or JSON says. Raises BadInput with what may stand there.

    >>> of({"on": "2026-12-01", "target": "queue", "retire": "Fax"}).told
    "'Fax' retired on 2026-12-01"
    >>> of({"on": "2026-12-01", "target": "queue", "rename": "Fax"})
    Traceback (most recent call last):
    deskyard.errors.BadInput: to is missing: a rename says the one name that takes its place
    """
    kinds = [kind for kind in KINDS if kind in said]
    if len(kinds) != 1:
        raise BadInput(f"a turn is one of {', '.join(KINDS)}, each with the labels it is about")
    kind = kinds[0]
    if unknown := [name for name in said if name not in ("on", "target", kind, "to")]:
        raise BadInput(f"{unknown[0]!r} is not known here; a turn has on, target, {kind} and to")
    target = next((one for one in TURNED if one == said.get("target")), None)
    if target is None:
        raise BadInput(f"target is {said.get('target')!r}; choose from {', '.join(TURNED)}")
    return Turn(_day(said.get("on")), target, kind, _labels(said, kind, kind), _to(said, kind))


def ordered(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The turns in the order in which they hold: by their days, those of one day as they were said."""
    return tuple(sorted(turns, key=lambda turn: turn.on))


def wrong(turns: Iterable[Turn]) -> tuple[Turn, str] | None:
    """The first turn that can't be, after those before it, and why; None where they agree.

    >>> first = Turn(date(2026, 12, 1), "queue", "retire", ("Fax",))
    >>> wrong([first, Turn(date(2026, 12, 9), "queue", "rename", ("Fax",), ("Scans",))])[1]
    "'Fax' can't be renamed on 2026-12-09: 'Fax' retired on 2026-12-01"
    """
    gone: dict[tuple[Target, str], Turn] = {}
    come: dict[tuple[Target, str], Turn] = {}
    for turn in ordered(turns):
        for label in turn.labels:
            if before := gone.get((turn.target, label)):
                return turn, f"{label!r} can't be {_DONE[turn.kind]} on {turn.on}: {before.told}"
        for label in turn.to:
            before = come.get((turn.target, label))
            if before and label not in turn.labels and turn.kind != "merge":
                return turn, f"{label!r} is in use already ({before.told}): merge it with {_listed(turn.labels)}"
        for label in turn.labels:
            come.pop((turn.target, label), None)
            gone[turn.target, label] = turn
        for label in turn.to:
            gone.pop((turn.target, label), None)
            come[turn.target, label] = turn
    return None


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a label: its name by now, the turns on the way, whether nobody may write it any more, and the turn
    by which a person must choose among several."""

    label: str
    turns: tuple[Turn, ...] = ()
    retired: bool = False
    split: Turn | None = None

    @property
    def stands(self) -> bool:
        """Whether it may still be written."""
        return not self.retired and self.split is None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The turns that hold on a day; `new` are those of them that a model has not learnt yet."""

    turns: tuple[Turn, ...] = ()
    new: tuple[Turn, ...] = ()

    def fate(self, target: Target, label: str) -> Fate:
        """What became of a label that the model says."""
        return fate(self.new, target, label, self.gone(target))

    def gone(self, target: Target) -> frozenset[str]:
        """The labels that are written no more."""
        names: set[str] = set()
        for turn in self.turns:
            if turn.target == target:
                names = (names | set(turn.labels)) - set(turn.to)
        return frozenset(names)

    def sums(self, target: Target, labels: tuple[str, ...]) -> bool:
        """Whether some of a model's labels have become one, so that the probabilities of all of them are wanted."""
        return _sums(self.new, target, labels)

    def ranked(self, target: Target, labels: Ranked) -> tuple[tuple[str, float], ...]:
        """Labels in the names of the day, those that are one by now summed, the retired ones left out."""
        shares: dict[str, float] = defaultdict(float)
        for label, share in labels:
            found = self.fate(target, label)
            if not found.retired:
                shares[found.label] += share
        return tuple(sorted(shares.items(), key=lambda pair: -pair[1])[:SHOWN])

    def prediction(self, own: Prediction, labels: Ranked | None = None) -> Prediction:
        """A model's belief in the names of the day, from all its `labels` (None: those it shows); as it was where
        nothing of it is left."""
        if not self.turns:
            return own
        return replace(own, top=self.ranked(own.target, labels or own.top) or own.top)

    def decision(self, own: Decision, labels: Ranked | None = None) -> Decision:
        """What a model's decision is in the names of the day, from all its `labels` (None: those it shows).

        Set is only what the model's contract set, if it is the likeliest by the names of the day, too; a label that was
        split is suggested, and one that is retired gives way to the likeliest that is not.
        """
        if own.label is None or not self._touches(own):
            return own
        top, mine = self.ranked(own.target, labels or own.top), self.fate(own.target, own.label)
        parent = any(reason.code == "parent" for reason in own.reasons)
        if mine.retired:
            why = Reason("retired", f"{mine.label!r} is written no more" + _since(mine.turns))
            if not top:
                return replace(
                    own, action=Action.LEAVE, label=None, confidence=0.0, top=(), reasons=(why, *own.reasons)
                )
            return _shown(own, top, why)
        if not parent and top[0][0] != mine.label:
            return _shown(own, top, Reason("outweighed", f"by the names of today {top[0][0]!r} is likelier"))
        confidence = own.confidence if parent else top[0][1]
        turned = replace(own, label=mine.label, confidence=confidence, top=top)
        if mine.split is not None:
            why = Reason("split", f"{mine.split.told}: a person chooses")
            return replace(turned, action=_at_most(own.action), reasons=(why, *own.reasons))
        if not mine.turns:
            return turned
        code = "merged" if any(turn.kind == "merge" for turn in mine.turns) else "renamed"
        return replace(turned, reasons=(*own.reasons, Reason(code, "; ".join(turn.told for turn in mine.turns))))

    def _touches(self, own: Decision) -> bool:
        names = [*dict(own.top), own.label]
        return any(label and self.fate(own.target, label) != Fate(label) for label in names)


def ledger(turns: Iterable[Turn], day: date, learnt: Iterable[Mapping[str, Any]] = ()) -> Ledger:
    """The ledger of a day, for a model whose card says that it has learnt some turns (`Turn.plain`) already."""
    return of_model(tuple(turn for turn in ordered(turns) if turn.on <= day), learnt)


def of_model(held: tuple[Turn, ...], learnt: Iterable[Mapping[str, Any]]) -> Ledger:
    """The ledger of turns that all hold, in order, for a model that has learnt some of them already."""
    known = list(learnt)
    return Ledger(held, tuple(turn for turn in held if turn.plain() not in known))


def fate(turns: Iterable[Turn], target: Target, label: str, gone: frozenset[str] = frozenset()) -> Fate:
    """What became of a label by these turns, in order; at last it is retired if it is among those `gone`."""
    now, way, split = label, [], None
    for turn in turns:
        if turn.target != target or now not in turn.labels:
            continue
        way.append(turn)
        if turn.kind == "retire":
            return Fate(now, tuple(way), retired=True)
        if turn.kind == "split":
            split = turn
            if now not in turn.to:
                break
        else:
            now = turn.to[0]
    return Fate(now, tuple(way), retired=split is None and now in gone, split=split)


@lru_cache(maxsize=64)
def _sums(turns: tuple[Turn, ...], target: Target, labels: tuple[str, ...]) -> bool:
    found = [fate(turns, target, label) for label in labels] if turns else []
    alive = [one.label for one in found if not one.retired]
    return len(set(alive)) < len(alive)


def names(turns: Iterable[Turn], target: Target) -> Callable[[str], str]:
    """What a name of before is called by these turns; one that was split or retired keeps its name."""
    held = tuple(turns)
    return lambda label: fate(held, target, label).label


def _shown(own: Decision, top: tuple[tuple[str, float], ...], why: Reason) -> Decision:
    label, confidence = top[0]
    action = _at_most(own.action)
    return replace(own, action=action, label=label, confidence=confidence, top=top, reasons=(why, *own.reasons))


def _at_most(action: Action) -> Action:
    return Action.SUGGEST if action is Action.ROUTE else action


def _since(turns: tuple[Turn, ...]) -> str:
    return f": {turns[-1].told}" if turns else ""


def _listed(labels: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(map(repr, labels[:-1])), repr(labels[-1]))))


def _day(said: Any) -> date:
    try:
        return date.fromisoformat(said) if isinstance(said, str) else date(said.year, said.month, said.day)
    except (AttributeError, TypeError, ValueError):
        raise BadInput(f"on is {said!r}; write the day from which it holds, such as 2026-12-01") from None


def _labels(said: Mapping[str, Any], kind: Kind, name: str) -> tuple[str, ...]:
    value = said[name]
    if (kind, name) in (("merge", "merge"), ("split", "to")):
        each = isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value)
        if not each or len(value) < 2 or len(set(value)) < len(value):
            raise BadInput(f"{name} is {value!r}; it must be a list of two names or more, none of them twice")
        return tuple(value)
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{name} is {value!r}; it must be one name")
    return (value,)


def _to(said: Mapping[str, Any], kind: Kind) -> tuple[str, ...]:
    if kind == "retire":
        if "to" in said:
            raise BadInput("what is retired becomes nothing: leave out to, or write rename or merge")
        return ()
    if "to" not in said:
        places = "the names" if kind == "split" else "the one name"
        raise BadInput(f"to is missing: a {kind} says {places} that take{'' if kind == 'split' else 's'} its place")
    if kind == "rename" and said["to"] == said["rename"]:
        raise BadInput(f"{said['to']!r} is its name already")
    return _labels(said, kind, "to")
