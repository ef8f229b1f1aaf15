"""How long requesters wait: first response, answers until it was solved, time until then; machine-routed against
hand-routed. The machine routes what is easy, so the two are not a fair race."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Text, cast, func, select

from deskyard.analytics.query import ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.analytics.ticket_facts import ROUTED
from deskyard.db.tables.analytics import TICKET_FACTS

MEASURES: Final = ("first_response", "replies", "resolution")
"""Seconds, answers, seconds."""

GROUPS: Final = ("all", "machine", "hand")


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of `n` tickets with a figure: the middle one, and the one that nine of ten do not exceed; None for none."""

    n: int
    median: int | None
    p90: int | None


def compute_quantiles(values: npt.NDArray[np.int64]) -> Quantiles:
    """The spread of some figures.

    >>> compute_quantiles(np.array([3, 1, 2, 4, 10])), compute_quantiles(np.array([], int))
    (Spread(n=5, median=3, p90=10), Spread(n=0, median=None, p90=None))
    """
    if not len(values):
        return Quantiles(0, None, None)
    median, p90 = np.percentile(values, [50, 90], method="inverted_cdf")
    return Quantiles(len(values), int(median), int(p90))


def measure_response_times(conn: Connection, query: ReportQuery) -> dict[str, dict[str, Quantiles]]:
    """Measure → group → figures; those of machine and hand add up to all.

    The database hands a measure over as one text, which takes it a tenth of the time of a hundred thousand rows.
    """
    facts = view_table(TICKET_FACTS, query)
    machine = facts.c.fate == ROUTED
    texts = [func.aggregate_strings(cast(facts.c[name], Text), ",") for name in MEASURES]
    rows = conn.execute(select(machine, *texts).where(*query.conditions(facts)).group_by(machine))
    told = {bool(routed): said for routed, *said in rows}
    found: dict[str, dict[str, Quantiles]] = {}
    for i, measure in enumerate(MEASURES):
        by_machine, by_hand = (_parse_numbers(told[routed][i] if routed in told else None) for routed in (True, False))
        parts = np.concatenate([by_machine, by_hand]), by_machine, by_hand
        found[measure] = dict(zip(GROUPS, map(compute_quantiles, parts), strict=True))
    return found


def _parse_numbers(text: str | None) -> npt.NDArray[np.int64]:
    return np.array(text.split(",") if text else [], dtype=np.int64)
