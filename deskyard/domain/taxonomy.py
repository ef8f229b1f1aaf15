"""The taxonomy ledger: labels renamed, merged, split and retired, each change with the day from which it applies.

A ledger translates what a model predicts, in the labels that it was trained on, into the labels of a day. A model
decides in its own labels, because its contracts are about these; only then are labels translated, and the probabilities
of labels that are one label by now summed. Nothing here reads a clock, a file or a database.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any, Final, Literal

from deskyard.domain.decision import MAX_SHOWN_LABELS, Action, Decision, Prediction, Reason
from deskyard.domain.label_spelling import spell_as
from deskyard.domain.ticket import Target
from deskyard.errors import BadInput

ChangeKind = Literal["rename", "merge", "split", "retire"]
CHANGE_KINDS: Final[tuple[ChangeKind, ...]] = ("rename", "merge", "split", "retire")

CHANGEABLE_TARGETS: Final[tuple[Target, ...]] = ("category", "queue", "assignee")
"""The targets whose labels may change; the four priorities are the same on every desk."""

_PAST_TENSE: Final = {"rename": "renamed", "merge": "merged", "split": "split", "retire": "retired"}

RankedLabels = Sequence[tuple[str, float]]
"""Labels with their probabilities, the most probable first."""


@dataclass(frozen=True, slots=True)
class TaxonomyChange:
    """From the day `on`, the `labels` of a target become `to`: one label is renamed, several are merged into one, one
    is split into several, or a label is retired (`to` is empty)."""

    on: date
    target: Target
    kind: ChangeKind
    labels: tuple[str, ...]
    to: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """The change as a part of a sentence.

        >>> TaxonomyChange(date(2026, 12, 1), "queue", "merge", ("VPN", "Wi-Fi"), ("Network",)).description
        "'VPN' and 'Wi-Fi' merged into 'Network' on 2026-12-01"
        """
        change = f"{_join_labels(self.labels)} {_PAST_TENSE[self.kind]}"
        into = " to " if self.kind == "rename" else " into "
        return f"{change}{into + _join_labels(self.to) if self.to else ''} on {self.on}"

    def to_dict(self) -> dict[str, Any]:
        """The change as the values of a TOML table or JSON object, the day as ISO text.

        >>> TaxonomyChange(date(2026, 12, 1), "queue", "rename", ("Billing",), ("Accounts",)).to_dict()
        {'on': '2026-12-01', 'target': 'queue', 'rename': 'Billing', 'to': 'Accounts'}
        """
        labels = list(self.labels) if self.kind == "merge" else self.labels[0]
        to = {} if self.kind == "retire" else {"to": list(self.to) if self.kind == "split" else self.to[0]}
        return {"on": self.on.isoformat(), "target": self.target, self.kind: labels} | to


def parse_change(raw: Mapping[str, Any]) -> TaxonomyChange:
    """The change of a TOML table or JSON object. Raises BadInput that says what is allowed.

    >>> parse_change({"on": "2026-12-01", "target": "queue", "retire": "Fax"}).description
    "'Fax' retired on 2026-12-01"
    >>> parse_change({"on": "2026-12-01", "target": "queue", "rename": "Fax"})
    Traceback (most recent call last):
    deskyard.errors.BadInput: to is missing: a rename needs the label that replaces it
    """
    kinds = [kind for kind in CHANGE_KINDS if kind in raw]
    if len(kinds) != 1:
        raise BadInput(f"a taxonomy change is one of {', '.join(CHANGE_KINDS)}, with the labels that it changes")
    kind = kinds[0]
    if unknown := [name for name in raw if name not in ("on", "target", kind, "to")]:
        raise BadInput(f"{unknown[0]!r} is not known here; a taxonomy change has on, target, {kind} and to")
    target = next((one for one in CHANGEABLE_TARGETS if one == raw.get("target")), None)
    if target is None:
        raise BadInput(f"target is {raw.get('target')!r}; choose from {', '.join(CHANGEABLE_TARGETS)}")
    return TaxonomyChange(
        _parse_day(raw.get("on")), target, kind, _parse_labels(raw, kind, kind), _parse_new_labels(raw, kind)
    )


def sort_changes(changes: Iterable[TaxonomyChange]) -> tuple[TaxonomyChange, ...]:
    """The changes in the order in which they apply: by day, those of one day in the given order."""
    return tuple(sorted(changes, key=lambda change: change.on))


def find_conflict(changes: Iterable[TaxonomyChange]) -> tuple[TaxonomyChange, str] | None:
    """The first change that contradicts those before it, and why; None where there is none.

    >>> first = TaxonomyChange(date(2026, 12, 1), "queue", "retire", ("Fax",))
    >>> find_conflict([first, TaxonomyChange(date(2026, 12, 9), "queue", "rename", ("Fax",), ("Scans",))])[1]
    "'Fax' can't be renamed on 2026-12-09: 'Fax' retired on 2026-12-01"
    """
    removed: dict[tuple[Target, str], TaxonomyChange] = {}
    added: dict[tuple[Target, str], TaxonomyChange] = {}
    for change in sort_changes(changes):
        for label in change.labels:
            if before := removed.get((change.target, label)):
                return change, f"{label!r} can't be {_PAST_TENSE[change.kind]} on {change.on}: {before.description}"
        for label in change.to:
            before = added.get((change.target, label))
            if before and label not in change.labels and change.kind != "merge":
                return (
                    change,
                    f"{label!r} is in use already ({before.description}): merge it with {_join_labels(change.labels)}",
                )
        for label in change.labels:
            added.pop((change.target, label), None)
            removed[change.target, label] = change
        for label in change.to:
            removed.pop((change.target, label), None)
            added[change.target, label] = change
    return None


@dataclass(frozen=True, slots=True)
class ResolvedLabel:
    """What became of a label: its name now, the changes that led to it, whether it is retired, and the split after
    which a person must choose among several labels."""

    label: str
    changes: tuple[TaxonomyChange, ...] = ()
    retired: bool = False
    split: TaxonomyChange | None = None

    @property
    def is_writable(self) -> bool:
        """Whether the label may still be written into tickets."""
        return not self.retired and self.split is None


@dataclass(frozen=True, slots=True)
class TaxonomyLedger:
    """The changes that apply on a day; `unlearnt_changes` are those that a model was not trained with."""

    changes: tuple[TaxonomyChange, ...] = ()
    unlearnt_changes: tuple[TaxonomyChange, ...] = ()

    def resolve_label(self, target: Target, label: str) -> ResolvedLabel:
        """What became of a label that the model predicts."""
        return resolve_label(self.unlearnt_changes, target, label, self.retired_labels(target))

    def retired_labels(self, target: Target) -> frozenset[str]:
        """The labels that may no longer be written."""
        names: set[str] = set()
        for change in self.changes:
            if change.target == target:
                names = (names | set(change.labels)) - set(change.to)
        return frozenset(names)

    def merges_labels(self, target: Target, labels: tuple[str, ...]) -> bool:
        """Whether some of a model's labels have become one, so that the probabilities of all its labels are needed."""
        return _merges_labels(self.unlearnt_changes, target, labels)

    def translate_ranking(self, target: Target, labels: RankedLabels) -> tuple[tuple[str, float], ...]:
        """The ranking in the labels of the day: merged labels summed, retired ones left out."""
        shares: dict[str, float] = defaultdict(float)
        for label, share in labels:
            found = self.resolve_label(target, label)
            if not found.retired:
                shares[found.label] += share
        return tuple(sorted(shares.items(), key=lambda pair: -pair[1])[:MAX_SHOWN_LABELS])

    def translate_prediction(self, prediction: Prediction, labels: RankedLabels | None = None) -> Prediction:
        """A model's prediction in the labels of the day, from the ranking of all its `labels` (None: those it shows);
        unchanged where all its labels are retired."""
        if not self.changes:
            return prediction
        return replace(
            prediction, top=self.translate_ranking(prediction.target, labels or prediction.top) or prediction.top
        )

    def translate_decision(self, decision: Decision, labels: RankedLabels | None = None) -> Decision:
        """A model's decision in the labels of the day, from the ranking of all its `labels` (None: those it shows).

        A label is set only if the model's contract set it and it is the most probable one in the labels of the day,
        too; a label that was split is only suggested, and a retired one is replaced by the most probable other one.
        """
        if decision.label is None or not self._affects(decision):
            return decision
        top = self.translate_ranking(decision.target, labels or decision.top)
        resolved = self.resolve_label(decision.target, decision.label)
        parent = any(one.code == "parent" for one in decision.reasons)
        if resolved.retired:
            reason = Reason("retired", f"{resolved.label!r} is retired" + _last_change_text(resolved.changes))
            if not top:
                return replace(
                    decision,
                    action=Action.LEAVE,
                    label=None,
                    confidence=0.0,
                    top=(),
                    reasons=(reason, *decision.reasons),
                )
            return _suggest_top(decision, top, reason)
        if not parent and top[0][0] != resolved.label:
            return _suggest_top(
                decision, top, Reason("outweighed", f"{top[0][0]!r} is more probable after taxonomy changes")
            )
        confidence = decision.confidence if parent else top[0][1]
        translated = replace(decision, label=resolved.label, confidence=confidence, top=top)
        if resolved.split is not None:
            reason = Reason("split", f"{resolved.split.description}: a person must choose")
            return replace(translated, action=_cap_at_suggest(decision.action), reasons=(reason, *decision.reasons))
        if not resolved.changes:
            return translated
        code = "merged" if any(change.kind == "merge" for change in resolved.changes) else "renamed"
        return replace(
            translated,
            reasons=(*decision.reasons, Reason(code, "; ".join(change.description for change in resolved.changes))),
        )

    def _affects(self, decision: Decision) -> bool:
        names = [*dict(decision.top), decision.label]
        return any(label and self.resolve_label(decision.target, label) != ResolvedLabel(label) for label in names)


def build_ledger(
    changes: Iterable[TaxonomyChange], day: date, trained_with: Iterable[Mapping[str, Any]] = ()
) -> TaxonomyLedger:
    """The ledger of a day for a model whose card lists the changes (`TaxonomyChange.to_dict`) it was trained with."""
    return build_model_ledger(tuple(change for change in sort_changes(changes) if change.on <= day), trained_with)


def build_model_ledger(
    changes: tuple[TaxonomyChange, ...], trained_with: Iterable[Mapping[str, Any]]
) -> TaxonomyLedger:
    """The ledger of changes that all apply, in order, for a model that was trained with some of them."""
    known = list(trained_with)
    return TaxonomyLedger(changes, tuple(change for change in changes if change.to_dict() not in known))


def resolve_label(
    changes: Iterable[TaxonomyChange], target: Target, label: str, retired: frozenset[str] = frozenset()
) -> ResolvedLabel:
    """What became of a label after these changes, in order; it is also retired if its last name is among `retired`."""
    now, path, split = label, [], None
    for change in changes:
        if change.target != target or not _changes_label(change, now):
            continue
        path.append(change)
        if change.kind == "retire":
            return ResolvedLabel(now, tuple(path), retired=True)
        if change.kind == "split":
            split = change
            if now not in change.to:
                break
        else:
            now = change.to[0]
    return ResolvedLabel(now, tuple(path), retired=split is None and now in retired, split=split)


def _changes_label(change: TaxonomyChange, label: str) -> bool:
    """Whether a change is about a label, in any spelling; only a label that is written so is retired."""
    return label in change.labels or (
        change.kind != "retire" and label not in change.to and spell_as(label, change.labels) in change.labels
    )


@lru_cache(maxsize=64)
def _merges_labels(changes: tuple[TaxonomyChange, ...], target: Target, labels: tuple[str, ...]) -> bool:
    found = [resolve_label(changes, target, label) for label in labels] if changes else []
    remaining = [one.label for one in found if not one.retired]
    return len(set(remaining)) < len(remaining)


def make_translator(changes: Iterable[TaxonomyChange], target: Target) -> Callable[[str], str]:
    """A function from a former label to its name after these changes; a split or retired label keeps its name."""
    applied = tuple(changes)
    return lambda label: resolve_label(applied, target, label).label


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
        raise BadInput(f"on is {raw!r}; write the day from which it applies, such as 2026-12-01") from None


def _parse_labels(raw: Mapping[str, Any], kind: ChangeKind, name: str) -> tuple[str, ...]:
    value = raw[name]
    if (kind, name) in (("merge", "merge"), ("split", "to")):
        each = isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value)
        if not each or len(value) < 2 or len(set(value)) < len(value):
            raise BadInput(f"{name} is {value!r}; it must be a list of two or more different labels")
        return tuple(value)
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{name} is {value!r}; it must be one label")
    return (value,)


def _parse_new_labels(raw: Mapping[str, Any], kind: ChangeKind) -> tuple[str, ...]:
    if kind == "retire":
        if "to" in raw:
            raise BadInput("a retired label has no successor: leave out to, or write rename or merge")
        return ()
    if "to" not in raw:
        successor = "labels that replace it" if kind == "split" else "label that replaces it"
        raise BadInput(f"to is missing: a {kind} needs the {successor}")
    if kind == "rename" and raw["to"] == raw["rename"]:
        raise BadInput(f"the label is already called {raw['to']!r}")
    return _parse_labels(raw, kind, "to")
