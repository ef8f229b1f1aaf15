"""The scorer: predicts a new ticket from a bundle's arrays in a fraction of a millisecond.

It reads a ticket with the fitted vocabulary and sums the ticket's rows of the weights of all targets at once; the
result equals `TicketModel`'s to 1e-6 (a property test checks this). With an encoder, a ticket is encoded once for all
targets. It needs no scikit-learn, is immutable, and may be shared by threads.
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
"""Tickets whose scores are pooled together: a quarter faster than one by one, with identical results."""


@dataclass(frozen=True, slots=True)
class TargetHead:
    """The arrays of one target.

    `labels` in order of position, their `shares` of the history (labels), the `pool` weights (heads), the `remembered`
    tickets' label positions, `span`: this target's columns of the shared weights, the `likeness` model (None: no
    guard), and the `stated_parents` of labels, beside those that their names imply.
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
        """Look up the labels' parents."""
        object.__setattr__(self, "parents", find_parents(self.labels, self.stated_parents))


@dataclass(frozen=True, slots=True)
class Scorer:
    """The shared arrays and the targets' heads.

    `coef` is (columns x labels of all targets), stored by column, so that a ticket reads only its own rows.
    `embedding_heads` and the `encoder` whose vectors they read are both present or both None.
    """

    vocabulary: Vocabulary
    coef: npt.NDArray[np.float16]
    intercept: npt.NDArray[np.float32]
    neighbour_index: NeighbourIndex
    heads: Mapping[Target, TargetHead]
    embedding_heads: EmbeddingHeads | None = None
    encoder: Encoder | None = None

    def predict(self, tickets: Sequence[Ticket]) -> list[dict[Target, Prediction]]:
        """For each ticket, in order, a prediction per target; it does not depend on the other tickets."""
        parts = (tickets[start : start + BATCH_SIZE] for start in range(0, len(tickets), BATCH_SIZE))
        return [answer for part in parts for answer in self._predict_batch(part)]

    def predict_proba(self, ticket: Ticket) -> dict[Target, npt.NDArray[np.float64]]:
        """The probability of each label, in the order of the head's labels."""
        columns, weights, _ = self.vocabulary.vectorize(ticket)
        margins, embedding = self.margins(columns, weights), self.score_embedding(ticket)
        neighbours = self.neighbour_index.nearest(columns, weights)
        return {target: self.pool_scores(head, margins, *neighbours, embedding) for target, head in self.heads.items()}

    def _predict_batch(self, tickets: Sequence[Ticket]) -> list[dict[Target, Prediction]]:
        rows = [self.vocabulary.vectorize(ticket) for ticket in tickets]
        margins = np.array([self.margins(columns, weights) for columns, weights, _ in rows])
        neighbours = [self.neighbour_index.nearest(columns, weights) for columns, weights, _ in rows]
        embeddings = (
            None
            if self.encoder is None
            else [self.score_embeddings(self.encoder.encode_ticket(t)[None])[0] for t in tickets]
        )
        known_share = np.array([share for _, _, share in rows])
        nearest = np.array([similar[0] if len(similar) else 0.0 for _, similar in neighbours])
        answers: list[dict[Target, Prediction]] = [{} for _ in tickets]
        for target, head in self.heads.items():
            scores = self.head_scores(head, margins, neighbours, embeddings)
            probabilities = opinion_pool.predict_proba(scores, head.pool)
            likeness = np.full(len(tickets), UNGUARDED_LIKENESS, np.float32)
            if head.likeness is not None:
                likeness = head.likeness.log_odds(probabilities, margins[:, head.span], nearest, known_share)
            predictions = _make_predictions(target, head, probabilities, known_share > 0, likeness)
            for answer, prediction in zip(answers, predictions, strict=True):
                answer[target] = prediction
        return answers

    def margins(self, columns: Ids, weights: Weights) -> npt.NDArray[np.float64]:
        """The linear heads' margins for one ticket, all targets side by side."""
        rows = self.coef.take(columns, axis=0).astype(np.float64)
        return np.asarray(weights.astype(np.float64) @ rows + self.intercept)

    def score_embedding(self, ticket: Ticket) -> EmbeddingScores | None:
        """The embedding heads' results for a ticket; None without an encoder."""
        return None if self.encoder is None else self.score_embeddings(self.encoder.encode_ticket(ticket)[None])[0]

    def score_embeddings(self, vectors: Vectors) -> list[EmbeddingScores]:
        """The embedding heads' results for vectors (tickets x dimensions); empty for a model without these heads."""
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
        """One target's probabilities (labels) from the margins of all targets, the nearest past tickets with their
        similarities, and the embedding heads' results."""
        scores = Scorer.head_scores(
            head, margins[None], [(nearest, similarities)], None if embedding is None else [embedding]
        )
        probabilities: npt.NDArray[np.float64] = opinion_pool.predict_proba(scores, head.pool)[0]
        return probabilities

    @staticmethod
    def head_scores(
        head: TargetHead,
        margins: npt.NDArray[np.float64],
        neighbours: Sequence[Neighbours],
        embeddings: Sequence[EmbeddingScores] | None = None,
    ) -> npt.NDArray[np.float64]:
        """The scores of each head for one target (heads x tickets x labels).

        `margins` are (tickets x labels of all targets); `neighbours` and `embeddings` hold one entry per ticket.
        """
        embedding = None
        if embeddings is not None:
            votes = neighbour_votes(
                [(one.nearest, one.similarities) for one in embeddings], head.remembered, head.shares
            )
            embedding = np.array([one.margins[head.span] for one in embeddings]), votes
        return opinion_pool.log_scores(
            margins[:, head.span], neighbour_votes(neighbours, head.remembered, head.shares), head.shares, embedding
        )


def _make_predictions(
    target: Target,
    head: TargetHead,
    label_probabilities: npt.NDArray[np.float64],
    familiar: npt.NDArray[np.bool_],
    likeness: npt.NDArray[np.float32],
) -> Iterator[Prediction]:
    """The predictions of tickets from their `label_probabilities` (tickets x labels)."""
    best = np.argsort(-label_probabilities, axis=1, kind="stable")[:, :MAX_SHOWN_LABELS]
    confidences = np.take_along_axis(label_probabilities, best, axis=1)
    parents: Iterator[tuple[str, float] | None] = repeat(None)
    if head.parents is not None:
        shares = head.parents.probabilities(label_probabilities)
        tops = zip(shares.argmax(axis=1).tolist(), shares.max(axis=1).tolist(), strict=True)
        parents = ((head.parents.names[i], share) for i, share in tops)
    for positions, probabilities, known, log_odds in zip(
        best.tolist(), confidences.tolist(), familiar.tolist(), likeness.tolist(), strict=True
    ):
        top = tuple(zip((head.labels[i] for i in positions), probabilities, strict=True))
        yield Prediction(target, top, known, log_odds, next(parents))


def label_spans(heads: Mapping[Target, Sequence[str]]) -> dict[Target, slice]:
    """The columns of each target's labels when those of all targets are concatenated.

    >>> label_spans({"queue": ("A", "B"), "priority": ("low", "high", "critical")})
    {'queue': slice(0, 2, None), 'priority': slice(2, 5, None)}
    """
    edges = np.cumsum([0, *map(len, heads.values())]).tolist()
    return {target: slice(start, stop) for target, (start, stop) in zip(heads, pairwise(edges), strict=True)}
