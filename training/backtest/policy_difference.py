"""Compares two policies ticket by ticket: what the second does differently, and how many minutes it saves.

The interval of the saved minutes is computed over weeks, as tickets of one week (an outage, a release) are not
independent.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from training.backtest.accounting import PolicyResult

Z_95: Final = 1.96
"""Standard errors on each side of a 95 % interval."""

OUTCOMES: Final = ("right", "wrong", "unknown", "people")


@dataclass(frozen=True, slots=True)
class PolicyDifference:
    """The difference between two policies.

    `tickets`: those with different outcomes, one row each; `transitions`: (first outcome, second outcome) → tickets;
    `minutes` that the second policy saves compared with the first, with the 95 % interval `low` to `high` (None: fewer
    than two weeks).
    """

    tickets: pd.DataFrame
    transitions: dict[tuple[str, str], int]
    minutes: float
    low: float | None
    high: float | None


def compare_policies(first: PolicyResult, second: PolicyResult) -> PolicyDifference:
    """Compare two results on the same tickets."""
    one, two = first.rows, second.rows
    outcome_1, outcome_2 = _classify_outcomes(one), _classify_outcomes(two)
    saved = one["minutes"] - two["minutes"]
    differs = (outcome_1 != outcome_2) | (one["queue"] != two["queue"])
    table = pd.DataFrame(
        {
            "id": one["id"], "at": one["at"], "true_queue": one["true_queue"],
            "first": one["queue"], "first_outcome": outcome_1, "first_reason": one["reason"],
            "second": two["queue"], "second_outcome": outcome_2, "second_reason": two["reason"],
            "minutes": saved,
        }
    )[differs]  # fmt: skip
    pairs = Counter(zip(table["first_outcome"], table["second_outcome"], strict=True))
    low, high = _weekly_interval(one["at"], saved)
    return PolicyDifference(table.reset_index(drop=True), dict(sorted(pairs.items())), float(saved.sum()), low, high)


def _classify_outcomes(rows: pd.DataFrame) -> "pd.Series[str]":
    """The outcome of each ticket, one of `OUTCOMES`."""
    outcomes = np.select(
        [~rows["routed"], rows["correct"] == 1, rows["correct"] == 0], ["people", "right", "wrong"], "unknown"
    )
    return pd.Series(outcomes, index=rows.index)


def _weekly_interval(at: "pd.Series[pd.Timestamp]", saved: "pd.Series[float]") -> tuple[float | None, float | None]:
    weeks = saved.groupby(pd.to_datetime(at, utc=True).dt.strftime("%G-%V")).sum()
    if len(weeks) < 2:
        return None, None
    margin = Z_95 * float(weeks.std()) * len(weeks) ** 0.5
    return float(weeks.sum()) - margin, float(weeks.sum()) + margin
