"""The scorer: a new ticket's prediction from a bundle's arrays, in a fraction of a millisecond.

It reads tickets with the vocabulary that learning fitted, gathers the ticket's rows of the weights of all targets at
once and sums them; the answer equals `TicketModel`'s to 1e-6 (a property test says so). Where the model has an encoder,
a ticket is encoded once for all targets. Needs no scikit-learn, changes nothing, and many threads may share it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from deskyard import pool
from deskyard.decision import SHOWN, Prediction
from deskyard.encoder import Encoder, Vectors
from deskyard.grams import Ids
from deskyard.hierarchy import Parents, parents
from deskyard.likeness import UNGUARDED, likeness, signs
from deskyard.meaning import Meaning, Sense
from deskyard.memory import Memory, votes
from deskyard.ticket import Target, Ticket
from deskyard.vocabulary import Vocabulary, Weights


@dataclass(frozen=True, slots=True)
class Head:
    """What one target adds to the shared arrays.

    `labels` in order of position, their `shares` of the history, the `pool` weights, the remembered tickets' label
    positions, `span`: this target's columns in the shared weights, the `likeness` weights (none: no guard), and what
    was `said` of labels' parents beside what their names say.
    """

    labels: tuple[str, ...]
    shares: npt.NDArray[np.float32]
    pool: npt.NDArray[np.float64]
    remembered: npt.NDArray[np.int32]
    span: slice
    likeness: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    said: Mapping[str, str] = field(default_factory=dict)
    parents: Parents | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Know the labels' parents."""
        object.__setattr__(self, "parents", parents(self.labels, self.said))


@dataclass(frozen=True, slots=True)
class Scorer:
    """Shared arrays and the heads that read them.

    `coef` is (columns x labels of all targets), one row a column so that a ticket touches only its own rows. `meaning`
    and the `encoder` whose vectors it reads are there both or not at all.
    """

    vocabulary: Vocabulary
    coef: npt.NDArray[np.float16]
    intercept: npt.NDArray[np.float32]
    memory: Memory
    heads: Mapping[Target, Head]
    meaning: Meaning | None = None
    encoder: Encoder | None = None

    def predict(self, tickets: Sequence[Ticket]) -> list[dict[Target, Prediction]]:
        """One prediction a target for each ticket, in order; a ticket's answer does not depend on its neighbours."""
        return [self._predicted(ticket) for ticket in tickets]

    def beliefs(self, ticket: Ticket) -> dict[Target, npt.NDArray[np.float64]]:
        """The probability of each label, in the order of the head's labels."""
        columns, weights, _ = self.vocabulary.row(ticket)
        margins = self.margins(columns, weights)
        nearest, similar = self.memory.nearest(columns, weights)
        sense = self.sense(ticket)
        return {t: self.pooled(head, margins, nearest, similar, sense) for t, head in self.heads.items()}

    def _predicted(self, ticket: Ticket) -> dict[Target, Prediction]:
        columns, weights, known = self.vocabulary.row(ticket)
        margins = self.margins(columns, weights)
        nearest, similar = self.memory.nearest(columns, weights)
        sense = self.sense(ticket)
        answer = {}
        for target, head in self.heads.items():
            beliefs = self.pooled(head, margins, nearest, similar, sense)
            like = UNGUARDED
            if len(head.likeness):
                found = signs(beliefs[None], margins[None, head.span], _most(similar), np.array([known]))
                like = float(likeness(found, head.likeness)[0])
            answer[target] = _ranked(target, head, beliefs, known > 0, like)
        return answer

    def margins(self, columns: Ids, weights: Weights) -> npt.NDArray[np.float64]:
        """The linear heads' margins of all targets side by side."""
        rows = self.coef.take(columns, axis=0).astype(np.float64)
        return np.asarray(weights.astype(np.float64) @ rows + self.intercept)

    def sense(self, ticket: Ticket) -> Sense | None:
        """What the encoder makes of a ticket; None without one."""
        return None if self.encoder is None else self.senses(self.encoder.of(ticket)[None])[0]

    def senses(self, vectors: Vectors) -> list[Sense]:
        """What the meaning heads make of vectors (tickets x dimensions); of a model that has such heads."""
        if self.meaning is None:
            return []
        found = zip(self.meaning.margins(vectors), self.meaning.nearest(vectors), strict=True)
        return [Sense(margins, *near) for margins, near in found]

    @staticmethod
    def pooled(
        head: Head,
        margins: npt.NDArray[np.float64],
        nearest: npt.NDArray[np.int64],
        similar: npt.NDArray[np.float64],
        sense: Sense | None = None,
    ) -> npt.NDArray[np.float64]:
        """One target's probabilities from all margins, the nearest past tickets and their similarities, and the sense
        that an encoder made."""
        beliefs: npt.NDArray[np.float64] = pool.believe(
            Scorer.scores(head, margins, nearest, similar, sense), head.pool
        )[0]
        return beliefs

    @staticmethod
    def scores(
        head: Head,
        margins: npt.NDArray[np.float64],
        nearest: npt.NDArray[np.int64],
        similar: npt.NDArray[np.float64],
        sense: Sense | None = None,
    ) -> npt.NDArray[np.float64]:
        """One target's scores of each head (heads x 1 x labels), from the same."""
        cast = votes(head.remembered[nearest], similar, head.shares)
        meant = None
        if sense is not None:
            agreed = votes(head.remembered[sense.nearest], sense.similar, head.shares)
            meant = sense.margins[None, head.span], agreed[None]
        return pool.log_scores(margins[None, head.span], cast[None], head.shares, meant)


def _ranked(
    target: Target, head: Head, probabilities: npt.NDArray[np.float64], familiar: bool, like: float
) -> Prediction:
    best = np.argsort(-probabilities, kind="stable")[:SHOWN]
    top = tuple((head.labels[i], float(probabilities[i])) for i in best.tolist())
    parent = None
    if head.parents is not None:
        above = head.parents.beliefs(probabilities[None])[0]
        parent = head.parents.names[int(above.argmax())], float(above.max())
    return Prediction(target, top, familiar, like, parent)


def _most(similar: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The similarity of the nearest; 0 where nothing is near."""
    return similar[:1] if len(similar) else np.zeros(1)


def spans(heads: Mapping[Target, Sequence[str]]) -> dict[Target, slice]:
    """Where each target's labels stand when those of all targets lie side by side.

    >>> spans({"queue": ("A", "B"), "priority": ("low", "high", "critical")})
    {'queue': slice(0, 2, None), 'priority': slice(2, 5, None)}
    """
    edges = np.cumsum([0, *map(len, heads.values())]).tolist()
    return {target: slice(start, stop) for target, (start, stop) in zip(heads, pairwise(edges), strict=True)}
