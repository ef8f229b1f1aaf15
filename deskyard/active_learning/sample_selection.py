"""Worthwhile: which tickets people should label next, and which of their labels they should look at once more.

In come goals and tickets as the machine saw them when they came, out go items, the most useful first. Useful is a
ticket that is probably of a label whose contract is near and worth much; copies of it add nothing. A label is doubtful
where the machine, which had not seen it, was nearly certain of another.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from deskyard.active_learning.label_goals import Goal
from deskyard.active_learning.unlabelled_tickets import Heard
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import TARGETS, Target

Why = Literal["wanted", "doubtful"]

LIKELY: Final = 0.02
"""A ticket is no candidate for a label below this probability."""

SURE: Final = 0.8
"""How sure the machine must have been of another label to doubt a person's."""

UNLIKELY: Final = 0.1
"""And how improbable the person's must have been to it."""

SEEN: Final = 0.5
"""A solved ticket that nobody spoke of is evidence already, of a kind: asking about it brings half."""


@dataclass(frozen=True, slots=True)
class Item:
    """A ticket to look at: what stands, what the machine thinks and how sure it is (0..1), why, and the goal it helps
    (None: it is doubtful)."""

    heard: Heard
    target: Target
    why: Why
    stands: str | None
    thinks: str
    confidence: float
    goal: Goal | None
    value: float

    @property
    def number(self) -> int:
        """The ticket's."""
        return self.heard.filed.id


def wanted(found: Iterable[Heard], goals: Sequence[Goal], target: Target | None = None) -> list[Item]:
    """Tickets of which nobody has spoken, by what they bring to the goals; one a text, one goal a ticket and target."""
    heard = list(found)
    items = [item for one in heard for item in _of(one, goals) if target in (None, item.target)]
    items.sort(key=lambda item: (-item.value, item.number))
    return list(_without_copies(items))


def doubtful(found: Iterable[Heard], target: Target | None = None) -> list[Item]:
    """Labels that people gave and the machine, which had not seen them, doubts; the surest first. What they looked at
    twice, or said blindly, is not asked again."""
    items = []
    for one in found:
        for mine in TARGETS if target is None else (target,):
            said, given = one.said.get(mine), one.chosen.get(mine)
            if not said or given is None or mine in one.twice or mine == "assignee":
                continue
            thinks, sure = max(said.items(), key=lambda pair: pair[1])
            if thinks != given and sure >= SURE and said.get(given, 0.0) <= UNLIKELY:
                items.append(Item(one, mine, "doubtful", given, thinks, sure, None, sure - said.get(given, 0.0)))
    return sorted(items, key=lambda item: (-item.value, item.number))


def stock(found: Iterable[Heard], goals: Sequence[Goal]) -> Mapping[tuple[Target, str | None], int]:
    """How many tickets that nobody has spoken of are probably of each goal's label."""
    counted = Counter[tuple[Target, str | None]]()
    for one in found:
        for target, said in one.said.items():
            if target not in one.chosen and said:
                counted[target, max(said.items(), key=lambda pair: pair[1])[0]] += 1
                counted[target, None] += 1
    return {(goal.target, goal.label): counted[goal.target, goal.label] for goal in goals}


def _of(one: Heard, goals: Sequence[Goal]) -> Iterator[Item]:
    """A ticket's items: for each target the goal that it helps most."""
    for target, said in one.said.items():
        if target in one.chosen or not said:
            continue
        thinks, sure = max(said.items(), key=lambda pair: pair[1])
        stands = one.stands(target)
        solved = SEEN if stands is not None and is_solved(one.filed.status) else 1.0
        helped = [
            (goal.worth * (1.0 if goal.label is None else said.get(goal.label, 0.0)) * solved, goal)
            for goal in goals
            if goal.target == target and (goal.label is None or said.get(goal.label, 0.0) >= LIKELY)
        ]
        if helped:
            value, goal = max(helped, key=lambda pair: pair[0])
            yield Item(one, target, "wanted", stands, thinks, sure, goal, value)


def _without_copies(items: Iterable[Item]) -> Iterator[Item]:
    seen = set()
    for item in items:
        ticket = item.heard.filed.ticket
        text = item.target, " ".join(f"{ticket.subject} {ticket.body}".casefold().split())
        if text not in seen:
            seen.add(text)
            yield item
