"""The confusion matrix, and precision and recall of each label with exact intervals."""

from typing import Any, Final

import numpy as np

from deskyard.guarantees.intervals import interval
from training.report.holdout_target import HoldoutTarget

MAX_LABELS: Final = 25
"""Labels in the confusion matrix; the others are merged."""


def confusion_table(holdout: HoldoutTarget) -> dict[str, Any]:
    """Counts (true x predicted), labels by frequency; with more than `MAX_LABELS`, those that are confused most.

    `merged`: the number of other labels. The last row and column hold other labels and true labels that are not learnt,
    if there are any (`others`).
    """
    size = len(holdout.labels)
    truth = np.where(holdout.truth < 0, size, holdout.truth)
    counts = np.zeros((size + 1, size + 1), np.int64)
    np.add.at(counts, (truth, holdout.predicted), 1)
    frequency = counts.sum(axis=1)[:size]
    wrong = counts - np.diag(np.diag(counts))
    involved = (wrong.sum(axis=0) + wrong.sum(axis=1))[:size]
    seen = np.flatnonzero(frequency + counts.sum(axis=0)[:size])
    kept = seen[np.lexsort((seen, -frequency[seen], -involved[seen]))][:MAX_LABELS]
    kept = kept[np.lexsort((kept, -frequency[kept]))]
    place = np.full(size + 1, len(kept))
    place[kept] = np.arange(len(kept))
    shown = np.zeros((len(kept) + 1, len(kept) + 1), np.int64)
    np.add.at(shown, (place[:, None], place[None, :]), counts)
    others = bool(shown[-1].any() or shown[:, -1].any())
    return {
        "labels": [holdout.labels[i] for i in kept.tolist()],
        "merged": len(seen) - len(kept),
        "others": others,
        "not_learnt": int((holdout.truth < 0).sum()),
        "counts": (shown if others else shown[:-1, :-1]).tolist(),
    }


def label_table(holdout: HoldoutTarget) -> list[dict[str, Any]]:
    """One row per label, the most frequent first.

    `learnt` and `judged`: training and holdout tickets with the label; `said`: holdout tickets predicted as it;
    `right`: both; `routed` and `routed_right`: those that are routed, and rightly. `state`: "route", or the code of the
    reason why it is not routed; `lacking`: the tickets of evidence it needs, if that is the reason.
    """
    rows = []
    for i, name in enumerate(holdout.labels):
        predicted, actual = holdout.predicted == i, holdout.truth == i
        routed = predicted & holdout.routed
        n_predicted, n_actual, right = int(predicted.sum()), int(actual.sum()), int((predicted & actual).sum())
        reason = holdout.contract.unproved.get(name)
        rows.append(
            {
                "label": name,
                "learnt": int(holdout.training_counts[i]),
                "judged": n_actual,
                "said": n_predicted,
                "right": right,
                "precision": interval(right, n_predicted) if n_predicted else None,
                "recall": interval(right, n_actual) if n_actual else None,
                "routed": int(routed.sum()),
                "routed_right": int((routed & actual).sum()),
                "state": _label_state(holdout, reason.code if reason else None),
                "lacking": (reason.tickets_needed or None) if reason else None,
            }
        )
    return sorted(rows, key=lambda row: (-row["judged"], -row["learnt"], row["label"]))


def _label_state(holdout: HoldoutTarget, reason: str | None) -> str:
    if holdout.contract.threshold is None:
        return "no_contract"
    return reason or "route"
