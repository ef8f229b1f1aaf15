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
from deskyard.errors import PartMissing
from deskyard.guarantees.intervals import lower_bound
from training.data_audit.case import GRASPED, Case, Said
from training.data_audit.finding import SHOWN, Finding, Severity, percent, points

FIXED: Final = 200
"""Tickets that a person can look through in an afternoon."""

FEWEST: Final = 100
"""Tickets below which nothing is said of a target."""

SUREST: Final = 0.2
"""The share of tickets that tells noise from hardness."""

NOTE, WARNING, SERIOUS = 0.02, 0.04, 0.1
"""Shares of wrong labels, proved at 95 %, from which it is said, and how loudly."""

LEAST_RIGHT: Final = 0.65
STEEP: Final = 0.05
"""Where fewer of the surest fifth are right, or the next fifth is that much worse, the target is hard, not noisy."""


@dataclass(frozen=True, slots=True)
class Level:
    """What the surest tickets tell: the share of wrong labels, and the least that is proved at 95 %."""

    share: float
    proved: float


def probe(case: Case) -> Iterator[Finding]:
    """Label noise, a target at a time; which agent took a ticket is neither right nor wrong."""
    for target in case.targets:
        if target == "assignee":
            continue
        said = case.known[target]
        said = said[said.truth >= 0]
        if len(said.truth) >= FEWEST and len(np.unique(said.truth)) >= 2 and case.grasp(target) >= GRASPED:
            found = level(said)
            if found is not None and found.proved >= NOTE:
                yield _finding(case, target, said, found)


def level(said: Said) -> Level | None:
    """How many labels are wrong at random; None where the target is too hard to tell.

    The pair of labels that is confused most often is left out: two names of one thing are no noise.
    """
    top2 = np.sort(said.beliefs, axis=1)[:, -2:]
    order = np.argsort(top2[:, 0] - top2[:, 1], kind="stable")
    size = max(round(SUREST * len(order)), 1)
    surest, right = order[:size], said.right[order]
    first, second = right[:size].mean(), right[size : 2 * size].mean()
    spread = math.sqrt(max(first * (1 - first) + second * (1 - second), 1e-9) / size)
    if first < LEAST_RIGHT or first - second > max(STEEP, 2.33 * spread):
        return None
    wrong = surest[~said.right[surest]]
    pairs = Counter(zip(said.beliefs[wrong].argmax(axis=1).tolist(), said.truth[wrong].tolist(), strict=True))
    confused = max(pairs.values(), default=0) if said.beliefs.shape[1] > 3 else 0
    return Level((len(wrong) - confused) / size, lower_bound(len(wrong) - confused, size))


def suspects(said: Said) -> npt.NDArray[np.int64]:
    """Rows of `said` whose label is probably wrong, worst first. Raises PartMissing without cleanlab."""
    try:
        from cleanlab.filter import find_label_issues
    except ModuleNotFoundError as error:
        raise PartMissing("looking for wrong labels needs cleanlab: pip install 'deskyard[training]'.") from error
    with warnings.catch_warnings():  # rare labels are what a help desk has
        warnings.simplefilter("ignore", UserWarning)
        found: Any = find_label_issues(said.truth, said.beliefs, return_indices_ranked_by="normalized_margin", n_jobs=1)
    return np.asarray(found, dtype=np.int64)


def _finding(case: Case, target: Target, said: Said, found: Level) -> Finding:
    rows = suspects(said)
    fixed = rows[:FIXED]
    shares = np.bincount(said.truth, minlength=said.beliefs.shape[1]) / len(said.truth)
    given = said.truth[fixed]
    # Bayes: a label that came at random, in proportion to the labels' shares, over everything that could have given it.
    wrong = np.minimum(1, found.share * shares[given] / np.maximum(said.beliefs[fixed, given], 1e-9))
    gain = float(wrong.sum()) / len(said.truth)
    severity: Severity = "serious" if found.proved >= SERIOUS else "warning" if found.proved >= WARNING else "note"
    labels = case.labels(target)
    instead = said.beliefs[fixed].argmax(axis=1)
    return Finding(
        "label noise",
        severity,
        target,
        f"about {percent(found.share)} of the labels of {target} look wrong (at least {percent(found.proved)}): so "
        f"many differ where the model is surest; {len(rows):,} tickets are suspected",
        f"look through the {len(fixed):,} worst: about {wrong.sum():.0f} of them are wrong, and putting them right "
        f"brings about {points(gain)} of measured accuracy; then ask how wrong labels come about",
        case.ids(said.positions[fixed[:SHOWN]]),
        {
            "share": found.share,
            "proved": found.proved,
            "suspected": len(rows),
            "gain_of_fixing": gain,
            "cleanlab": version("cleanlab"),
            "worst": [
                {
                    "id": case.tickets[int(said.positions[row])].id,
                    "label": labels[said.truth[row]],
                    "rather": labels[one],
                }
                for row, one in zip(fixed.tolist(), instead.tolist(), strict=True)
            ],
        },
    )
