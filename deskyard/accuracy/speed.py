"""How long requesters wait: first response, answers until it was solved, time until then; machine-routed against
hand-routed. The machine routes what is easy, so the two are not a fair race."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy import select

from deskyard.accuracy.asked import Asked
from deskyard.accuracy.facts import ROUTED
from deskyard.accuracy.rollups import FACTS
from deskyard.database import Session

MEASURES: Final = ("first_response", "replies", "resolution")
"""Seconds, answers, seconds."""

GROUPS: Final = ("all", "machine", "hand")


@dataclass(frozen=True, slots=True)
class Spread:
    """Of `n` tickets with a figure: the middle one, and the one that nine of ten do not exceed; None for none."""

    n: int
    median: float | None
    p90: float | None


def spread(values: Sequence[int]) -> Spread:
    """The spread of some figures.

    >>> spread([1, 2, 3, 4, 10]), spread([])
    (Spread(n=5, median=3.0, p90=10.0), Spread(n=0, median=None, p90=None))
    """
    if not values:
        return Spread(0, None, None)
    found = np.percentile(np.asarray(values), [50, 90], method="inverted_cdf")
    return Spread(len(values), float(found[0]), float(found[1]))


def speed(session: Session, asked: Asked) -> dict[str, dict[str, Spread]]:
    """Measure → group → figures; those of machine and hand add up to all."""
    rows = session.execute(select(FACTS.c.fate, *(FACTS.c[name] for name in MEASURES)).where(*asked.where(FACTS))).all()
    found: dict[str, dict[str, Spread]] = {}
    for i, measure in enumerate(MEASURES, 1):
        machine = [row[i] for row in rows if row[i] is not None and row[0] == ROUTED]
        hand = [row[i] for row in rows if row[i] is not None and row[0] != ROUTED]
        found[measure] = dict(zip(GROUPS, map(spread, (machine + hand, machine, hand)), strict=True))
    return found
