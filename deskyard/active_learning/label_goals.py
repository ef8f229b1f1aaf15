"""Label goals: which labels need how many more tickets of evidence, and when they will have them.

A goal combines the evidence gaps of a bundle at a policy's precision (`deskyard.registry.coverage_preview`) with the
desk's traffic; goals that bring most for the least work come first. Pure. A goal is an estimate: it counts tickets and
assumes that the model stays as accurate on them as it is.
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
    """A label (None: a whole target) that would be routed if people labelled `tickets_needed` more tickets of it.

    `tickets_per_week`: how many tickets of it are received a week. `weeks_to_goal`: after how many weeks the goal is
    reached if the goals before it are done first; None: never, because too few are received.
    """

    target: Target
    label: str | None
    tickets_needed: int
    tickets_per_week: float
    weeks_to_goal: int | None = None

    @property
    def name(self) -> str:
        """The label or target, for people."""
        return self.label or f"the {self.target}"

    @property
    def value_per_label(self) -> float:
        """Tickets a week that would be routed, per ticket that people label."""
        return self.tickets_per_week / self.tickets_needed

    def describe(self, per_week: int) -> str:
        """The goal in a sentence, for people who label `per_week` tickets a week.

        >>> LabelGoal("queue", "Billing", 80, 40.0, 2).describe(50)
        '50 a week: Billing has the evidence for its contract in 2 weeks (80 more tickets; about 40 received a week)'
        """
        weeks = self.weeks_to_goal
        when = "never at this rate" if weeks is None else f"in {weeks} week{'' if weeks == 1 else 's'}"
        received = f"{self.tickets_needed:,} more tickets; about {self.tickets_per_week:.0f} received a week"
        return f"{per_week:,} a week: {self.name} has the evidence for its contract {when} ({received})"


def plan_goals(
    bundle: Bundle,
    policy: Policy,
    tickets_per_week: float,
    unlabelled_counts: Mapping[tuple[Target, str | None], int],
    per_week: int,
) -> list[LabelGoal]:
    """The goals of a bundle, the most valuable per label first.

    `tickets_per_week`: tickets received a week. `unlabelled_counts`: how many unreviewed tickets are probably of each
    label. `per_week`: how many tickets people label a week, 1 at least.
    """
    if per_week < 1:
        raise ValueError("per_week must be at least 1")
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
    labelled_before = 0
    for goal in goals:
        labelled_before += goal.tickets_needed
        to_receive = max(goal.tickets_needed - unlabelled_counts.get((goal.target, goal.label), 0), 0)
        received_after = math.ceil(to_receive / goal.tickets_per_week) if goal.tickets_per_week else None
        weeks = (
            math.ceil(labelled_before / per_week)
            if not to_receive
            else received_after and max(received_after, math.ceil(labelled_before / per_week))
        )
        yield LabelGoal(goal.target, goal.label, goal.tickets_needed, goal.tickets_per_week, weeks)


def _label_share(bundle: Bundle, gap: EvidenceGap) -> float:
    """The share (0..1) of the evidence that is of a label; 1 for a whole target."""
    if gap.label is None:
        return 1.0
    rows = bundle.evidence[gap.target]
    n = int(np.count_nonzero(rows["kind"] == 0))
    return gap.known_tickets / n if n else 0.0
