"""Finds targets that can't be predicted from the text, and gaps between a random split and one by time."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.stats import binomtest

from training.data_audit.case import AuditCase
from training.data_audit.finding import Finding, format_percent, format_points

MAX_P_VALUE: Final = 0.05
"""The largest p-value at which the model beats the majority label (McNemar 1947, exact)."""

MIN_IMPROVEMENT: Final = 0.01
"""The smallest gain over the majority label that counts."""

MIN_GAP: Final = 0.03
"""The difference in accuracy between a random split and one by time from which it is reported."""

MIN_TICKETS: Final = 20


def probe(case: AuditCase) -> Iterator[Finding]:
    """Findings of unlearnable targets, then of gaps."""
    for target in case.targets:
        predictions, holdout = case.all_predictions[target], case.holdout_predictions[target]
        if len(predictions.truth) < MIN_TICKETS or not len(holdout.truth):
            continue
        always = case.majority_label(target)
        model, majority = predictions.right, predictions.truth == always
        better, worse = int((model & ~majority).sum()), int((~model & majority).sum())
        p_value = float(binomtest(better, better + worse, alternative="greater").pvalue) if better + worse else 1.0
        gain = float(model.mean() - majority.mean())
        if p_value <= MAX_P_VALUE and gain >= MIN_IMPROVEMENT:
            continue
        shares = float((holdout.truth == always).mean()), float(holdout.right.mean())
        yield Finding(
            "unlearnable",
            "warning",
            target,
            f"{target} is not predictable from the text ({len(case.plan.holdout.learn):,} training tickets): "
            f"accuracy of the majority {shares[0]:.2f}, model {shares[1]:.2f}",
            f"leave {target} to a rule or to people (--targets without it), or add the deciding value as a field x_...",
            (),
            {"majority": shares[0], "model": shares[1], "gain": gain, "luck": p_value},
        )
    yield from _find_split_gaps(case)


def _find_split_gaps(case: AuditCase) -> Iterator[Finding]:
    if case.random_holdout is None:
        return
    for target in case.targets:
        later, mixed = (
            case.holdout_predictions[target].right,
            case.labelled_predictions(case.random_holdout, target).right,
        )
        if min(len(later), len(mixed)) < MIN_TICKETS:
            continue
        gap = float(mixed.mean() - later.mean())
        spread = math.sqrt(sum(float(np.var(right)) / len(right) for right in (later, mixed)))
        if gap < MIN_GAP or gap < 2.58 * spread:
            continue
        yield Finding(
            "time gap",
            "warning",
            target,
            f"{target}: a random split gives {format_percent(float(mixed.mean()))}, a split by time "
            f"{format_percent(float(later.mean()))} ({format_points(-gap)}): topics or labels change over time",
            "trust the split by time, retrain often (every week is cheap), and check for renamed labels",
            (),
            {"at_random": float(mixed.mean()), "by_time": float(later.mean())},
        )
