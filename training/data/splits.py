"""Splits a history: which tickets take part, and which are for training, for evidence and for the holdout.

Ordered histories are split by time: a model only predicts tickets newer than its training tickets, as in production.
Unordered ones are split at random. All functions return positions, and the same seed gives the same split.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapreplace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

HOLDOUT_SHARE: Final = 0.2
"""The share of a history that is held out for evaluation."""

N_FOLDS: Final = 5

FIRST_FOLD_START: Final = 0.4
"""Where time-ordered folds begin; earlier tickets are only trained on."""

MAX_TICKETS: Final = 100_000
"""The most tickets of a history that take part, besides those of rare labels."""

MIN_TICKETS_PER_LABEL: Final = 50
"""Labels with fewer tickets among those get older tickets, up to this number."""

MAX_RARE_TICKETS: Final = 20_000
"""The most older tickets that are added for rare labels."""

MAX_EVIDENCE_PER_FOLD: Final = 6_000
"""The most tickets that one fold predicts: 30,000 in total prove as much as any number."""

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fold:
    """A model is trained on the tickets `learn` and predicts the tickets `predict`."""

    learn: Positions
    predict: Positions


def select_tickets(
    y: Sequence[npt.NDArray[np.int32]], n: int, ordered: bool, seed: int, limit: int | None = None
) -> Positions:
    """The tickets of a history of `n` that take part in a run, in order; `y`: label positions, one array per target.

    All tickets; or, of more than `limit` (default: `MAX_TICKETS`), the newest (random ones where time is not known) and
    some older ones of each label that is rare among those: its newest first, all labels in turn, up to
    `MAX_RARE_TICKETS`.
    """
    limit = MAX_TICKETS if limit is None else limit
    if n <= limit:
        return np.arange(n)
    newest_first = np.arange(n)[::-1] if ordered else np.random.default_rng(seed).permutation(n)
    chosen, older = newest_first[:limit], newest_first[limit:]
    rank = np.full(len(older), MIN_TICKETS_PER_LABEL)
    for positions in y:
        has = np.flatnonzero(positions[older] >= 0)
        labels = positions[older[has]]
        counts = np.bincount(positions[chosen][positions[chosen] >= 0], minlength=int(labels.max(initial=-1)) + 1)
        grouped = np.argsort(labels, kind="stable")
        starts = np.flatnonzero(np.diff(labels[grouped], prepend=-1))
        nth = np.empty(len(labels), np.int64)
        nth[grouped] = np.arange(len(labels)) - np.repeat(starts, np.diff(starts, append=len(labels)))
        rank[has] = np.minimum(rank[has], counts[labels] + nth)
    rare = np.argsort(rank, kind="stable")[:MAX_RARE_TICKETS]
    return np.sort(np.concatenate([chosen, older[rare[rank[rare] < MIN_TICKETS_PER_LABEL]]]))


def thin_evenly(positions: Positions, limit: int) -> Positions:
    """At most `limit` of the positions, evenly spread."""
    return (
        positions[np.linspace(0, len(positions) - 1, limit).astype(np.int64)] if len(positions) > limit else positions
    )


def split_holdout(n: int, ordered: bool, seed: int, newest: int | None = None) -> Fold:
    """Hold out the newest fifth (or a random fifth) of `n` tickets, or the `newest` ones; at least one ticket is on
    each side if n > 1."""
    order = np.arange(n) if ordered else np.random.default_rng(seed).permutation(n)
    cut = min(max(n - newest if newest else round(n * (1 - HOLDOUT_SHARE)), 1), max(n - 1, 1))
    return Fold(np.sort(order[:cut]), np.sort(order[cut:]))


def cross_fitting_folds(learn: Positions, ordered: bool, seed: int, groups: Positions | None = None) -> Iterator[Fold]:
    """Split the tickets `learn` so that each evidence ticket is predicted by a model that was not trained on it.

    Ordered: the newest 60 % in five blocks, each predicted by a model trained on all earlier tickets. Unordered: five
    random parts, each predicted by a model trained on the other four; tickets of one group (`groups`: a number per
    ticket) stay together, so that no model is trained on a near-duplicate of a ticket it predicts.
    """
    if ordered:
        cuts = np.linspace(FIRST_FOLD_START, 1, N_FOLDS + 1) * len(learn)
        for start, stop in zip(cuts[:-1].round().astype(int), cuts[1:].round().astype(int), strict=True):
            if 0 < start < stop:
                yield Fold(learn[:start], learn[start:stop])
    else:
        for part in _random_parts(learn, N_FOLDS, seed, groups):
            if 0 < len(part) < len(learn):
                yield Fold(np.setdiff1d(learn, part), part)


def tuning_folds(learn: Positions, ordered: bool, n: int, seed: int, groups: Positions | None = None) -> list[Fold]:
    """`n` folds (1..3) of the tickets `learn` for tuning: the newest fifths, or random fifths."""
    if ordered:
        cuts = [round(len(learn) * (1 - HOLDOUT_SHARE * i)) for i in range(n, -1, -1)]
        found = [Fold(learn[:start], learn[start:stop]) for start, stop in pairwise(cuts)]
    else:
        parts = _random_parts(learn, round(1 / HOLDOUT_SHARE), seed + 1, groups)
        found = [Fold(np.setdiff1d(learn, part), part) for part in parts[:n]]
    return [fold for fold in found if len(fold.learn) and len(fold.predict)]


def _random_parts(learn: Positions, n: int, seed: int, groups: Positions | None) -> list[Positions]:
    """`n` random parts of about the same size; groups are assigned, the largest first, to the smallest part."""
    shuffled = np.random.default_rng(seed).permutation(learn)
    if groups is None:
        return [np.sort(part) for part in np.array_split(shuffled, n)]
    _, first, of, sizes = np.unique(groups[shuffled], return_index=True, return_inverse=True, return_counts=True)
    dealt = np.empty(len(sizes), np.int64)
    heap = [(0, part) for part in range(n)]
    for group in np.lexsort((first, -sizes)).tolist():
        size, part = heap[0]
        dealt[group] = part
        heapreplace(heap, (size + int(sizes[group]), part))
    return [np.sort(shuffled[dealt[of] == part]) for part in range(n)]


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """The splits of one run, over the tickets that take part, followed by those of a test file.

    `everything`: the training tickets of the saved model. `holdout`: the evaluation split. `folds`: the cross-fitting
    folds inside `holdout.learn`. `random_holdout`: the optimistic random split that is shown beside one by time.
    `description` names the holdout in words; `ordered`: split by time.
    """

    everything: Positions
    folds: tuple[Fold, ...]
    holdout: Fold
    random_holdout: Fold | None
    description: str
    ordered: bool

    @classmethod
    def build(
        cls,
        history: int,
        test: int,
        ordered: bool,
        seed: int,
        groups: Positions | None = None,
        newest: int | None = None,
    ) -> "SplitPlan":
        """The plan for `history` tickets, evaluated on `test` further tickets.

        If `test` is 0, the holdout is a fifth of the history, or the `newest` tickets where time is known. `groups` of
        near-duplicates (a number per ticket) stay together in the folds. The holdout ignores them: duplicates also
        occur in production, and the data audit reports the score with and without them.
        """
        everything = np.arange(history)
        newest = newest if ordered else None
        fifth = "the newest tickets" if newest else "the newest fifth" if ordered else "a random fifth"
        holdout = (
            Fold(everything, np.arange(history, history + test))
            if test
            else split_holdout(history, ordered, seed, newest)
        )
        return cls(
            everything=everything,
            folds=tuple(
                Fold(fold.learn, thin_evenly(fold.predict, MAX_EVIDENCE_PER_FOLD))
                for fold in cross_fitting_folds(holdout.learn, ordered, seed, groups)
            ),
            holdout=holdout,
            random_holdout=split_holdout(history, False, seed) if ordered and not test else None,
            description="the test file" if test else fifth,
            ordered=ordered,
        )

    @property
    def is_holdout_unseen(self) -> bool:
        """Whether the saved model is not trained on the holdout."""
        return len(np.intersect1d(self.holdout.predict, self.everything)) == 0
