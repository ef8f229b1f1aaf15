"""Noise: labels that are probably wrong, ranked, and what it would bring to put them right.

In come beliefs of models that had not learnt from the ticket; out come a share and a list to look through. Confident
learning (Northcutt, Jiang and Chuang 2021), by cleanlab, counts how many labels each label has lost to each other and
ranks tickets by normalised margin. A hard target looks like a noisy one to it, so the alarm itself hangs on the surest
tickets: where texts are merely hard, the surest are right; where labels are wrong at random, no ticket is sure of its.
Never changes a label.
"""

import math
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Target
from deskyard.errors import ExtraMissing
from deskyard.guarantees.intervals import lower_bound
from training.data_audit.case import MIN_SKILL, AuditCase, LabelledPredictions
from training.data_audit.finding import MAX_EXAMPLES, Finding, Severity, format_percent, format_points

MAX_RANKED: Final = 200
"""Tickets that a person can look through in an afternoon."""

MIN_TICKETS: Final = 100
"""Tickets below which nothing is said of a target."""

SUREST_SHARE: Final = 0.2
"""The share of tickets that tells noise from hardness."""

NOTE, WARNING, SERIOUS = 0.02, 0.04, 0.1
"""Shares of wrong labels, proved at 95 %, from which it is said, and how loudly."""

MIN_ACCURACY: Final = 0.65
MAX_CALIBRATION_GAP: Final = 0.05
"""Where fewer of the surest fifth are right, or the next fifth is that much worse, the target is hard, not noisy."""


@dataclass(frozen=True, slots=True)
class NoiseLevel:
    """What the surest tickets tell: the share of wrong labels, and the least that is proved at 95 %."""

    share: float
    lower_bound: float


def probe(case: AuditCase) -> Iterator[Finding]:
    """Label noise, a target at a time; which agent took a ticket is neither right nor wrong."""
    for target in case.targets:
        if target == "assignee":
            continue
        said = case.all_predictions[target]
        said = said[said.truth >= 0]
        if len(said.truth) >= MIN_TICKETS and len(np.unique(said.truth)) >= 2 and case.skill_score(target) >= MIN_SKILL:
            found = estimate_noise(said)
            if found is not None and found.lower_bound >= NOTE:
                yield _make_finding(case, target, said, found)


def estimate_noise(predictions: LabelledPredictions) -> NoiseLevel | None:
    """How many labels are wrong at random; None where the target is too hard to tell.

    The pair of labels that is confused most often is left out: two names of one thing are no noise.
    """
    top2 = np.sort(predictions.probabilities, axis=1)[:, -2:]
    order = np.argsort(top2[:, 0] - top2[:, 1], kind="stable")
    size = max(round(SUREST_SHARE * len(order)), 1)
    surest, right = order[:size], predictions.right[order]
    first, second = right[:size].mean(), right[size : 2 * size].mean()
    spread = math.sqrt(max(first * (1 - first) + second * (1 - second), 1e-9) / size)
    if first < MIN_ACCURACY or first - second > max(MAX_CALIBRATION_GAP, 2.33 * spread):
        return None
    wrong = surest[~predictions.right[surest]]
    pairs = Counter(
        zip(predictions.probabilities[wrong].argmax(axis=1).tolist(), predictions.truth[wrong].tolist(), strict=True)
    )
    confused = max(pairs.values(), default=0) if predictions.probabilities.shape[1] > 3 else 0
    return NoiseLevel((len(wrong) - confused) / size, lower_bound(len(wrong) - confused, size))


def rank_suspects(predictions: LabelledPredictions) -> npt.NDArray[np.int64]:
    """Rows of `said` whose label is probably wrong, worst first. Raises PartMissing without cleanlab."""
    try:
        from cleanlab.filter import find_label_issues
    except ModuleNotFoundError as error:
        raise ExtraMissing("looking for wrong labels needs cleanlab: pip install 'deskyard[training]'.") from error
    with warnings.catch_warnings():  # rare labels are what a help desk has
        warnings.simplefilter("ignore", UserWarning)
        found: Any = find_label_issues(
            predictions.truth, predictions.probabilities, return_indices_ranked_by="normalized_margin", n_jobs=1
        )
    return np.asarray(found, dtype=np.int64)


def _make_finding(case: AuditCase, target: Target, predictions: LabelledPredictions, noise: NoiseLevel) -> Finding:
    rows = rank_suspects(predictions)
    fixed = rows[:MAX_RANKED]
    shares = np.bincount(predictions.truth, minlength=predictions.probabilities.shape[1]) / len(predictions.truth)
    given = predictions.truth[fixed]
    # Bayes: a label that came at random, in proportion to the labels' shares, over everything that could have given it.
    wrong = np.minimum(1, noise.share * shares[given] / np.maximum(predictions.probabilities[fixed, given], 1e-9))
    gain = float(wrong.sum()) / len(predictions.truth)
    severity: Severity = (
        "serious" if noise.lower_bound >= SERIOUS else "warning" if noise.lower_bound >= WARNING else "note"
    )
    labels = case.labels(target)
    instead = predictions.probabilities[fixed].argmax(axis=1)
    return Finding(
        "label noise",
        severity,
        target,
        f"about {format_percent(noise.share)} of the labels of {target} look wrong (at least {format_percent(noise.lower_bound)}): so "
        f"many differ where the model is surest; {len(rows):,} tickets are suspected",
        f"look through the {len(fixed):,} worst: about {wrong.sum():.0f} of them are wrong, and putting them right "
        f"brings about {format_points(gain)} of measured accuracy; then ask how wrong labels come about",
        case.ids(predictions.positions[fixed[:MAX_EXAMPLES]]),
        {
            "share": noise.share,
            "proved": noise.lower_bound,
            "suspected": len(rows),
            "gain_of_fixing": gain,
            "cleanlab": version("cleanlab"),
            "worst": [
                {
                    "id": case.tickets[int(predictions.positions[row])].id,
                    "label": labels[predictions.truth[row]],
                    "rather": labels[one],
                }
                for row, one in zip(fixed.tolist(), instead.tolist(), strict=True)
            ],
        },
    )
