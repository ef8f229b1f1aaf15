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

from deskyard.domain.decision import MAX_SHOWN_LABELS, Action, Decision, Prediction, Reason
from deskyard.domain.ticket import Target
from deskyard.errors import BadInput

ChangeKind = Literal["rename", "merge", "split", "retire"]
CHANGE_KINDS: Final[tuple[ChangeKind, ...]] = ("rename", "merge", "split", "retire")

CHANGEABLE_TARGETS: Final[tuple[Target, ...]] = ("category", "queue", "assignee")
"""The targets whose labels may change; the four priorities are everybody's."""

_PAST_TENSE: Final = {"rename": "renamed", "merge": "merged", "split": "split", "retire": "retired"}

RankedLabels = Sequence[tuple[str, float]]
"""Labels with their probabilities, the most probable first."""


@dataclass(frozen=True, slots=True)
class TaxonomyChange:
    """From the day `on`, `labels` of a target are `to`: one name for another, several for one, one for several, or none
    at all where a label is retired."""

    on: date
    target: Target
    kind: ChangeKind
    labels: tuple[str, ...]
    to: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """In a sentence's part.

        >>> TaxonomyChange(date(2026, 12, 1), "queue", "merge", ("VPN", "Wi-Fi"), ("Network",)).told
        "'VPN' and 'Wi-Fi' merged into 'Network' on 2026-12-01"
        """
        what = f"{_join_labels(self.labels)} {_PAST_TENSE[self.kind]}"
        into = " to " if self.kind == "rename" else " into "
        return f"{what}{into + _join_labels(self.to) if self.to else ''} on {self.on}"

    def to_dict(self) -> dict[str, Any]:
        """The turn as TOML and JSON know it, a day as its ISO text.

        >>> TaxonomyChange(date(2026, 12, 1), "queue", "rename", ("Billing",), ("Accounts",)).plain()
        {'on': '2026-12-01', 'target': 'queue', 'rename': 'Billing', 'to': 'Accounts'}
        """
        labels = list(self.labels) if self.kind == "merge" else self.labels[0]
        to = {} if self.kind == "retire" else {"to": list(self.to) if self.kind == "split" else self.to[0]}
        return {"on": self.on.isoformat(), "target": self.target, self.kind: labels} | to


def parse_change(raw: Mapping[str, Any]) -> TaxonomyChange:
    """The turn that TOML or JSON says. Raises BadInput with what may stand there.

    >>> parse_change({"on": "2026-12-01", "target": "queue", "retire": "Fax"}).told
    "'Fax' retired on 2026-12-01"
    >>> parse_change({"on": "2026-12-01", "target": "queue", "rename": "Fax"})
    Traceback (most recent call last):
    deskyard.errors.BadInput: to is missing: a rename says the one name that takes its place
    """
    kinds = [kind for kind in CHANGE_KINDS if kind in raw]
    if len(kinds) != 1:
        raise BadInput(f"a turn is one of {', '.join(CHANGE_KINDS)}, each with the labels it is about")
    kind = kinds[0]
    if unknown := [name for name in raw if name not in ("on", "target", kind, "to")]:
        raise BadInput(f"{unknown[0]!r} is not known here; a turn has on, target, {kind} and to")
    target = next((one for one in CHANGEABLE_TARGETS if one == raw.get("target")), None)
    if target is None:
        raise BadInput(f"target is {raw.get('target')!r}; choose from {', '.join(CHANGEABLE_TARGETS)}")
    return TaxonomyChange(
        _parse_day(raw.get("on")), target, kind, _parse_labels(raw, kind, kind), _parse_new_labels(raw, kind)
    )


def sort_changes(changes: Iterable[TaxonomyChange]) -> tuple[TaxonomyChange, ...]:
    """The turns in the order in which they hold: by their days, those of one day as they were said."""
    return tuple(sorted(changes, key=lambda turn: turn.on))


def find_conflict(changes: Iterable[TaxonomyChange]) -> tuple[TaxonomyChange, str] | None:
    """The first turn that can't be, after those before it, and why; None where they agree.

    >>> first = TaxonomyChange(date(2026, 12, 1), "queue", "retire", ("Fax",))
    >>> find_conflict([first, TaxonomyChange(date(2026, 12, 9), "queue", "rename", ("Fax",), ("Scans",))])[1]
    "'Fax' can't be renamed on 2026-12-09: 'Fax' retired on 2026-12-01"
    """
    gone: dict[tuple[Target, str], TaxonomyChange] = {}
    come: dict[tuple[Target, str], TaxonomyChange] = {}
    for turn in sort_changes(changes):
        for label in turn.labels:
            if before := gone.get((turn.target, label)):
                return turn, f"{label!r} can't be {_PAST_TENSE[turn.kind]} on {turn.on}: {before.description}"
        for label in turn.to:
            before = come.get((turn.target, label))
            if before and label not in turn.labels and turn.kind != "merge":
                return (
                    turn,
                    f"{label!r} is in use already ({before.description}): merge it with {_join_labels(turn.labels)}",
                )
        for label in turn.labels:
            come.pop((turn.target, label), None)
            gone[turn.target, label] = turn
        for label in turn.to:
            gone.pop((turn.target, label), None)
            come[turn.target, label] = turn
    return None


@dataclass(frozen=True, slots=True)
class ResolvedLabel:
    """What became of a label: its name by now, the turns on the way, whether nobody may write it any more, and the turn
    by which a person must choose among several."""

    label: str
    changes: tuple[TaxonomyChange, ...] = ()
    retired: bool = False
    split: TaxonomyChange | None = None

    @property
    def is_writable(self) -> bool:
        """Whether it may still be written."""
        return not self.retired and self.split is None


@dataclass(frozen=True, slots=True)
class TaxonomyLedger:
    """The turns that hold on a day; `new` are those of them that a model has not learnt yet."""

    changes: tuple[TaxonomyChange, ...] = ()
    unlearnt_changes: tuple[TaxonomyChange, ...] = ()

    def resolve_label(self, target: Target, label: str) -> ResolvedLabel:
        """What became of a label that the model says."""
        return resolve_label(self.unlearnt_changes, target, label, self.retired_labels(target))

    def retired_labels(self, target: Target) -> frozenset[str]:
        """The labels that are written no more."""
        names: set[str] = set()
        for turn in self.changes:
            if turn.target == target:
                names = (names | set(turn.labels)) - set(turn.to)
        return frozenset(names)

    def merges_labels(self, target: Target, labels: tuple[str, ...]) -> bool:
        """Whether some of a model's labels have become one, so that the probabilities of all of them are wanted."""
        return _merges_labels(self.unlearnt_changes, target, labels)

    def translate_ranking(self, target: Target, labels: RankedLabels) -> tuple[tuple[str, float], ...]:
        """Labels in the names of the day, those that are one by now summed, the retired ones left out."""
        shares: dict[str, float] = defaultdict(float)
        for label, share in labels:
            found = self.resolve_label(target, label)
            if not found.retired:
                shares[found.label] += share
        return tuple(sorted(shares.items(), key=lambda pair: -pair[1])[:MAX_SHOWN_LABELS])

    def translate_prediction(self, prediction: Prediction, labels: RankedLabels | None = None) -> Prediction:
        """A model's belief in the names of the day, from all its `labels` (None: those it shows); as it was where
        nothing of it is left."""
        if not self.changes:
            return prediction
        return replace(
            prediction, top=self.translate_ranking(prediction.target, labels or prediction.top) or prediction.top
        )

    def translate_decision(self, decision: Decision, labels: RankedLabels | None = None) -> Decision:
        """What a model's decision is in the names of the day, from all its `labels` (None: those it shows).

        Set is only what the model's contract set, if it is the likeliest by the names of the day, too; a label that was
        split is suggested, and one that is retired gives way to the likeliest that is not.
        """
        if decision.label is None or not self._affects(decision):
            return decision
        top, mine = (
            self.translate_ranking(decision.target, labels or decision.top),
            self.resolve_label(decision.target, decision.label),
        )
        parent = any(reason.code == "parent" for reason in decision.reasons)
        if mine.retired:
            why = Reason("retired", f"{mine.label!r} is written no more" + _last_change_text(mine.changes))
            if not top:
                return replace(
                    decision, action=Action.LEAVE, label=None, confidence=0.0, top=(), reasons=(why, *decision.reasons)
                )
            return _suggest_top(decision, top, why)
        if not parent and top[0][0] != mine.label:
            return _suggest_top(decision, top, Reason("outweighed", f"by the names of today {top[0][0]!r} is likelier"))
        confidence = decision.confidence if parent else top[0][1]
        turned = replace(decision, label=mine.label, confidence=confidence, top=top)
        if mine.split is not None:
            why = Reason("split", f"{mine.split.description}: a person chooses")
            return replace(turned, action=_cap_at_suggest(decision.action), reasons=(why, *decision.reasons))
        if not mine.changes:
            return turned
        code = "merged" if any(turn.kind == "merge" for turn in mine.changes) else "renamed"
        return replace(
            turned, reasons=(*decision.reasons, Reason(code, "; ".join(turn.description for turn in mine.changes)))
        )

    def _affects(self, decision: Decision) -> bool:
        names = [*dict(decision.top), decision.label]
        return any(label and self.resolve_label(decision.target, label) != ResolvedLabel(label) for label in names)


def build_ledger(
    changes: Iterable[TaxonomyChange], day: date, learnt: Iterable[Mapping[str, Any]] = ()
) -> TaxonomyLedger:
    """The ledger of a day, for a model whose card says that it has learnt some turns (`TaxonomyChange.to_dict`)
    already."""
    return build_model_ledger(tuple(turn for turn in sort_changes(changes) if turn.on <= day), learnt)


def build_model_ledger(changes: tuple[TaxonomyChange, ...], learnt: Iterable[Mapping[str, Any]]) -> TaxonomyLedger:
    """The ledger of turns that all hold, in order, for a model that has learnt some of them already."""
    known = list(learnt)
    return TaxonomyLedger(changes, tuple(turn for turn in changes if turn.to_dict() not in known))


def resolve_label(
    changes: Iterable[TaxonomyChange], target: Target, label: str, retired: frozenset[str] = frozenset()
) -> ResolvedLabel:
    """What became of a label by these turns, in order; at last it is retired if it is among those `gone`."""
    now, way, split = label, [], None
    for turn in changes:
        if turn.target != target or now not in turn.labels:
            continue
        way.append(turn)
        if turn.kind == "retire":
            return ResolvedLabel(now, tuple(way), retired=True)
        if turn.kind == "split":
            split = turn
            if now not in turn.to:
                break
        else:
            now = turn.to[0]
    return ResolvedLabel(now, tuple(way), retired=split is None and now in retired, split=split)


@lru_cache(maxsize=64)
def _merges_labels(changes: tuple[TaxonomyChange, ...], target: Target, labels: tuple[str, ...]) -> bool:
    found = [resolve_label(changes, target, label) for label in labels] if changes else []
    alive = [one.label for one in found if not one.retired]
    return len(set(alive)) < len(alive)


def make_translator(changes: Iterable[TaxonomyChange], target: Target) -> Callable[[str], str]:
    """What a name of before is called by these turns; one that was split or retired keeps its name."""
    held = tuple(changes)
    return lambda label: resolve_label(held, target, label).label


def _suggest_top(decision: Decision, top: tuple[tuple[str, float], ...], reason: Reason) -> Decision:
    label, confidence = top[0]
    action = _cap_at_suggest(decision.action)
    return replace(
        decision, action=action, label=label, confidence=confidence, top=top, reasons=(reason, *decision.reasons)
    )


def _cap_at_suggest(action: Action) -> Action:
    return Action.SUGGEST if action is Action.ROUTE else action


def _last_change_text(changes: tuple[TaxonomyChange, ...]) -> str:
    return f": {changes[-1].description}" if changes else ""


def _join_labels(labels: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(map(repr, labels[:-1])), repr(labels[-1]))))


def _parse_day(raw: Any) -> date:
    try:
        return date.fromisoformat(raw) if isinstance(raw, str) else date(raw.year, raw.month, raw.day)
    except (AttributeError, TypeError, ValueError):
        raise BadInput(f"on is {raw!r}; write the day from which it holds, such as 2026-12-01") from None


def _parse_labels(raw: Mapping[str, Any], kind: ChangeKind, name: str) -> tuple[str, ...]:
    value = raw[name]
    if (kind, name) in (("merge", "merge"), ("split", "to")):
        each = isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value)
        if not each or len(value) < 2 or len(set(value)) < len(value):
            raise BadInput(f"{name} is {value!r}; it must be a list of two names or more, none of them twice")
        return tuple(value)
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{name} is {value!r}; it must be one name")
    return (value,)


def _parse_new_labels(raw: Mapping[str, Any], kind: ChangeKind) -> tuple[str, ...]:
    if kind == "retire":
        if "to" in raw:
            raise BadInput("what is retired becomes nothing: leave out to, or write rename or merge")
        return ()
    if "to" not in raw:
        places = "the names" if kind == "split" else "the one name"
        raise BadInput(f"to is missing: a {kind} says {places} that take{'' if kind == 'split' else 's'} its place")
    if kind == "rename" and raw["to"] == raw["rename"]:
        raise BadInput(f"{raw['to']!r} is its name already")
    return _parse_labels(raw, kind, "to")
