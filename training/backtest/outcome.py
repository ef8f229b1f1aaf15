"""Deed: what a policy would have done with a ticket, and whether that was right.

In come a verdict and the labels that people settled on, out goes a row. A label is right under whatever name it bears
by now (`deskyard.domain.taxonomy`); one that was split later was right where a person chose one of those it became.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from deskyard.domain.decision import Action, Decision
from deskyard.domain.label_hierarchy import MARK
from deskyard.domain.taxonomy import Turn, fate
from deskyard.domain.ticket import Target
from deskyard.policy.policy import PLACING, Verdict


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done with a ticket: its queue, whether the machine placed it there or left it to people, why (a code),
    how sure the model was; and of each target that the machine set, what, and whether it was right (None: nobody
    knows). `right` says so of the queue."""

    queue: str
    placed: bool
    why: str
    confidence: float = 0.0
    right: bool | None = None
    set: Mapping[Target, tuple[str, bool | None]] = field(default_factory=dict)


def deed(verdict: Verdict, truth: Mapping[Target, str | None], queue: str | None, turns: Sequence[Turn]) -> Deed:
    """The row of a verdict; `truth` are the labels, `queue` where the ticket belonged (None: not known)."""
    held = tuple(turns)
    placement = verdict.placement
    by = next((target for target in PLACING if target == placement.reason.code), None)
    done = {}
    for target, decision in verdict.decisions.items():
        if decision.action is Action.ROUTE and decision.label is not None:
            done[target] = decision.label, _is_right(target, decision, truth[target], held)
    if by is None:
        first = next((verdict.decisions[t] for t in PLACING if t in verdict.decisions), None)
        why = placement.reason.code if first is None else first.reasons[0].code
        return Deed(placement.queue, False, why, first.confidence if first else 0.0, None, done)
    decision = verdict.decisions[by]
    right = None if queue is None else same("queue", placement.queue, queue, held)
    if by == "queue":
        right = _is_right("queue", decision, queue, held)
    return Deed(placement.queue, True, decision.reasons[-1].code, decision.confidence, right, done)


def _is_right(target: Target, decision: Decision, truth: str | None, turns: tuple[Turn, ...]) -> bool | None:
    if truth is None or decision.label is None:
        return None
    parent = any(reason.code == "parent" for reason in decision.reasons)
    if parent and truth.startswith(decision.label + MARK):
        return True
    return same(target, decision.label, truth, turns)


@lru_cache(maxsize=4096)
def same(target: Target, said: str, truth: str, turns: tuple[Turn, ...]) -> bool:
    """Whether two labels mean one thing by what became of them."""
    if said == truth:
        return True
    was, became = fate(turns, target, said), fate(turns, target, truth)
    return was.label == became.label or (was.split is not None and became.label in was.split.to)
