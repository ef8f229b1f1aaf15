"""Curves of the report: learning curve, precision by coverage, and reliability of the confidence."""

from typing import Any, Final

import numpy as np

from deskyard.domain.ticket import Target
from deskyard.guarantees.intervals import interval
from training.fit.metrics import N_BINS
from training.pipeline.trained import TrainingResult
from training.report.holdout_target import HoldoutTarget

MAX_POINTS: Final = 120
"""Points of the coverage curve."""

MIN_TICKETS: Final = 10
"""The fewest tickets of a point."""


def learning_curve(trained: TrainingResult, target: Target) -> dict[str, Any] | None:
    """The data audit's learning curve, with the expected gain of twice the tickets; None without an audit."""
    return next((f.figures for f in trained.findings if f.probe == "history" and f.target == target), None)


def coverage_curve(holdout: HoldoutTarget) -> list[dict[str, float]]:
    """The precision among the most confident tickets, by coverage."""
    if len(holdout) < MIN_TICKETS:
        return []
    right = holdout.right[np.argsort(-holdout.confidence, kind="stable")].cumsum()
    sizes = np.unique(np.linspace(MIN_TICKETS, len(holdout), MAX_POINTS).round().astype(int))
    return [{"coverage": n / len(holdout), "precision": int(right[n - 1]) / n} for n in sizes.tolist()]


def reliability_bins(holdout: HoldoutTarget) -> list[dict[str, Any]]:
    """One row per non-empty bin: mean confidence, tickets, right ones, and the exact 95 % interval."""
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
