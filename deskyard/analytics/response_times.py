"""Response times: first response, replies until the solution and time until then, of routed and of manually triaged
tickets. The easy tickets are routed automatically, so the two groups are not directly comparable."""

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
"""`first_response` and `resolution` are in seconds; `replies` is a count."""

GROUPS: Final = ("all", "machine", "hand")


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Median and 90th percentile of the `n` tickets with a value; None without any."""

    n: int
    median: int | None
    p90: int | None


def compute_quantiles(values: npt.NDArray[np.int64]) -> Quantiles:
    """Median and 90th percentile of values.

    >>> compute_quantiles(np.array([3, 1, 2, 4, 10])), compute_quantiles(np.array([], int))
    (Quantiles(n=5, median=3, p90=10), Quantiles(n=0, median=None, p90=None))
    """
    if not len(values):
        return Quantiles(0, None, None)
    median, p90 = np.percentile(values, [50, 90], method="inverted_cdf")
    return Quantiles(len(values), int(median), int(p90))


def measure_response_times(conn: Connection, query: ReportQuery) -> dict[str, dict[str, Quantiles]]:
    """Measure → group → quantiles; the groups machine and hand together are all.

    The database returns a measure as one text, which takes a tenth of the time of a hundred thousand rows.
    """
    facts = view_table(TICKET_FACTS, query)
    machine = facts.c.fate == ROUTED
    texts = [func.aggregate_strings(cast(facts.c[name], Text), ",") for name in MEASURES]
    rows = conn.execute(select(machine, *texts).where(*query.conditions(facts)).group_by(machine))
    texts_by_group = {bool(routed): joined for routed, *joined in rows}
    found: dict[str, dict[str, Quantiles]] = {}
    for i, measure in enumerate(MEASURES):
        by_machine, by_hand = (
            _parse_numbers(texts_by_group[routed][i] if routed in texts_by_group else None) for routed in (True, False)
        )
        parts = np.concatenate([by_machine, by_hand]), by_machine, by_hand
        found[measure] = dict(zip(GROUPS, map(compute_quantiles, parts), strict=True))
    return found


def _parse_numbers(text: str | None) -> npt.NDArray[np.int64]:
    return np.array(text.split(",") if text else [], dtype=np.int64)
