"""Which tickets are learnt from, which are evidence, and which judge.

Ordered histories are cut by time: a model is only ever asked about tickets newer than all it has seen, as in life.
Unordered ones are cut at random. All functions give positions, and the same seed gives the same cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapreplace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

JUDGED: Final = 0.2
"""The share of a history that judges."""

FOLDS: Final = 5

FIRST_CUT: Final = 0.4
"""Where time-ordered folds begin: earlier tickets are only learnt from."""

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fold:
    """A model learns from `learn` and is asked about `ask`."""

    learn: Positions
    ask: Positions


def judged_apart(n: int, ordered: bool, seed: int) -> Fold:
    """The newest fifth (or a random fifth) of `n` tickets apart; at least one ticket on each side if n > 1."""
    order = np.arange(n) if ordered else np.random.default_rng(seed).permutation(n)
    cut = min(max(round(n * (1 - JUDGED)), 1), max(n - 1, 1))
    return Fold(np.sort(order[:cut]), np.sort(order[cut:]))


def folds(learn: Positions, ordered: bool, seed: int, groups: Positions | None = None) -> Iterator[Fold]:
    """Cut the tickets `learn` so that each evidence ticket is asked of a model that has not seen it.

    Ordered: the newest 60 % in five blocks, each asked of a model that learnt all before it. Unordered: five random
    parts, each asked of a model that learnt the other four; tickets of one group (`groups`: a number a ticket) stay
    together, so that no ticket is asked of a model that has learnt its near-copy.
    """
    if ordered:
        cuts = np.linspace(FIRST_CUT, 1, FOLDS + 1) * len(learn)
        for start, stop in zip(cuts[:-1].round().astype(int), cuts[1:].round().astype(int), strict=True):
            if 0 < start < stop:
                yield Fold(learn[:start], learn[start:stop])
    else:
        for part in _random_parts(learn, FOLDS, seed, groups):
            if 0 < len(part) < len(learn):
                yield Fold(np.setdiff1d(learn, part), part)


def tuning_folds(learn: Positions, ordered: bool, n: int, seed: int, groups: Positions | None = None) -> list[Fold]:
    """`n` folds (1..3) of the tickets `learn` to choose a recipe on: the newest fifths, or random ones."""
    if ordered:
        cuts = [round(len(learn) * (1 - JUDGED * i)) for i in range(n, -1, -1)]
        found = [Fold(learn[:start], learn[start:stop]) for start, stop in pairwise(cuts)]
    else:
        parts = _random_parts(learn, round(1 / JUDGED), seed + 1, groups)
        found = [Fold(np.setdiff1d(learn, part), part) for part in parts[:n]]
    return [fold for fold in found if len(fold.learn) and len(fold.ask)]


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
class Plan:
    """Who learns and who is asked in one run; tickets of a test file stand behind those of the history.

    `everything` is what the saved model learns from, `folds` lie inside `apart.learn`, `apart.ask` judges, and
    `at_random` is the flattering split that is shown beside one by time. `how` says it in words.
    """

    everything: Positions
    folds: tuple[Fold, ...]
    apart: Fold
    at_random: Fold | None
    how: str

    @classmethod
    def of(cls, history: int, test: int, ordered: bool, seed: int, groups: Positions | None = None) -> "Plan":
        """The plan for `history` tickets, judged on `test` tickets more (0: on a fifth of the history).

        `groups` (a number a ticket) of near-copies stay together in the folds. What judges is cut without regard to
        them: copies come back in life too, and the audit tells the score with and without them.
        """
        everything = np.arange(history)
        apart = Fold(everything, np.arange(history, history + test)) if test else judged_apart(history, ordered, seed)
        return cls(
            everything=everything,
            folds=tuple(folds(apart.learn, ordered, seed, groups)),
            apart=apart,
            at_random=judged_apart(history, False, seed) if ordered and not test else None,
            how="the test file" if test else "the newest fifth" if ordered else "a random fifth",
        )

    @property
    def test_is_apart(self) -> bool:
        """Whether the judging tickets are never learnt from."""
        return len(np.intersect1d(self.apart.ask, self.everything)) == 0
