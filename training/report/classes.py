"""Labels one by one: which is taken for which, and how right each is, with exact intervals."""

import re
from typing import Any, Final

import numpy as np

from deskyard.guarantees.intervals import interval
from training.report.judged_target import HoldoutTarget

MAX_LABELS: Final = 25
"""Labels in the confusion matrix; the others are merged."""

_LACKING: Final = re.compile(r": (\d+) more are needed$")
"""What `deskyard.guarantees.contract_fitting` says of a label with too little evidence."""


def confusion_table(holdout: HoldoutTarget) -> dict[str, Any]:
    """Counts (true x said). Labels by frequency; of more than `MAX_LABELS` those that are confused most; `merged`: the
    rest.

    With others, or where a true label was not learnt, the last row and column stand for them.
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
    """A row a label, the most frequent first.

    `learnt` and `judged` count tickets that have it, `said` those that were said to, `right` both; `routed` of those
    said to, and `routed_right`. `state` says whether the contract may route it, or the code of the reason why not;
    `lacking`: the tickets of evidence it still needs, where that is the reason.
    """
    rows = []
    for i, name in enumerate(holdout.labels):
        said, judged = holdout.predicted == i, holdout.truth == i
        gone = said & holdout.routed
        n_said, n_judged, right = int(said.sum()), int(judged.sum()), int((said & judged).sum())
        reason = holdout.contract.unproved.get(name)
        lacking = _LACKING.search(reason.text) if reason else None
        rows.append(
            {
                "label": name,
                "learnt": int(holdout.training_counts[i]),
                "judged": n_judged,
                "said": n_said,
                "right": right,
                "precision": interval(right, n_said) if n_said else None,
                "recall": interval(right, n_judged) if n_judged else None,
                "routed": int(gone.sum()),
                "routed_right": int((gone & judged).sum()),
                "state": _label_state(holdout, reason.code if reason else None),
                "lacking": int(lacking[1]) if lacking else None,
            }
        )
    return sorted(rows, key=lambda row: (-row["judged"], -row["learnt"], row["label"]))


def _label_state(holdout: HoldoutTarget, reason: str | None) -> str:
    if holdout.contract.threshold is None:
        return "no_contract"
    return reason or "route"
