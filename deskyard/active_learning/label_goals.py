"""Goals: which labels lack how many tickets of evidence, what reaching their contract is worth, and when it is reached.

In come what a bundle lacks at a policy's precision (`deskyard.registry.coverage_preview`) and what the desk's traffic
brings; out come goals, what brings most for the least work first. Pure. A goal is no promise: it counts tickets, and
takes for granted that the model stays as right on them as it is.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from deskyard.domain.ticket import Target
from deskyard.policy.policy import Policy
from deskyard.registry.bundle import Bundle
from deskyard.registry.coverage_preview import EvidenceGap, find_evidence_gaps


@dataclass(frozen=True, slots=True)
class LabelGoal:
    """A label (None: a whole target) that would be routed if people labelled `find_evidence_gaps` tickets of it.

    `weekly`: how many tickets of it come in a week. `weeks`: when that is reached, with the goals before it done first;
    None: so few of it come that it never is.
    """

    target: Target
    label: str | None
    lacking: int
    weekly: float
    weeks: int | None = None

    @property
    def name(self) -> str:
        """What is to be reached, for people."""
        return self.label or f"the {self.target}"

    @property
    def value_per_label(self) -> float:
        """Tickets a week that would go by themselves, by each label that people give."""
        return self.weekly / self.lacking

    def describe(self, per_week: int) -> str:
        """In a sentence.

        >>> LabelGoal("queue", "Billing", 80, 40.0, 2).told(50)
        '50 a week: Billing has the evidence for its contract in 2 weeks (80 more tickets; about 40 come a week)'
        """
        when = "never at this rate" if self.weeks is None else f"in {self.weeks} week{'' if self.weeks == 1 else 's'}"
        come = f"{self.lacking:,} more tickets; about {self.weekly:.0f} come a week"
        return f"{per_week:,} a week: {self.name} has the evidence for its contract {when} ({come})"


def plan_goals(
    bundle: Bundle,
    policy: Policy,
    tickets_per_week: float,
    unlabelled_counts: Mapping[tuple[Target, str | None], int],
    per_week: int,
) -> list[LabelGoal]:
    """What labels would bring, the best first; `arriving`: tickets a week, `stock`: how many tickets that nobody has
    spoken of are probably of each label."""
    if per_week < 1:
        raise ValueError("people label one ticket a week at least, or there is nothing to plan")
    found = [
        LabelGoal(one.target, one.label, one.tickets_needed, tickets_per_week * _label_share(bundle, one))
        for one in find_evidence_gaps(bundle, policy)
        if one.tickets_needed
    ]
    found.sort(key=lambda goal: (-goal.value_per_label, goal.target, goal.label or ""))
    return list(_schedule_goals(found, unlabelled_counts, per_week))


def _schedule_goals(
    goals: list[LabelGoal], unlabelled_counts: Mapping[tuple[Target, str | None], int], per_week: int
) -> Iterator[LabelGoal]:
    before = 0
    for goal in goals:
        before += goal.lacking
        to_come = max(goal.lacking - unlabelled_counts.get((goal.target, goal.label), 0), 0)
        until = math.ceil(to_come / goal.weekly) if goal.weekly else None
        weeks = math.ceil(before / per_week) if not to_come else until and max(until, math.ceil(before / per_week))
        yield LabelGoal(goal.target, goal.label, goal.lacking, goal.weekly, weeks)


def _label_share(bundle: Bundle, gap: EvidenceGap) -> float:
    """The share of tickets that are of a label, by the evidence; 1 for a whole target."""
    if gap.label is None:
        return 1.0
    rows = bundle.evidence[gap.target]
    n = int(np.count_nonzero(rows["kind"] == 0))
    return gap.known_tickets / n if n else 0.0
