"""Curves: accuracy by tickets learnt from, precision by coverage, and confidence against the share that was right."""

from typing import Any, Final

import numpy as np

from deskyard.domain.ticket import Target
from deskyard.guarantees.intervals import interval
from training.fit.metrics import BINS
from training.pipeline.trained import Trained
from training.report.judged_target import JudgedTarget

POINTS: Final = 120
"""Of the coverage curve."""

FIRST: Final = 10
"""Tickets below which a share says nothing."""


def learning(trained: Trained, target: Target) -> dict[str, Any] | None:
    """The points that the audit's curve was drawn through, and what twice the tickets would bring; None without."""
    return next((f.figures for f in trained.findings if f.probe == "history" and f.target == target), None)


def coverage(one: JudgedTarget) -> list[dict[str, float]]:
    """The share of right among the surest tickets, from the surest few to all."""
    if len(one) < FIRST:
        return []
    right = one.right[np.argsort(-one.confidence, kind="stable")].cumsum()
    sizes = np.unique(np.linspace(FIRST, len(one), POINTS).round().astype(int))
    return [{"coverage": n / len(one), "precision": int(right[n - 1]) / n} for n in sizes.tolist()]


def reliability(one: JudgedTarget) -> list[dict[str, Any]]:
    """A row a bin that holds tickets: mean confidence, how many, how many right, and the exact 95 % interval."""
    bins = np.minimum((one.confidence * BINS).astype(int), BINS - 1)
    rows = []
    for b in np.unique(bins).tolist():
        here = bins == b
        n, right = int(here.sum()), int(one.right[here].sum())
        low, high = interval(right, n)
        rows.append(
            {
                "from": b / BINS,
                "to": (b + 1) / BINS,
                "confidence": float(one.confidence[here].mean()),
                "n": n,
                "right": right,
                "low": low,
                "high": high,
            }
        )
    return rows
