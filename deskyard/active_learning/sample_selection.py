"""Worthwhile: which tickets people should label next, and which of their labels they should look at once more.

In come goals and tickets as the machine saw them when they came, out go items, the most useful first. Useful is a
ticket that is probably of a label whose contract is near and worth much; copies of it add nothing. A label is doubtful
where the machine, which had not seen it, was nearly certain of another.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from deskyard.active_learning.label_goals import LabelGoal
from deskyard.active_learning.unlabelled_tickets import TicketLabelState
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import TARGETS, Target

SelectionReason = Literal["wanted", "doubtful"]

MIN_LABEL_PROBABILITY: Final = 0.02
"""A ticket is no candidate for a label below this probability."""

DOUBT_CONFIDENCE: Final = 0.8
"""How sure the machine must have been of another label to doubt a person's."""

DOUBT_MAX_PROBABILITY: Final = 0.1
"""And how improbable the person's must have been to it."""

SOLVED_WEIGHT: Final = 0.5
"""A solved ticket that nobody spoke of is evidence already, of a kind: asking about it brings half."""


@dataclass(frozen=True, slots=True)
class LabelCandidate:
    """A ticket to look at: what stands, what the machine thinks and how sure it is (0..1), why, and the goal it helps
    (None: it is doubtful)."""

    state: TicketLabelState
    target: Target
    reason: SelectionReason
    current_label: str | None
    predicted_label: str
    confidence: float
    goal: LabelGoal | None
    value: float

    @property
    def ticket_id(self) -> int:
        """The ticket's."""
        return self.state.ticket.id


def select_unlabelled(
    states: Iterable[TicketLabelState], goals: Sequence[LabelGoal], target: Target | None = None
) -> list[LabelCandidate]:
    """Tickets of which nobody has spoken, by what they bring to the goals; one a text, one goal a ticket and target."""
    heard = list(states)
    items = [item for one in heard for item in _ticket_candidates(one, goals) if target in (None, item.target)]
    items.sort(key=lambda item: (-item.value, item.ticket_id))
    return list(_drop_duplicates(items))


def find_doubtful_labels(states: Iterable[TicketLabelState], target: Target | None = None) -> list[LabelCandidate]:
    """Labels that people gave and the machine, which had not seen them, doubts; the surest first. What they looked at
    twice, or said blindly, is not asked again."""
    items = []
    for one in states:
        for mine in TARGETS if target is None else (target,):
            said, given = one.probabilities.get(mine), one.human_labels.get(mine)
            if not said or given is None or mine in one.confirmed_targets or mine == "assignee":
                continue
            thinks, sure = max(said.items(), key=lambda pair: pair[1])
            if thinks != given and sure >= DOUBT_CONFIDENCE and said.get(given, 0.0) <= DOUBT_MAX_PROBABILITY:
                items.append(
                    LabelCandidate(one, mine, "doubtful", given, thinks, sure, None, sure - said.get(given, 0.0))
                )
    return sorted(items, key=lambda item: (-item.value, item.ticket_id))


def count_unlabelled(
    states: Iterable[TicketLabelState], goals: Sequence[LabelGoal]
) -> Mapping[tuple[Target, str | None], int]:
    """How many tickets that nobody has spoken of are probably of each goal's label."""
    counted = Counter[tuple[Target, str | None]]()
    for one in states:
        for target, said in one.probabilities.items():
            if target not in one.human_labels and said:
                counted[target, max(said.items(), key=lambda pair: pair[1])[0]] += 1
                counted[target, None] += 1
    return {(goal.target, goal.label): counted[goal.target, goal.label] for goal in goals}


def _ticket_candidates(state: TicketLabelState, goals: Sequence[LabelGoal]) -> Iterator[LabelCandidate]:
    """A ticket's items: for each target the goal that it helps most."""
    for target, said in state.probabilities.items():
        if target in state.human_labels or not said:
            continue
        thinks, sure = max(said.items(), key=lambda pair: pair[1])
        stands = state.current_label(target)
        solved = SOLVED_WEIGHT if stands is not None and is_solved(state.ticket.status) else 1.0
        helped = [
            (goal.value_per_label * (1.0 if goal.label is None else said.get(goal.label, 0.0)) * solved, goal)
            for goal in goals
            if goal.target == target and (goal.label is None or said.get(goal.label, 0.0) >= MIN_LABEL_PROBABILITY)
        ]
        if helped:
            value, goal = max(helped, key=lambda pair: pair[0])
            yield LabelCandidate(state, target, "wanted", stands, thinks, sure, goal, value)


def _drop_duplicates(candidates: Iterable[LabelCandidate]) -> Iterator[LabelCandidate]:
    seen = set()
    for item in candidates:
        ticket = item.state.ticket.ticket
        text = item.target, " ".join(f"{ticket.subject} {ticket.body}".casefold().split())
        if text not in seen:
            seen.add(text)
            yield item
