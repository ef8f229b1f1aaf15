"""Suspects: phrases nearly all of whose tickets bear one label.

In come phrases with the tickets that hold them; out come those that tell a label beyond chance. Whether that is a leak
is for others to say: "vpn" tells one, too.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Target
from training.data_audit.case import Case

SURE: Final = 0.95
"""The share of the tickets with a phrase that must bear one label."""

FEWEST: Final = 8
"""Tickets that must hold a phrase; with `LUCK` and `OF_LABEL`, fewer say nothing."""

OF_LABEL: Final = 0.05
LUCK: Final = 1e-6
"""The chance that so many tickets bear one label although the phrase tells nothing."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A phrase, the tickets that hold it, the label they bear, the share that does, and how much of the label it is."""

    phrase: str
    holders: npt.NDArray[np.int64]
    target: Target
    label: int
    share: float
    of_label: float


def telling(
    case: Case, holders: Mapping[str, npt.NDArray[np.int64]], targets: Iterable[Target] | None = None
) -> Iterator[Suspect]:
    """The phrases nearly all of whose tickets bear one label, a target at a time."""
    for target in targets or case.targets:
        y = case.material.y[target]
        labels = np.bincount(y[y >= 0], minlength=len(case.labels(target)))
        shares = labels / max(labels.sum(), 1)
        for phrase, where in holders.items():
            known = y[where]
            known = known[known != -1]
            if len(known) < FEWEST:
                continue
            counts = np.bincount(known[known >= 0], minlength=len(labels))
            label = int(counts.argmax())
            enough = counts[label] >= SURE * len(known) and counts[label] >= OF_LABEL * labels[label]
            if enough and counts[label] * math.log(shares[label]) < math.log(LUCK):
                yield Suspect(
                    phrase,
                    where,
                    target,
                    label,
                    float(counts[label] / len(known)),
                    float(counts[label] / labels[label]),
                )


def of_one_requester(case: Case, suspect: Suspect) -> bool:
    """Whether few people wrote it: then it is their own signature, known at filing."""
    people = Counter(case.tickets[i].requester for i in suspect.holders.tolist())
    del people[""]
    return bool(people) and (len(people) < 3 or people.most_common(1)[0][1] > 0.5 * people.total())
