"""Which tickets take part, which of them are learnt from, which are evidence, and which judge.

Ordered histories are cut by time: a model is only ever asked about tickets newer than all it has seen, as in life.
Unordered ones are cut at random. All functions give positions, and the same seed gives the same cut.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapreplace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

HOLDOUT_SHARE: Final = 0.2
"""The share of a history that judges."""

N_FOLDS: Final = 5

FIRST_FOLD_START: Final = 0.4
"""Where time-ordered folds begin: earlier tickets are only learnt from."""

MAX_TICKETS: Final = 100_000
"""Tickets of a longer history that take part, beside those of rare labels."""

MIN_TICKETS_PER_LABEL: Final = 50
"""Of a label with fewer tickets among those, older ones take part too, until it has so many."""

MAX_RARE_TICKETS: Final = 20_000
"""Those older tickets together, at most."""

MAX_EVIDENCE_PER_FOLD: Final = 6_000
"""Tickets that one fold is asked about: thirty thousand in all prove what any number would."""

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fold:
    """A model learns from `learn` and is asked about `ask`."""

    learn: Positions
    predict: Positions


def select_tickets(
    y: Sequence[npt.NDArray[np.int32]], n: int, ordered: bool, seed: int, limit: int | None = None
) -> Positions:
    """The tickets of a history of `n` that a run looks at, in order; `y`: label positions, an array a target.

    All, or of more than `most` (`MAX_TICKETS` if not said) the newest (random ones, where time is not known), and of
    each label rare among those some older ones: its newest first, and all labels in turn, until `MAX_RARE_TICKETS` are
    found.
    """
    limit = MAX_TICKETS if limit is None else limit
    if n <= limit:
        return np.arange(n)
    newest_first = np.arange(n)[::-1] if ordered else np.random.default_rng(seed).permutation(n)
    chosen, older = newest_first[:limit], newest_first[limit:]
    wanted = np.full(len(older), MIN_TICKETS_PER_LABEL)
    for positions in y:
        has = np.flatnonzero(positions[older] >= 0)
        labels = positions[older[has]]
        held = np.bincount(positions[chosen][positions[chosen] >= 0], minlength=int(labels.max(initial=-1)) + 1)
        grouped = np.argsort(labels, kind="stable")
        starts = np.flatnonzero(np.diff(labels[grouped], prepend=-1))
        turn = np.empty(len(labels), np.int64)
        turn[grouped] = np.arange(len(labels)) - np.repeat(starts, np.diff(starts, append=len(labels)))
        wanted[has] = np.minimum(wanted[has], held[labels] + turn)
    rare = np.argsort(wanted, kind="stable")[:MAX_RARE_TICKETS]
    return np.sort(np.concatenate([chosen, older[rare[wanted[rare] < MIN_TICKETS_PER_LABEL]]]))


def thin_evenly(positions: Positions, limit: int) -> Positions:
    """At most `most` of them, evenly spread."""
    return (
        positions[np.linspace(0, len(positions) - 1, limit).astype(np.int64)] if len(positions) > limit else positions
    )


def split_holdout(n: int, ordered: bool, seed: int, newest: int | None = None) -> Fold:
    """The newest fifth (or a random fifth) of `n` tickets apart, or the `newest` so many; at least one ticket on each
    side if n > 1."""
    order = np.arange(n) if ordered else np.random.default_rng(seed).permutation(n)
    cut = min(max(n - newest if newest else round(n * (1 - HOLDOUT_SHARE)), 1), max(n - 1, 1))
    return Fold(np.sort(order[:cut]), np.sort(order[cut:]))


def cross_fitting_folds(learn: Positions, ordered: bool, seed: int, groups: Positions | None = None) -> Iterator[Fold]:
    """Cut the tickets `learn` so that each evidence ticket is asked of a model that has not seen it.

    Ordered: the newest 60 % in five blocks, each asked of a model that learnt all before it. Unordered: five random
    parts, each asked of a model that learnt the other four; tickets of one group (`groups`: a number a ticket) stay
    together, so that no ticket is asked of a model that has learnt its near-copy.
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
    """`n` folds (1..3) of the tickets `learn` to choose a recipe on: the newest fifths, or random ones."""
    if ordered:
        cuts = [round(len(learn) * (1 - HOLDOUT_SHARE * i)) for i in range(n, -1, -1)]
        found = [Fold(learn[:start], learn[start:stop]) for start, stop in pairwise(cuts)]
    else:
        parts = _random_parts(learn, round(1 / HOLDOUT_SHARE), seed + 1, groups)
        found = [Fold(np.setdiff1d(learn, part), part) for part in parts[:n]]
    return [fold for fold in found if len(fold.learn) and len(fold.predict)]


def _random_parts(learn: Positions, n: int, seed: int, groups: Positions | None) -> list[Positions]:
    """`n` random parts of about the same size; groups are dealt out, the largest first, to the smallest part."""
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
    """Who learns and who is asked in one run, of the tickets that take part; those of a test file stand behind them.

    `everything` is what the saved model learns from, `cross_fitting_folds` lie inside `apart.learn`, `apart.ask`
    judges, and
    `at_random` is the flattering split that is shown beside one by time. `how` says it in words; `ordered`: by time.
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
        """The plan for `history` tickets, judged on `test` tickets more (0: on a fifth of the history, or where time
        is known on the `newest` so many).

        `groups` (a number a ticket) of near-copies stay together in the folds. What judges is cut without regard to
        them: copies come back in life too, and the audit tells the score with and without them.
        """
        everything = np.arange(history)
        newest = newest if ordered else None
        fifth = "the newest tickets" if newest else "the newest fifth" if ordered else "a random fifth"
        apart = (
            Fold(everything, np.arange(history, history + test))
            if test
            else split_holdout(history, ordered, seed, newest)
        )
        return cls(
            everything=everything,
            folds=tuple(
                Fold(fold.learn, thin_evenly(fold.predict, MAX_EVIDENCE_PER_FOLD))
                for fold in cross_fitting_folds(apart.learn, ordered, seed, groups)
            ),
            holdout=apart,
            random_holdout=split_holdout(history, False, seed) if ordered and not test else None,
            description="the test file" if test else fifth,
            ordered=ordered,
        )

    @property
    def is_holdout_unseen(self) -> bool:
        """Whether the judging tickets are never learnt from."""
        return len(np.intersect1d(self.holdout.predict, self.everything)) == 0
