"""Learnable: targets that the text does not tell, and the gap between a random split and one by time.

In come answers to judging tickets; out come sentences that say when a score is worth nothing. Never fits anything.
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.stats import binomtest

from training.data_audit.case import Case
from training.data_audit.finding import Finding, percent, points

LUCK: Final = 0.05
"""The chance at which a model that knows nothing would beat the majority as it did (McNemar 1947, exact)."""

LEAST: Final = 0.01
"""A smaller gain over the majority is none."""

GAP: Final = 0.03
"""Accuracy that a random split promises beyond the one by time, from which it is said."""

FEWEST: Final = 20


def probe(case: Case) -> Iterator[Finding]:
    """Unlearnable targets, then the gaps."""
    for target in case.targets:
        known, judged = case.known[target], case.judged[target]
        if len(known.truth) < FEWEST or not len(judged.truth):
            continue
        always = case.usual(target)
        model, majority = known.right, known.truth == always
        better, worse = int((model & ~majority).sum()), int((~model & majority).sum())
        luck = float(binomtest(better, better + worse, alternative="greater").pvalue) if better + worse else 1.0
        gain = float(model.mean() - majority.mean())
        if luck <= LUCK and gain >= LEAST:
            continue
        shares = float((judged.truth == always).mean()), float(judged.right.mean())
        yield Finding(
            "unlearnable",
            "warning",
            target,
            f"{target} is not in the text, as far as {len(case.plan.apart.learn):,} tickets tell: "
            f"majority {shares[0]:.2f}, model {shares[1]:.2f}",
            f"leave {target} to a rule or to people (--targets without it), or bring what decides it as a field x_...",
            (),
            {"majority": shares[0], "model": shares[1], "gain": gain, "luck": luck},
        )
    yield from _gaps(case)


def _gaps(case: Case) -> Iterator[Finding]:
    if case.at_random is None:
        return
    for target in case.targets:
        later, mixed = case.judged[target].right, case.said(case.at_random, target).right
        if min(len(later), len(mixed)) < FEWEST:
            continue
        gap = float(mixed.mean() - later.mean())
        spread = math.sqrt(sum(float(np.var(right)) / len(right) for right in (later, mixed)))
        if gap < GAP or gap < 2.58 * spread:
            continue
        yield Finding(
            "time gap",
            "warning",
            target,
            f"{target}: a random split promises {percent(float(mixed.mean()))}, tickets newer than all that was learnt "
            f"get {percent(float(later.mean()))} ({points(-gap)}): matters or labels change with time",
            "believe the split by time, train again often (each week is cheap), and look whether labels were renamed",
            (),
            {"at_random": float(mixed.mean()), "by_time": float(later.mean())},
        )
