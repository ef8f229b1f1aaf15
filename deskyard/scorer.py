"""The scorer: a new ticket's prediction from a bundle's arrays, in a fraction of a millisecond.

It reads tickets with the vocabulary that learning fitted, gathers the ticket's rows of the weights of all targets at
once and sums them; the answer equals `TicketModel`'s to 1e-6 (a property test says so). Needs no scikit-learn, changes
nothing, and many threads may share it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from deskyard import pool
from deskyard.decision import SHOWN, Prediction
from deskyard.grams import Ids
from deskyard.memory import Memory, votes
from deskyard.ticket import Target, Ticket
from deskyard.vocabulary import Vocabulary, Weights


@dataclass(frozen=True, slots=True)
class Head:
    """What one target adds to the shared arrays.

    `labels` in order of position, their `shares` of the history, the `pool` weights, the remembered tickets' label
    positions, and `span`: this target's columns in the shared weights.
    """

    labels: tuple[str, ...]
    shares: npt.NDArray[np.float32]
    pool: npt.NDArray[np.float64]
    remembered: npt.NDArray[np.int32]
    span: slice


@dataclass(frozen=True, slots=True)
class Scorer:
    """Shared arrays and the heads that read them.

    `coef` is (columns x labels of all targets), one row a column so that a ticket touches only its own rows.
    """

    vocabulary: Vocabulary
    coef: npt.NDArray[np.float16]
    intercept: npt.NDArray[np.float32]
    memory: Memory
    heads: Mapping[Target, Head]

    def predict(self, tickets: Sequence[Ticket]) -> list[dict[Target, Prediction]]:
        """One prediction a target for each ticket, in order; a ticket's answer does not depend on its neighbours."""
        answers = []
        for ticket in tickets:
            beliefs, familiar = self.beliefs(ticket)
            answers.append({t: _ranked(t, self.heads[t].labels, beliefs[t], familiar) for t in self.heads})
        return answers

    def beliefs(self, ticket: Ticket) -> tuple[dict[Target, npt.NDArray[np.float64]], bool]:
        """The probability of each label, in the order of the head's labels, and whether any word is familiar."""
        columns, weights, familiar = self.vocabulary.row(ticket)
        margins = self.margins(columns, weights)
        nearest, similar = self.memory.nearest(columns, weights)
        return {t: self._pooled(head, margins, nearest, similar) for t, head in self.heads.items()}, familiar

    def margins(self, columns: Ids, weights: Weights) -> npt.NDArray[np.float64]:
        """The linear heads' margins of all targets side by side."""
        rows = self.coef.take(columns, axis=0).astype(np.float64)
        return np.asarray(weights.astype(np.float64) @ rows + self.intercept)

    @staticmethod
    def _pooled(
        head: Head,
        margins: npt.NDArray[np.float64],
        nearest: npt.NDArray[np.int64],
        similar: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        cast = votes(head.remembered[nearest], similar, head.shares)
        scores = pool.log_scores(margins[None, head.span], cast[None], head.shares)
        beliefs: npt.NDArray[np.float64] = pool.believe(scores, head.pool)[0]
        return beliefs


def _ranked(
    target: Target, labels: Sequence[str], probabilities: npt.NDArray[np.float64], familiar: bool
) -> Prediction:
    best = np.argsort(-probabilities, kind="stable")[:SHOWN]
    return Prediction(target, tuple((labels[i], float(probabilities[i])) for i in best.tolist()), familiar)


def spans(heads: Mapping[Target, Sequence[str]]) -> dict[Target, slice]:
    """Where each target's labels stand when those of all targets lie side by side.

    >>> spans({"queue": ("A", "B"), "priority": ("low", "high", "critical")})
    {'queue': slice(0, 2, None), 'priority': slice(2, 5, None)}
    """
    edges = np.cumsum([0, *map(len, heads.values())]).tolist()
    return {target: slice(start, stop) for target, (start, stop) in zip(heads, pairwise(edges), strict=True)}
