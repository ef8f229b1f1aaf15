"""Finds discontinued, apparently renamed, and overlapping labels.

Only for categories and queues: priorities are ordered, and assignees change regularly.
"""

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from deskyard.domain.ticket import Target
from training.data_audit.case import MIN_SKILL, AuditCase
from training.data_audit.finding import MAX_EXAMPLES, Finding, format_percent

TARGETS: Final[tuple[Target, ...]] = ("category", "queue")

NEWEST_SHARE: Final = 0.2
"""The newest part of the history, in which a label in use occurs."""

MIN_TICKETS: Final = 20
"""The fewest tickets of a label that is checked."""

MAX_P_VALUE: Final = 1e-6
"""The largest p-value of a gap that is reported."""

MIN_GAPS: Final = 3
"""How many times its longest earlier gap the last gap of a label must be, as labels may occur in bursts."""

MAX_STRAGGLER_SHARE: Final = 0.05
"""The share of a renamed label's tickets that may lie on the wrong side of the change."""

HANDOVER_WINDOW: Final = 0.15
"""The part of the history before the change in which the old name must have been in use."""

MIN_SIMILARITY: Final = 0.7
"""Similarity of two labels' mean texts, relative to that of two halves of one label, from which they look the same."""

MIN_CONFUSION: Final = 0.2
"""The share of two labels' tickets predicted as the other one, from which a pair is checked."""

MAX_AUC: Final = 0.65
"""The AUC between two labels below which they overlap; two halves of one label have about 0.5."""

MAX_FINDINGS: Final = 10

Positions = npt.NDArray[np.int64]


def probe(case: AuditCase) -> Iterator[Finding]:
    """Findings of renamed and discontinued labels where the history is ordered, and of overlapping labels."""
    for target in TARGETS:
        if target not in case.targets:
            continue
        renamed: list[tuple[int, int, int]] = []
        if case.ordered:
            y = case.data.y[target][case.plan.everything]
            where = [np.flatnonzero(y == label) for label in range(len(case.labels(target)))]
            renamed = list(_find_renamed(case, where, len(y)))
            yield from _report_renamed(case, target, renamed, where)
            yield from _find_discontinued(case, target, where, len(y), {old for old, _, _ in renamed})
        if case.skill_score(target) >= MIN_SKILL:
            yield from _find_overlapping(case, target, {frozenset(pair[:2]) for pair in renamed})


def _find_discontinued(
    case: AuditCase, target: Target, where: list[Positions], n: int, renamed: set[int]
) -> Iterator[Finding]:
    found = [label for label, at in enumerate(where) if label not in renamed and _is_discontinued(at, n)]
    if not found:
        return
    names = case.labels(target)
    shown = ", ".join(f"{names[label]!r} ({len(where[label]):,} tickets)" for label in found[:MAX_FINDINGS])
    yield Finding(
        "dead labels",
        "warning",
        target,
        f"{target}: not seen in the newest fifth, though frequent before: {shown}"
        + (", …" if len(found) > MAX_FINDINGS else ""),
        "retire them: merge their tickets into the label that took over, or leave them out of the history",
        case.ids([where[label][-1] for label in found[:MAX_EXAMPLES]]),
        {names[label]: {"tickets": len(where[label]), "last": int(where[label][-1])} for label in found},
    )


def _is_discontinued(positions: Positions, n: int) -> bool:
    """Whether a label with tickets at these positions of `n` ended before the newest fifth."""
    if (
        len(positions) < MIN_TICKETS
        or positions[-1] >= n * (1 - NEWEST_SHARE)
        or positions[-1] - positions[0] < n * NEWEST_SHARE
    ):
        return False
    gap = n - 1 - int(positions[-1])
    rate = len(positions) / (int(positions[-1]) - int(positions[0]) + 1)
    return gap >= MIN_GAPS * int(np.diff(positions).max()) and gap * math.log1p(-min(rate, 0.999)) < math.log(
        MAX_P_VALUE
    )


def _find_renamed(case: AuditCase, where: list[Positions], n: int) -> Iterator[tuple[int, int, int]]:
    """Pairs of old and new label, with the position of the change."""
    often = [label for label, at in enumerate(where) if len(at) >= MIN_TICKETS]
    means = {label: _mean_vector(case, where[label]) for label in often}
    for new in often:
        at = where[new]
        change = int(at[int(MAX_STRAGGLER_SHARE * len(at))])
        if _p_value(at, change, n, before=True) > MAX_P_VALUE:
            continue
        nearest = max(
            (label for label in often if label != new), key=lambda label: float(means[label] @ means[new]), default=None
        )
        if nearest is None:
            continue
        old = where[nearest]
        after = int((old >= change).sum())
        used = int(((old < change) & (old >= change - HANDOVER_WINDOW * n)).sum())
        if after > MAX_STRAGGLER_SHARE * len(old) or not used or _p_value(old, change, n, before=False) > MAX_P_VALUE:
            continue
        own = min(float(_mean_vector(case, part[::2]) @ _mean_vector(case, part[1::2])) for part in (at, old))
        if float(means[nearest] @ means[new]) >= MIN_SIMILARITY * own:
            yield nearest, new, change


def _p_value(positions: Positions, change: int, n: int, before: bool) -> float:
    """The probability of so few tickets on the other side of the change, if the label were as frequent there."""
    there, here = (change, n - change) if before else (n - change, change)
    few = int((positions < change).sum()) if before else int((positions >= change).sum())
    expected = (len(positions) - few) / max(here, 1) * there
    # Chernoff's bound of a Poisson count of at most `few` (Mitzenmacher and Upfal 2017, 5.4).
    return 1.0 if few >= expected else math.exp(few - expected + (few * math.log(expected / few) if few else 0.0))


def _mean_vector(case: AuditCase, positions: Positions) -> npt.NDArray[np.float64]:
    """The mean row of the tickets, scaled to unit length."""
    mean = np.asarray(case.baseline.X[positions].mean(axis=0), dtype=np.float64).ravel()
    return np.asarray(mean / max(float(np.sqrt(mean @ mean)), 1e-12))


def _report_renamed(
    case: AuditCase, target: Target, renamed: list[tuple[int, int, int]], where: list[Positions]
) -> Iterator[Finding]:
    names = case.labels(target)
    for old, new, change in renamed:
        at = case.tickets[change].created_at
        since = f" ({at.date().isoformat()})" if at else ""
        yield Finding(
            "renamed label",
            "serious",
            target,
            f"{target} {names[new]!r} looks like {names[old]!r} renamed: it begins{since} where the other ends, "
            "and the texts are alike",
            f"if so, write {names[new]!r} in the older tickets too: else its history is lost and the old name is still "
            "suggested",
            case.ids([*where[old][-MAX_EXAMPLES // 2 :], *where[new][: MAX_EXAMPLES // 2]]),
            {"old": names[old], "new": names[new], "old_tickets": len(where[old]), "new_tickets": len(where[new])},
        )


def _find_overlapping(case: AuditCase, target: Target, renamed: set[frozenset[int]]) -> Iterator[Finding]:
    predictions, names = case.all_predictions[target], case.labels(target)
    predictions = predictions[predictions.truth >= 0]
    confusion = np.zeros((len(names), len(names)))
    np.add.at(confusion, (predictions.truth, predictions.probabilities.argmax(axis=1)), 1)
    count = confusion.sum(axis=1)
    found = []
    for a, b in combinations(np.flatnonzero(count >= MIN_TICKETS).tolist(), 2):
        share = float((confusion[a, b] + confusion[b, a]) / (count[a] + count[b]))
        if share < MIN_CONFUSION or frozenset((a, b)) in renamed:
            continue
        here = predictions[np.isin(predictions.truth, (a, b))]
        auc, spread = _auc(
            here.probabilities[:, a] / np.maximum(here.probabilities[:, a] + here.probabilities[:, b], 1e-12),
            here.truth == a,
        )
        if auc + 1.645 * spread < MAX_AUC:
            found.append((share, a, b, auc, here))
    for share, a, b, auc, here in sorted(found, key=lambda one: (-one[0], one[1], one[2]))[:MAX_FINDINGS]:
        yield Finding(
            "overlapping labels",
            "warning",
            target,
            f"{target} {names[a]!r} and {names[b]!r} look like one topic: "
            f"{format_percent(share)} of their tickets get the other label, and the model tells them apart "
            f"hardly better than two halves of one label (AUC {auc:.2f})",
            "merge them, or add a field that tells them apart",
            case.ids(here.positions[~here.right][:MAX_EXAMPLES]),
            {"labels": [names[a], names[b]], "confused": share, "auc": auc, "tickets": len(here.truth)},
        )


def _auc(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """The area under the ROC curve, and its standard error (Hanley and McNeil 1982)."""
    m, n = int(positive.sum()), int((~positive).sum())
    area = float((rankdata(scores)[positive].sum() - m * (m + 1) / 2) / (m * n))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = (area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)) / (m * n)
    return area, math.sqrt(max(spread, 0.0))
