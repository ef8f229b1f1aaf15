"""TicketModel: the estimator that fits all heads for all targets on counted tickets and their labels.

The targets share one vocabulary and one neighbour index. The model gives each head's scores; probabilities need a pool
fitted on held-out tickets. `deskyard.model.scorer` predicts new tickets from the same arrays, faster. The embedding
heads are fitted where tickets come with an encoder's vectors; the model does not use the encoder itself.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from deskyard.domain.ticket import Target
from deskyard.features.lsa import LsaProjection
from deskyard.features.sentence_encoder import Encoder, Vectors
from deskyard.features.vectorizer import CountsView, NgramCounts, TicketVectorizer
from deskyard.model import opinion_pool
from deskyard.model.embedding_heads import EmbeddingHeads
from deskyard.model.hyperparameters import Recipe
from deskyard.model.knn_head import NeighbourIndex, neighbour_votes
from deskyard.model.likeness import LikenessModel
from deskyard.model.linear_head import LinearHead, LinearSeparators, sample_weights
from deskyard.model.scorer import Scorer, TargetHead, label_spans

PRIOR_COUNT: Final = 0.01
"""Pseudo-tickets added to each label, so that no share is 0."""

MAX_NGRAMS: Final = (50_000, 200_000)
"""The most n-grams of a block: the lower limit with many labels, the upper with few."""

MAX_WEIGHTS: Final = 2_500_000
"""N-grams of a block times labels, between those limits: with 50 labels a bundle stays below 30 MB."""

Labels = Mapping[Target, npt.NDArray[np.int32]]
"""For each target the label positions of the tickets; negative where a ticket has none."""

MIN_VOTING_WEIGHT: Final = 0.5
"""The label weight from which a ticket votes in the neighbour head, where votes have no weights."""


def _voting_labels(y: npt.NDArray[np.int32], label_weights: npt.NDArray[np.float32] | None) -> npt.NDArray[np.int32]:
    """The labels of tickets that may vote; -1 for the others."""
    return y if label_weights is None else np.where(label_weights < MIN_VOTING_WEIGHT, np.int32(-1), y)


class TicketModel(BaseEstimator):  # type: ignore[misc]
    """Linear and neighbour heads for each target over shared columns, and embedding heads where there are vectors.

    `labels`: the number of labels of each target. `recipes`: each target's hyperparameters (default: `Recipe()`).
    """

    def __init__(
        self, labels: Mapping[Target, int], recipes: Mapping[Target, Recipe] | None = None, seed: int = 0
    ) -> None:
        self.labels = labels
        self.recipes = recipes
        self.seed = seed

    def fit(
        self,
        counts: NgramCounts | CountsView,
        y: Labels,
        ids: Sequence[str] | None = None,
        vectors: Vectors | None = None,
        label_weights: Mapping[Target, npt.NDArray[np.float32]] | None = None,
    ) -> Self:
        """Fit on counted tickets in order of time (where known), their label positions and their vectors, if any.

        `ids` are the tickets' ids; `label_weights` holds a weight per ticket for targets whose labels differ in trust.
        """
        n = len(counts)
        max_ngrams = int(np.clip(MAX_WEIGHTS // max(sum(self.labels.values()), 1), *MAX_NGRAMS))
        latin = CountsView.full(counts).counts.latin
        self.vectorizer_ = TicketVectorizer(latin=latin, max_ngrams=max_ngrams).fit_counts(counts)
        X = self.vectorizer_.transform_counts(counts)
        self.neighbour_index_ = NeighbourIndex.build(X, ids or [""] * n, self.vectorizer_.vocabulary_.names)
        remembered = slice(n - len(self.neighbour_index_.ids), None)
        self.remembered_labels_ = {
            target: _voting_labels(y[target], (label_weights or {}).get(target))[remembered] for target in self.labels
        }
        self.shares_: dict[Target, npt.NDArray[np.float32]] = {}
        self.linear_: dict[Target, LinearHead] = {}
        recipes = {target: (self.recipes or {}).get(target, Recipe()) for target in self.labels}
        lsa = LsaProjection.fit(X, self.seed) if any(recipe.themes for recipe in recipes.values()) else None
        ages: npt.NDArray[np.float32] = np.linspace(1, 0, n, dtype=np.float32)
        for target, labels in self.labels.items():
            known = np.flatnonzero(y[target] >= 0)
            weights = None
            if label_weights and target in label_weights:
                weights = label_weights[target][known]
            share = np.bincount(y[target][known], weights, minlength=labels) + PRIOR_COUNT
            self.shares_[target] = (share / share.sum()).astype(np.float32)
            factors = self.vectorizer_.vocabulary_.expand_block_factors(recipes[target].blocks)
            head = LinearHead(labels, recipes[target], self.seed)
            rows = X if len(known) == n else X[known]
            self.linear_[target] = head.fit(rows, y[target][known], factors, ages[known], lsa, weights)
        self.embedding_heads_ = (
            None if vectors is None else self._fit_embedding_heads(vectors, y, recipes, ages, label_weights or {})
        )
        return self

    def _fit_embedding_heads(
        self,
        vectors: Vectors,
        y: Labels,
        recipes: Mapping[Target, Recipe],
        ages: npt.NDArray[np.float32],
        label_weights: Mapping[Target, npt.NDArray[np.float32]],
    ) -> EmbeddingHeads:
        separators = []
        for target, n in self.labels.items():
            known = np.flatnonzero(y[target] >= 0)
            given = label_weights[target][known] if target in label_weights else None
            weights = sample_weights(recipes[target], y[target][known], ages[known], given)
            separators.append(LinearSeparators.fit_embeddings(vectors[known], y[target][known], n, weights))
        return EmbeddingHeads.fit(
            vectors,
            len(self.neighbour_index_.ids),
            np.ascontiguousarray(np.hstack([each.coef for each in separators])),
            np.concatenate([each.intercept for each in separators]),
        )

    def log_scores(
        self, counts: NgramCounts | CountsView, vectors: Vectors | None = None
    ) -> dict[Target, npt.NDArray[np.float32]]:
        """Each head's log-scores (heads x tickets x labels) for tickets counted together with the training tickets."""
        return self.predict_log_scores(counts, vectors)[0]

    def predict_log_scores(
        self, counts: NgramCounts | CountsView, vectors: Vectors | None = None
    ) -> tuple[dict[Target, npt.NDArray[np.float32]], npt.NDArray[np.float64]]:
        """The log-scores, and the similarity (0..1) of each ticket's nearest past ticket (0: none is similar).

        A model that was fitted with vectors needs those of these tickets.
        """
        check_is_fitted(self, "vectorizer_")
        X = self.vectorizer_.transform_counts(counts)
        rows = [slice(X.indptr[i], X.indptr[i + 1]) for i in range(X.shape[0])]
        neighbours = [self.neighbour_index_.nearest(X.indices[row], X.data[row]) for row in rows]
        by_vectors = None
        if self.embedding_heads_ is not None and vectors is not None:
            by_vectors = (
                self.embedding_heads_.margins(vectors).astype(np.float32),
                list(self.embedding_heads_.nearest(vectors)),
            )
        scores, spans = {}, label_spans({target: [""] * n for target, n in self.labels.items()})
        for target, shares in self.shares_.items():
            labels = self.remembered_labels_[target]
            embedding = by_vectors and (
                by_vectors[0][:, spans[target]],
                neighbour_votes(by_vectors[1], labels, shares),
            )
            margins = self.linear_[target].margins(X)
            votes = neighbour_votes(neighbours, labels, shares)
            scores[target] = opinion_pool.log_scores(margins, votes, shares, embedding)
        return scores, np.array([similar[0] if len(similar) else 0.0 for _, similar in neighbours], dtype=np.float64)

    def to_scorer(
        self,
        labels: Mapping[Target, Sequence[str]],
        pools: Mapping[Target, npt.NDArray[np.float64]],
        likeness: Mapping[Target, LikenessModel | None] | None = None,
        parents: Mapping[Target, Mapping[str, str]] | None = None,
        encoder: Encoder | None = None,
    ) -> Scorer:
        """The scorer for new tickets: this model's arrays with the names of its `labels` and the fitted `pools`.

        `likeness`: the models of guarded targets; `parents`: the stated parents of labels; `encoder`: the one that made
        the vectors.
        """
        check_is_fitted(self, "vectorizer_")
        targets = list(self.labels)
        spans = label_spans({target: labels[target] for target in targets})
        return Scorer(
            vocabulary=self.vectorizer_.vocabulary_,
            coef=np.ascontiguousarray(np.hstack([self.linear_[target].coef_ for target in targets])),
            intercept=np.concatenate([self.linear_[target].intercept_ for target in targets]),
            neighbour_index=self.neighbour_index_,
            heads={
                target: TargetHead(
                    labels=tuple(labels[target]),
                    shares=self.shares_[target],
                    pool=pools[target],
                    remembered=self.remembered_labels_[target],
                    span=spans[target],
                    likeness=(likeness or {}).get(target),
                    stated_parents=(parents or {}).get(target, {}),
                )
                for target in targets
            },
            embedding_heads=self.embedding_heads_,
            encoder=encoder,
        )
