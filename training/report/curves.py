"""Curves: accuracy by tickets learnt from, precision by coverage, and confidence against the share that was right."""

from typing import Any, Final

import numpy as np

from deskyard.domain.ticket import Target
from deskyard.guarantees.intervals import interval
from training.fit.metrics import N_BINS
from training.pipeline.trained import TrainingResult
from training.report.judged_target import HoldoutTarget

MAX_POINTS: Final = 120
"""Of the coverage curve."""

MIN_TICKETS: Final = 10
"""Tickets below which a share says nothing."""


def learning_curve(trained: TrainingResult, target: Target) -> dict[str, Any] | None:
    """The points that the audit's curve was drawn through, and what twice the tickets would bring; None without."""
    return next((f.figures for f in trained.findings if f.probe == "history" and f.target == target), None)


def coverage_curve(holdout: HoldoutTarget) -> list[dict[str, float]]:
    """The share of right among the surest tickets, from the surest few to all."""
    if len(holdout) < MIN_TICKETS:
        return []
    right = holdout.right[np.argsort(-holdout.confidence, kind="stable")].cumsum()
    sizes = np.unique(np.linspace(MIN_TICKETS, len(holdout), MAX_POINTS).round().astype(int))
    return [{"coverage": n / len(holdout), "precision": int(right[n - 1]) / n} for n in sizes.tolist()]


def reliability_bins(holdout: HoldoutTarget) -> list[dict[str, Any]]:
    """A row a bin that holds tickets: mean confidence, how many, how many right, and the exact 95 % interval."""
    bins = np.minimum((holdout.confidence * N_BINS).astype(int), N_BINS - 1)
    rows = []
    for b in np.unique(bins).tolist():
        here = bins == b
        n, right = int(here.sum()), int(holdout.right[here].sum())
        low, high = interval(right, n)
        rows.append(
            {
                "from": b / N_BINS,
                "to": (b + 1) / N_BINS,
                "confidence": float(holdout.confidence[here].mean()),
                "n": n,
                "right": right,
                "low": low,
                "high": high,
            }
        )
    return rows
