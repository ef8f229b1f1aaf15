"""Finds near-duplicates between training tickets and holdout, and measures the score without them."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from deskyard.guarantees.intervals import lower_bound
from training.data_audit.case import AuditCase
from training.data_audit.finding import MAX_EXAMPLES, Finding, format_percent, format_points

MIN_TICKETS: Final = 20
"""The fewest holdout tickets with a duplicate that are reported."""

MIN_GAP: Final = 0.02
"""The difference in accuracy without duplicates from which it matters."""


def probe(case: AuditCase) -> Iterator[Finding]:
    """The finding of holdout tickets with a near-duplicate among the training tickets, with the score of the others."""
    group = case.data.groups
    learn, ask = case.plan.holdout.learn, case.plan.holdout.predict
    copied = np.isin(group, np.unique(group[learn]))
    across = ask[copied[ask]]
    if len(across) < MIN_TICKETS or len(across) < 0.01 * len(ask):
        return
    share = len(across) / len(ask)
    figures: dict[str, object] = {"judged": len(ask), "with_a_copy": len(across)}
    parts, worst = [], 0.0
    for target, predictions in case.holdout_predictions.items():
        clean = ~copied[predictions.positions]
        if not clean.sum() or not len(clean):
            continue
        full, alone = float(predictions.right.mean()), float(predictions.right[clean].mean())
        figures[target] = {"all": full, "without_copies": alone, "n": int(clean.sum())}
        parts.append(f"{target} {format_percent(full)} on all, {format_percent(alone)} without near-duplicates")
        beyond = lower_bound(int(predictions.right[~clean].sum()), int((~clean).sum())) > alone
        worst = max(worst, full - alone if beyond else 0.0)
    flatters = worst >= MIN_GAP and not case.ordered
    yield Finding(
        "near-copies",
        "serious" if flatters else "warning" if worst >= MIN_GAP or share >= 0.1 else "note",
        None,
        f"{len(across):,} of {len(ask):,} test tickets ({format_percent(share)}) are near-duplicates of training "
        "tickets; accuracy: " + "; ".join(parts),
        f"the score is optimistic by up to {format_points(worst)[1:]}: split by time (provide created_at), or remove "
        "near-duplicates"
        if flatters
        else "for new requests expect the accuracy without near-duplicates; repeating alerts may be counted",
        case.ids(across[:MAX_EXAMPLES]),
        figures,
    )
