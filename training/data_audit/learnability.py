"""Learnable: targets that the text does not tell, and the gap between a random split and one by time.

In come answers to judging tickets; out come sentences that say when a score is worth nothing. Never fits anything.
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.stats import binomtest

from training.data_audit.case import AuditCase
from training.data_audit.finding import Finding, format_percent, format_points

MAX_P_VALUE: Final = 0.05
"""The chance at which a model that knows nothing would beat the majority as it did (McNemar 1947, exact)."""

MIN_IMPROVEMENT: Final = 0.01
"""A smaller gain over the majority is none."""

MIN_GAP: Final = 0.03
"""Accuracy that a random split promises beyond the one by time, from which it is said."""

MIN_TICKETS: Final = 20


def probe(case: AuditCase) -> Iterator[Finding]:
    """Unlearnable targets, then the gaps."""
    for target in case.targets:
        known, judged = case.all_predictions[target], case.holdout_predictions[target]
        if len(known.truth) < MIN_TICKETS or not len(judged.truth):
            continue
        always = case.majority_label(target)
        model, majority = known.right, known.truth == always
        better, worse = int((model & ~majority).sum()), int((~model & majority).sum())
        luck = float(binomtest(better, better + worse, alternative="greater").pvalue) if better + worse else 1.0
        gain = float(model.mean() - majority.mean())
        if luck <= MAX_P_VALUE and gain >= MIN_IMPROVEMENT:
            continue
        shares = float((judged.truth == always).mean()), float(judged.right.mean())
        yield Finding(
            "unlearnable",
            "warning",
            target,
            f"{target} is not in the text, as far as {len(case.plan.holdout.learn):,} tickets tell: "
            f"majority {shares[0]:.2f}, model {shares[1]:.2f}",
            f"leave {target} to a rule or to people (--targets without it), or bring what decides it as a field x_...",
            (),
            {"majority": shares[0], "model": shares[1], "gain": gain, "luck": luck},
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
            f"{target}: a random split promises {format_percent(float(mixed.mean()))}, tickets newer than all that was learnt "
            f"get {format_percent(float(later.mean()))} ({format_points(-gap)}): matters or labels change with time",
            "believe the split by time, train again often (each week is cheap), and look whether labels were renamed",
            (),
            {"at_random": float(mixed.mean()), "by_time": float(later.mean())},
        )
