"""Near-copies on both sides of the split, and what they do to the score.

In come a run's groups of near-copies (`training.data.near_duplicates`), out comes a finding with the score on tickets
without a copy.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from deskyard.guarantees.intervals import lower_bound
from training.data_audit.case import AuditCase
from training.data_audit.finding import MAX_EXAMPLES, Finding, format_percent, format_points

MIN_TICKETS: Final = 20
"""Copies across the split below which there is nothing to say."""

MIN_GAP: Final = 0.02
"""How far the score on tickets without a copy lies below the full one where it matters."""


def probe(case: AuditCase) -> Iterator[Finding]:
    """How many judging tickets have a near-copy among the learnt ones, and the score on the others."""
    group = case.data.groups
    learn, ask = case.plan.holdout.learn, case.plan.holdout.predict
    copied = np.isin(group, np.unique(group[learn]))
    across = ask[copied[ask]]
    if len(across) < MIN_TICKETS or len(across) < 0.01 * len(ask):
        return
    share = len(across) / len(ask)
    figures: dict[str, object] = {"judged": len(ask), "with_a_copy": len(across)}
    told, worst = [], 0.0
    for target, said in case.holdout_predictions.items():
        clean = ~copied[said.positions]
        if not clean.sum() or not len(clean):
            continue
        full, alone = float(said.right.mean()), float(said.right[clean].mean())
        figures[target] = {"all": full, "without_copies": alone, "n": int(clean.sum())}
        told.append(f"{target} {format_percent(full)} of all and {format_percent(alone)} of those without one")
        beyond = lower_bound(int(said.right[~clean].sum()), int((~clean).sum())) > alone
        worst = max(worst, full - alone if beyond else 0.0)
    flatters = worst >= MIN_GAP and not case.ordered
    yield Finding(
        "near-copies",
        "serious" if flatters else "warning" if worst >= MIN_GAP or share >= 0.1 else "note",
        None,
        f"{len(across):,} of {len(ask):,} judging tickets ({format_percent(share)}) nearly copy a learnt one; right are "
        + "; ".join(told),
        f"the score flatters by up to {format_points(worst)[1:]}: judge by time (give created_at), or take copies out"
        if flatters
        else "new matters get the score without copies; alerts that repeat may count as they are",
        case.ids(across[:MAX_EXAMPLES]),
        figures,
    )
