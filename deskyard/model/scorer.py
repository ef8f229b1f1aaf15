"""The scorer: a new ticket's prediction from a bundle's arrays, in a fraction of a millisecond.

It reads tickets with the vocabulary that learning fitted, gathers the ticket's rows of the weights of all targets at
once and sums them; the answer equals `TicketModel`'s to 1e-6 (a property test says so). Where the model has an encoder,
a ticket is encoded once for all targets. Needs no scikit-learn, changes nothing, and many threads may share it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, repeat
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.decision import SHOWN, Prediction
from deskyard.domain.label_hierarchy import Parents, parents
from deskyard.domain.ticket import Target, Ticket
from deskyard.features.ngrams import Ids
from deskyard.features.sentence_encoder import Encoder, Vectors
from deskyard.features.vocabulary import Vocabulary, Weights
from deskyard.model import opinion_pool
from deskyard.model.embedding_heads import Meaning, Sense
from deskyard.model.knn_head import Memory, Near, votes
from deskyard.model.likeness import UNGUARDED, Likeness

AT_ONCE: Final = 256
"""Tickets whose scores are pooled together: a quarter faster than one by one, with the same bits."""


@dataclass(frozen=True, slots=True)
class Head:
    """What one target adds to the shared arrays.

    `labels` in order of position, their `shares` of the history, the `pool` weights, the remembered tickets' label
    positions, `span`: this target's columns in the shared weights, the `likeness` (None: no guard), and what was `said`
    of labels' parents beside what their names say.
    """

    labels: tuple[str, ...]
    shares: npt.NDArray[np.float32]
    pool: npt.NDArray[np.float64]
    remembered: npt.NDArray[np.int32]
    span: slice
    likeness: Likeness | None = None
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
        parts = (tickets[start : start + AT_ONCE] for start in range(0, len(tickets), AT_ONCE))
        return [answer for part in parts for answer in self._predicted(part)]

    def beliefs(self, ticket: Ticket) -> dict[Target, npt.NDArray[np.float64]]:
        """The probability of each label, in the order of the head's labels."""
        columns, weights, _ = self.vocabulary.row(ticket)
        margins, near, sense = self.margins(columns, weights), self.memory.nearest(columns, weights), self.sense(ticket)
        return {target: self.pooled(head, margins, *near, sense) for target, head in self.heads.items()}

    def _predicted(self, tickets: Sequence[Ticket]) -> list[dict[Target, Prediction]]:
        rows = [self.vocabulary.row(ticket) for ticket in tickets]
        margins = np.array([self.margins(columns, weights) for columns, weights, _ in rows])
        near = [self.memory.nearest(columns, weights) for columns, weights, _ in rows]
        senses = None if self.encoder is None else [self.senses(self.encoder.of(t)[None])[0] for t in tickets]
        known = np.array([share for _, _, share in rows])
        nearest = np.array([similar[0] if len(similar) else 0.0 for _, similar in near])
        answers: list[dict[Target, Prediction]] = [{} for _ in tickets]
        for target, head in self.heads.items():
            beliefs = opinion_pool.believe(self.scores(head, margins, near, senses), head.pool)
            like = np.full(len(tickets), UNGUARDED, np.float32)
            if head.likeness is not None:
                like = head.likeness.of(beliefs, margins[:, head.span], nearest, known)
            for answer, prediction in zip(answers, _ranked(target, head, beliefs, known > 0, like), strict=True):
                answer[target] = prediction
        return answers

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
        scores = Scorer.scores(head, margins[None], [(nearest, similar)], None if sense is None else [sense])
        beliefs: npt.NDArray[np.float64] = opinion_pool.believe(scores, head.pool)[0]
        return beliefs

    @staticmethod
    def scores(
        head: Head, margins: npt.NDArray[np.float64], near: Sequence[Near], senses: Sequence[Sense] | None = None
    ) -> npt.NDArray[np.float64]:
        """One target's scores of each head (heads x tickets x labels).

        From all margins (tickets x labels of all targets), each ticket's neighbours, and what an encoder made of each.
        """
        meant = None
        if senses is not None:
            agreed = votes([(sense.nearest, sense.similar) for sense in senses], head.remembered, head.shares)
            meant = np.array([sense.margins[head.span] for sense in senses]), agreed
        return opinion_pool.log_scores(
            margins[:, head.span], votes(near, head.remembered, head.shares), head.shares, meant
        )


def _ranked(
    target: Target,
    head: Head,
    beliefs: npt.NDArray[np.float64],
    familiar: npt.NDArray[np.bool_],
    like: npt.NDArray[np.float32],
) -> Iterator[Prediction]:
    """The predictions of tickets from their `beliefs` (tickets x labels)."""
    best = np.argsort(-beliefs, axis=1, kind="stable")[:, :SHOWN]
    sure = np.take_along_axis(beliefs, best, axis=1)
    above: Iterator[tuple[str, float] | None] = repeat(None)
    if head.parents is not None:
        shares = head.parents.beliefs(beliefs)
        tops = zip(shares.argmax(axis=1).tolist(), shares.max(axis=1).tolist(), strict=True)
        above = ((head.parents.names[i], share) for i, share in tops)
    for places, probabilities, known, likely in zip(
        best.tolist(), sure.tolist(), familiar.tolist(), like.tolist(), strict=True
    ):
        top = tuple(zip((head.labels[i] for i in places), probabilities, strict=True))
        yield Prediction(target, top, known, likely, next(above))


def spans(heads: Mapping[Target, Sequence[str]]) -> dict[Target, slice]:
    """Where each target's labels stand when those of all targets lie side by side.

    >>> spans({"queue": ("A", "B"), "priority": ("low", "high", "critical")})
    {'queue': slice(0, 2, None), 'priority': slice(2, 5, None)}
    """
    edges = np.cumsum([0, *map(len, heads.values())]).tolist()
    return {target: slice(start, stop) for target, (start, stop) in zip(heads, pairwise(edges), strict=True)}
