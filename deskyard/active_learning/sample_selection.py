"""Selects the tickets that people should label next, and labels that they should check again.

Most useful is a ticket that is probably of a label whose goal is near and valuable; copies of it add nothing. A label
is doubtful where the model, which had not seen it, predicted another one with near certainty.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from deskyard.active_learning.label_goals import LabelGoal
from deskyard.active_learning.unlabelled_tickets import TicketLabelState
from deskyard.domain.label_spelling import spell_as
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import TARGETS, Target

SelectionReason = Literal["unlabelled", "doubtful"]

MIN_LABEL_PROBABILITY: Final = 0.02
"""Below this probability a ticket is not a candidate for a label."""

DOUBT_CONFIDENCE: Final = 0.8
"""Minimum confidence in another label to doubt a person's label."""

DOUBT_MAX_PROBABILITY: Final = 0.1
"""Maximum probability of the person's label to doubt it."""

SOLVED_WEIGHT: Final = 0.5
"""Value of an unreviewed solved ticket beside an open one: it is weak evidence already."""


@dataclass(frozen=True, slots=True)
class LabelCandidate:
    """A ticket to label: the current and the predicted label, the confidence (0..1), the reason, and the goal that it
    helps (None where its label is doubtful)."""

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
        """The number of the ticket."""
        return self.state.ticket.id


def select_unlabelled(
    states: Iterable[TicketLabelState], goals: Sequence[LabelGoal], target: Target | None = None
) -> list[LabelCandidate]:
    """Unreviewed tickets, the most useful for the goals first; one a text, and one goal for each ticket and target."""
    states_list = list(states)
    candidates = [
        candidate
        for one in states_list
        for candidate in _ticket_candidates(one, goals)
        if target in (None, candidate.target)
    ]
    candidates.sort(key=lambda candidate: (-candidate.value, candidate.ticket_id))
    return list(_drop_duplicates(candidates))


def find_doubtful_labels(states: Iterable[TicketLabelState], target: Target | None = None) -> list[LabelCandidate]:
    """Labels set by people that the predictions contradict, the clearest first. Labels that were confirmed or set in a
    blind review are not asked about again."""
    candidates = []
    for one in states:
        for known_target in TARGETS if target is None else (target,):
            probabilities, label = one.probabilities.get(known_target), one.human_labels.get(known_target)
            if (
                not probabilities
                or label is None
                or known_target in one.confirmed_targets
                or known_target == "assignee"
            ):
                continue
            predicted, confidence = max(probabilities.items(), key=lambda pair: pair[1])
            in_label = probabilities.get(spell_as(label, probabilities), 0.0)
            if predicted != label and confidence >= DOUBT_CONFIDENCE and in_label <= DOUBT_MAX_PROBABILITY:
                candidates.append(
                    LabelCandidate(
                        one,
                        known_target,
                        "doubtful",
                        label,
                        predicted,
                        confidence,
                        None,
                        confidence - in_label,
                    )
                )
    return sorted(candidates, key=lambda candidate: (-candidate.value, candidate.ticket_id))


def count_unlabelled(
    states: Iterable[TicketLabelState], goals: Sequence[LabelGoal]
) -> Mapping[tuple[Target, str | None], int]:
    """(target, label) of each goal → how many unreviewed tickets are probably of that label."""
    counted = Counter[tuple[Target, str | None]]()
    for one in states:
        for target, probabilities in one.probabilities.items():
            if target not in one.human_labels and probabilities:
                counted[target, max(probabilities.items(), key=lambda pair: pair[1])[0]] += 1
                counted[target, None] += 1
    return {(goal.target, goal.label): counted[goal.target, goal.label] for goal in goals}


def _ticket_candidates(state: TicketLabelState, goals: Sequence[LabelGoal]) -> Iterator[LabelCandidate]:
    """The candidates of a ticket: for each target the goal that it helps most."""
    for target, probabilities in state.probabilities.items():
        if target in state.human_labels or not probabilities:
            continue
        predicted, confidence = max(probabilities.items(), key=lambda pair: pair[1])
        current = state.current_label(target)
        weight = SOLVED_WEIGHT if current is not None and is_solved(state.ticket.status) else 1.0
        values = [
            (goal.value_per_label * (1.0 if goal.label is None else probabilities.get(goal.label, 0.0)) * weight, goal)
            for goal in goals
            if goal.target == target
            and (goal.label is None or probabilities.get(goal.label, 0.0) >= MIN_LABEL_PROBABILITY)
        ]
        if values:
            value, goal = max(values, key=lambda pair: pair[0])
            yield LabelCandidate(state, target, "unlabelled", current, predicted, confidence, goal, value)


def _drop_duplicates(candidates: Iterable[LabelCandidate]) -> Iterator[LabelCandidate]:
    seen = set()
    for candidate in candidates:
        ticket = candidate.state.ticket.ticket
        text = candidate.target, " ".join(f"{ticket.subject} {ticket.body}".casefold().split())
        if text not in seen:
            seen.add(text)
            yield candidate
