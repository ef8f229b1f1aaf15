"""Estimates label noise, ranks labels that are probably wrong, and estimates the gain of correcting them.

Confident learning (Northcutt, Jiang and Chuang 2021), by cleanlab, ranks tickets by normalised margin. It can't tell a
hard target from a noisy one, so the noise level is estimated on the most confident tickets: with hard texts these are
still right, with random label errors they are wrong as often as others.
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
"""Tickets that a person can check in an afternoon."""

MIN_TICKETS: Final = 100
"""Tickets below which a target is not checked."""

SUREST_SHARE: Final = 0.2
"""The share of most confident tickets on which noise is estimated."""

NOTE, WARNING, SERIOUS = 0.02, 0.04, 0.1
"""Shares of wrong labels, proved at 95 %, from which noise is reported, by severity."""

MIN_ACCURACY: Final = 0.65
MAX_CALIBRATION_GAP: Final = 0.05
"""Where fewer of the most confident fifth are right, or the next fifth is that much worse, the target is hard."""


@dataclass(frozen=True, slots=True)
class NoiseLevel:
    """The estimated share of wrong labels, and its lower bound at 95 % confidence."""

    share: float
    lower_bound: float


def probe(case: AuditCase) -> Iterator[Finding]:
    """Findings of label noise by target, except assignee, which can't be wrong in that sense."""
    for target in case.targets:
        if target == "assignee":
            continue
        predictions = case.all_predictions[target]
        predictions = predictions[predictions.truth >= 0]
        enough = len(predictions.truth) >= MIN_TICKETS and len(np.unique(predictions.truth)) >= 2
        if enough and case.skill_score(target) >= MIN_SKILL:
            noise = estimate_noise(predictions)
            if noise is not None and noise.lower_bound >= NOTE:
                yield _make_finding(case, target, predictions, noise)


def estimate_noise(predictions: LabelledPredictions) -> NoiseLevel | None:
    """The level of random label errors; None where the target is too hard to tell.

    The most frequently confused pair of labels is left out, as two names of one topic are not noise.
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
    """Rows of `predictions` whose label is probably wrong, worst first. Raises ExtraMissing without cleanlab."""
    try:
        from cleanlab.filter import find_label_issues
    except ModuleNotFoundError as error:
        raise ExtraMissing("looking for wrong labels needs cleanlab: pip install 'deskyard[training]'.") from error
    with warnings.catch_warnings():  # cleanlab warns of rare labels, which are normal here
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
    # Bayes: the probability that the label was drawn at random, in proportion to the labels' shares.
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
        f"about {format_percent(noise.share)} of the labels of {target} look wrong "
        f"(at least {format_percent(noise.lower_bound)}), "
        f"judging by the most confident predictions; {len(rows):,} tickets are suspected",
        f"review the {len(fixed):,} worst: about {wrong.sum():.0f} of them are wrong, and correcting them adds about "
        f"{format_points(gain)} of measured accuracy; then find out how wrong labels arise",
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
