"""Goals: which labels lack how many tickets of evidence, what reaching their contract is worth, and when it is reached.

In come what a bundle lacks at a policy's precision (`deskyard.registry.coverage_preview`) and what the desk's traffic brings; out come
goals, what brings most for the least work first. Pure. A goal is no promise: it counts tickets, and takes for granted
that the model stays as right on them as it is.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from deskyard.domain.ticket import Target
from deskyard.policy.policy import Policy
from deskyard.registry.bundle import Bundle
from deskyard.registry.coverage_preview import Lacking, lacking


@dataclass(frozen=True, slots=True)
class Goal:
    """A label (None: a whole target) that would be routed if people labelled `lacking` tickets of it.

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
    def worth(self) -> float:
        """Tickets a week that would go by themselves, by each label that people give."""
        return self.weekly / self.lacking

    def told(self, per_week: int) -> str:
        """In a sentence.

        >>> Goal("queue", "Billing", 80, 40.0, 2).told(50)
        '50 a week: Billing has the evidence for its contract in 2 weeks (80 more tickets; about 40 come a week)'
        """
        when = "never at this rate" if self.weeks is None else f"in {self.weeks} week{'' if self.weeks == 1 else 's'}"
        come = f"{self.lacking:,} more tickets; about {self.weekly:.0f} come a week"
        return f"{per_week:,} a week: {self.name} has the evidence for its contract {when} ({come})"


def goals(
    bundle: Bundle,
    policy: Policy,
    arriving: float,
    stock: Mapping[tuple[Target, str | None], int],
    per_week: int,
) -> list[Goal]:
    """What labels would bring, the best first; `arriving`: tickets a week, `stock`: how many tickets that nobody has
    spoken of are probably of each label."""
    if per_week < 1:
        raise ValueError("people label one ticket a week at least, or there is nothing to plan")
    found = [
        Goal(one.target, one.label, one.lacking, arriving * _share(bundle, one))
        for one in lacking(bundle, policy)
        if one.lacking
    ]
    found.sort(key=lambda goal: (-goal.worth, goal.target, goal.label or ""))
    return list(_planned(found, stock, per_week))


def _planned(found: list[Goal], stock: Mapping[tuple[Target, str | None], int], per_week: int) -> Iterator[Goal]:
    before = 0
    for goal in found:
        before += goal.lacking
        to_come = max(goal.lacking - stock.get((goal.target, goal.label), 0), 0)
        until = math.ceil(to_come / goal.weekly) if goal.weekly else None
        weeks = math.ceil(before / per_week) if not to_come else until and max(until, math.ceil(before / per_week))
        yield Goal(goal.target, goal.label, goal.lacking, goal.weekly, weeks)


def _share(bundle: Bundle, one: Lacking) -> float:
    """The share of tickets that are of a label, by the evidence; 1 for a whole target."""
    if one.label is None:
        return 1.0
    rows = bundle.evidence[one.target]
    n = int(np.count_nonzero(rows["kind"] == 0))
    return one.known / n if n else 0.0
