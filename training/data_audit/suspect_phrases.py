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
from training.data_audit.case import AuditCase

MIN_PURITY: Final = 0.95
"""The share of the tickets with a phrase that must bear one label."""

MIN_TICKETS: Final = 8
"""Tickets that must hold a phrase; with `MAX_P_VALUE` and `MIN_LABEL_SHARE`, fewer say nothing."""

MIN_LABEL_SHARE: Final = 0.05
MAX_P_VALUE: Final = 1e-6
"""The chance that so many tickets bear one label although the phrase tells nothing."""


@dataclass(frozen=True, slots=True)
class SuspectPhrase:
    """A phrase, the tickets that hold it, the label they bear, the share that does, and how much of the label it is."""

    phrase: str
    holders: npt.NDArray[np.int64]
    target: Target
    label: int
    purity: float
    label_share: float


def find_suspect_phrases(
    case: AuditCase, holders: Mapping[str, npt.NDArray[np.int64]], targets: Iterable[Target] | None = None
) -> Iterator[SuspectPhrase]:
    """The phrases nearly all of whose tickets bear one label, a target at a time."""
    for target in targets or case.targets:
        y = case.data.y[target]
        labels = np.bincount(y[y >= 0], minlength=len(case.labels(target)))
        shares = labels / max(labels.sum(), 1)
        for phrase, where in holders.items():
            known = y[where]
            known = known[known != -1]
            if len(known) < MIN_TICKETS:
                continue
            counts = np.bincount(known[known >= 0], minlength=len(labels))
            label = int(counts.argmax())
            enough = counts[label] >= MIN_PURITY * len(known) and counts[label] >= MIN_LABEL_SHARE * labels[label]
            if enough and counts[label] * math.log(shares[label]) < math.log(MAX_P_VALUE):
                yield SuspectPhrase(
                    phrase,
                    where,
                    target,
                    label,
                    float(counts[label] / len(known)),
                    float(counts[label] / labels[label]),
                )


def is_from_few_requesters(case: AuditCase, suspect: SuspectPhrase) -> bool:
    """Whether few people wrote it: then it is their own signature, known at filing."""
    people = Counter(case.tickets[i].requester for i in suspect.holders.tolist())
    del people[""]
    return bool(people) and (len(people) < 3 or people.most_common(1)[0][1] > 0.5 * people.total())
