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

from deskyard.domain.decision import MAX_SHOWN_LABELS, Prediction
from deskyard.domain.label_hierarchy import LabelParents, find_parents
from deskyard.domain.ticket import Target, Ticket
from deskyard.features.ngrams import Ids
from deskyard.features.sentence_encoder import Encoder, Vectors
from deskyard.features.vocabulary import Vocabulary, Weights
from deskyard.model import opinion_pool
from deskyard.model.embedding_heads import EmbeddingHeads, EmbeddingScores
from deskyard.model.knn_head import NeighbourIndex, Neighbours, neighbour_votes
from deskyard.model.likeness import UNGUARDED_LIKENESS, LikenessModel

BATCH_SIZE: Final = 256
"""Tickets whose scores are pooled together: a quarter faster than one by one, with the same bits."""


@dataclass(frozen=True, slots=True)
class TargetHead:
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
    likeness: LikenessModel | None = None
    stated_parents: Mapping[str, str] = field(default_factory=dict)
    parents: LabelParents | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Know the labels' parents."""
        object.__setattr__(self, "parents", find_parents(self.labels, self.stated_parents))


@dataclass(frozen=True, slots=True)
class Scorer:
    """Shared arrays and the heads that read them.

    `coef` is (columns x labels of all targets), one row a column so that a ticket touches only its own rows. `meaning`
    and the `encoder` whose vectors it reads are there both or not at all.
    """

    vocabulary: Vocabulary
    coef: npt.NDArray[np.float16]
    intercept: npt.NDArray[np.float32]
    neighbour_index: NeighbourIndex
    heads: Mapping[Target, TargetHead]
    embedding_heads: EmbeddingHeads | None = None
    encoder: Encoder | None = None

    def predict(self, tickets: Sequence[Ticket]) -> list[dict[Target, Prediction]]:
        """One prediction a target for each ticket, in order; a ticket's answer does not depend on its neighbours."""
        parts = (tickets[start : start + BATCH_SIZE] for start in range(0, len(tickets), BATCH_SIZE))
        return [answer for part in parts for answer in self._predict_batch(part)]

    def predict_proba(self, ticket: Ticket) -> dict[Target, npt.NDArray[np.float64]]:
        """The probability of each label, in the order of the head's labels."""
        columns, weights, _ = self.vocabulary.vectorize(ticket)
        margins, near, sense = (
            self.margins(columns, weights),
            self.neighbour_index.nearest(columns, weights),
            self.score_embedding(ticket),
        )
        return {target: self.pool_scores(head, margins, *near, sense) for target, head in self.heads.items()}

    def _predict_batch(self, tickets: Sequence[Ticket]) -> list[dict[Target, Prediction]]:
        rows = [self.vocabulary.vectorize(ticket) for ticket in tickets]
        margins = np.array([self.margins(columns, weights) for columns, weights, _ in rows])
        near = [self.neighbour_index.nearest(columns, weights) for columns, weights, _ in rows]
        senses = (
            None
            if self.encoder is None
            else [self.score_embeddings(self.encoder.encode_ticket(t)[None])[0] for t in tickets]
        )
        known = np.array([share for _, _, share in rows])
        nearest = np.array([similar[0] if len(similar) else 0.0 for _, similar in near])
        answers: list[dict[Target, Prediction]] = [{} for _ in tickets]
        for target, head in self.heads.items():
            beliefs = opinion_pool.predict_proba(self.head_scores(head, margins, near, senses), head.pool)
            like = np.full(len(tickets), UNGUARDED_LIKENESS, np.float32)
            if head.likeness is not None:
                like = head.likeness.log_odds(beliefs, margins[:, head.span], nearest, known)
            for answer, prediction in zip(
                answers, _make_predictions(target, head, beliefs, known > 0, like), strict=True
            ):
                answer[target] = prediction
        return answers

    def margins(self, columns: Ids, weights: Weights) -> npt.NDArray[np.float64]:
        """The linear heads' margins of all targets side by side."""
        rows = self.coef.take(columns, axis=0).astype(np.float64)
        return np.asarray(weights.astype(np.float64) @ rows + self.intercept)

    def score_embedding(self, ticket: Ticket) -> EmbeddingScores | None:
        """What the encoder makes of a ticket; None without one."""
        return None if self.encoder is None else self.score_embeddings(self.encoder.encode_ticket(ticket)[None])[0]

    def score_embeddings(self, vectors: Vectors) -> list[EmbeddingScores]:
        """What the meaning heads make of vectors (tickets x dimensions); of a model that has such heads."""
        if self.embedding_heads is None:
            return []
        found = zip(self.embedding_heads.margins(vectors), self.embedding_heads.nearest(vectors), strict=True)
        return [EmbeddingScores(margins, *near) for margins, near in found]

    @staticmethod
    def pool_scores(
        head: TargetHead,
        margins: npt.NDArray[np.float64],
        nearest: npt.NDArray[np.int64],
        similarities: npt.NDArray[np.float64],
        embedding: EmbeddingScores | None = None,
    ) -> npt.NDArray[np.float64]:
        """One target's probabilities from all margins, the nearest past tickets and their similarities, and the sense
        that an encoder made."""
        scores = Scorer.head_scores(
            head, margins[None], [(nearest, similarities)], None if embedding is None else [embedding]
        )
        beliefs: npt.NDArray[np.float64] = opinion_pool.predict_proba(scores, head.pool)[0]
        return beliefs

    @staticmethod
    def head_scores(
        head: TargetHead,
        margins: npt.NDArray[np.float64],
        neighbours: Sequence[Neighbours],
        embeddings: Sequence[EmbeddingScores] | None = None,
    ) -> npt.NDArray[np.float64]:
        """One target's scores of each head (heads x tickets x labels).

        From all margins (tickets x labels of all targets), each ticket's neighbours, and what an encoder made of each.
        """
        meant = None
        if embeddings is not None:
            agreed = neighbour_votes(
                [(sense.nearest, sense.similarities) for sense in embeddings], head.remembered, head.shares
            )
            meant = np.array([sense.margins[head.span] for sense in embeddings]), agreed
        return opinion_pool.log_scores(
            margins[:, head.span], neighbour_votes(neighbours, head.remembered, head.shares), head.shares, meant
        )


def _make_predictions(
    target: Target,
    head: TargetHead,
    label_probabilities: npt.NDArray[np.float64],
    familiar: npt.NDArray[np.bool_],
    likeness: npt.NDArray[np.float32],
) -> Iterator[Prediction]:
    """The predictions of tickets from their `beliefs` (tickets x labels)."""
    best = np.argsort(-label_probabilities, axis=1, kind="stable")[:, :MAX_SHOWN_LABELS]
    sure = np.take_along_axis(label_probabilities, best, axis=1)
    above: Iterator[tuple[str, float] | None] = repeat(None)
    if head.parents is not None:
        shares = head.parents.probabilities(label_probabilities)
        tops = zip(shares.argmax(axis=1).tolist(), shares.max(axis=1).tolist(), strict=True)
        above = ((head.parents.names[i], share) for i, share in tops)
    for places, probabilities, known, likely in zip(
        best.tolist(), sure.tolist(), familiar.tolist(), likeness.tolist(), strict=True
    ):
        top = tuple(zip((head.labels[i] for i in places), probabilities, strict=True))
        yield Prediction(target, top, known, likely, next(above))


def label_spans(heads: Mapping[Target, Sequence[str]]) -> dict[Target, slice]:
    """Where each target's labels stand when those of all targets lie side by side.

    >>> label_spans({"queue": ("A", "B"), "priority": ("low", "high", "critical")})
    {'queue': slice(0, 2, None), 'priority': slice(2, 5, None)}
    """
    edges = np.cumsum([0, *map(len, heads.values())]).tolist()
    return {target: slice(start, stop) for target, (start, stop) in zip(heads, pairwise(edges), strict=True)}
