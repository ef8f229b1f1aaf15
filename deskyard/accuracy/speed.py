"""How long requesters wait: first response, answers until it was solved, time until then; machine-routed against
hand-routed. The machine routes what is easy, so the two are not a fair race."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy import func, select

from deskyard.accuracy.asked import Asked
from deskyard.accuracy.facts import ROUTED
from deskyard.accuracy.rollups import FACTS
from deskyard.database import Session

MEASURES: Final = {"first_response": 60, "replies": 1, "resolution": 60}
"""What is measured → in which steps: seconds to the minute, answers, seconds to the minute."""

GROUPS: Final = ("all", "machine", "hand")


@dataclass(frozen=True, slots=True)
class Spread:
    """Of `n` tickets with a figure: the middle one, and the one that nine of ten do not exceed; None for none."""

    n: int
    median: int | None
    p90: int | None


def spread(counts: Mapping[int, int]) -> Spread:
    """The spread of figures: figure → how many tickets have it.

    >>> spread({3: 1, 1: 1, 2: 1, 4: 1, 10: 1}), spread({})
    (Spread(n=5, median=3, p90=10), Spread(n=0, median=None, p90=None))
    """
    n = sum(counts.values())
    if not n:
        return Spread(0, None, None)
    values = sorted(counts)
    up_to = np.cumsum([counts[value] for value in values])
    median, p90 = (values[int(np.searchsorted(up_to, math.ceil(share * n)))] for share in (0.5, 0.9))
    return Spread(n, median, p90)


def speed(session: Session, asked: Asked) -> dict[str, dict[str, Spread]]:
    """Measure → group → figures; those of machine and hand add up to all. The database counts, as a hundred thousand
    rows take it a tenth of the time that it takes to hand them over."""
    found: dict[str, dict[str, Spread]] = {}
    for measure, unit in MEASURES.items():
        machine, value = FACTS.c.fate == ROUTED, FACTS.c[measure] // unit
        rows = session.execute(
            select(machine, value, func.count())
            .where(FACTS.c[measure].is_not(None), *asked.where(FACTS))
            .group_by(machine, value)
        )
        groups: dict[str, Counter[int]] = {group: Counter() for group in GROUPS}
        for routed, figure, n in rows:
            for group in ("all", "machine" if routed else "hand"):
                groups[group][int(figure) * unit] += int(n)
        found[measure] = {group: spread(counts) for group, counts in groups.items()}
    return found
