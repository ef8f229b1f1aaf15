"""The difference of two policies, ticket by ticket: what the second does otherwise, and what that is worth.

In come two accounts of the same tickets, out come the tickets that fare otherwise, and the minutes between the two with
what chance allows: weeks are taken together, since tickets of a week (an outage, a release) are no independent
witnesses.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from training.backtest.accounting import PolicyResult

Z_95: Final = 1.96
"""Standard errors on each side of 95 %."""

OUTCOMES: Final = ("right", "wrong", "unknown", "people")


@dataclass(frozen=True, slots=True)
class PolicyDifference:
    """`tickets`: those that fare otherwise, with what both do; `fates`: how many went from which fate to which;
    `minutes` that the second saves beside the first, between `low` and `high` with 95 % confidence (None: fewer than
    two weeks)."""

    tickets: pd.DataFrame
    transitions: dict[tuple[str, str], int]
    minutes: float
    low: float | None
    high: float | None


def compare_policies(first: PolicyResult, second: PolicyResult) -> PolicyDifference:
    """From the first to the second; both are of the same tickets."""
    one, two = first.rows, second.rows
    was, became = _classify_outcomes(one), _classify_outcomes(two)
    saved = one["minutes"] - two["minutes"]
    otherwise = (was != became) | (one["queue"] != two["queue"])
    table = pd.DataFrame(
        {
            "id": one["id"], "at": one["at"], "belongs": one["belongs"],
            "first": one["queue"], "first_fate": was, "first_why": one["why"],
            "second": two["queue"], "second_fate": became, "second_why": two["why"],
            "minutes": saved,
        }
    )[otherwise]  # fmt: skip
    pairs = Counter(zip(table["first_fate"], table["second_fate"], strict=True))
    low, high = _weekly_interval(one["at"], saved)
    return PolicyDifference(table.reset_index(drop=True), dict(sorted(pairs.items())), float(saved.sum()), low, high)


def _classify_outcomes(rows: pd.DataFrame) -> "pd.Series[str]":
    """What became of each ticket: one of `OUTCOMES`."""
    fates = np.select(
        [~rows["placed"], rows["right"] == 1, rows["right"] == 0], ["people", "right", "wrong"], "unknown"
    )
    return pd.Series(fates, index=rows.index)


def _weekly_interval(at: "pd.Series[pd.Timestamp]", saved: "pd.Series[float]") -> tuple[float | None, float | None]:
    weeks = saved.groupby(pd.to_datetime(at, utc=True).dt.strftime("%G-%V")).sum()
    if len(weeks) < 2:
        return None, None
    apart = Z_95 * float(weeks.std()) * len(weeks) ** 0.5
    return float(weeks.sum()) - apart, float(weeks.sum()) + apart
