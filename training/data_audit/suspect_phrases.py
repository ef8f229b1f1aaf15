"""Finds phrases nearly all of whose tickets have one label; whether that is a leak is decided by the probes."""

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
"""The share of a phrase's tickets that must have one label."""

MIN_TICKETS: Final = 8
"""The fewest tickets with a phrase."""

MIN_LABEL_SHARE: Final = 0.05
MAX_P_VALUE: Final = 1e-6
"""The largest probability that so many tickets have one label by chance."""


@dataclass(frozen=True, slots=True)
class SuspectPhrase:
    """A phrase, its tickets (positions), their label, the share of them with it, and the share of the label's
    tickets."""

    phrase: str
    holders: npt.NDArray[np.int64]
    target: Target
    label: int
    purity: float
    label_share: float


def find_suspect_phrases(
    case: AuditCase, holders: Mapping[str, npt.NDArray[np.int64]], targets: Iterable[Target] | None = None
) -> Iterator[SuspectPhrase]:
    """The phrases nearly all of whose tickets have one label, by target."""
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
    """Whether few requesters wrote it: then it is their own signature."""
    people = Counter(case.tickets[i].requester for i in suspect.holders.tolist())
    del people[""]
    return bool(people) and (len(people) < 3 or people.most_common(1)[0][1] > 0.5 * people.total())
