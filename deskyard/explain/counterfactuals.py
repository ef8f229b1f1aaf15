"""Flips: the few words without which another label would be the most probable.

In come a scorer, a ticket in parts and its belief; out goes a `Counterfactual` or None. The search reckons many
deletions at once, closely but not exactly; what it finds is asked of the scorer itself before it is told, so what is
told is true. What is not found may still exist: trying all sets would take 2 to the power of the words.

Where a model has an encoder, each strong word is deleted from the text in turn and the rest is encoded; sets of words
are reckoned as if each moved the meaning heads as it does alone, and asked of the scorer with the text really reduced.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Target, Ticket
from deskyard.explain.token_columns import Indices, TokenColumns
from deskyard.features.sentence_encoder import encoder_text
from deskyard.features.vocabulary import BLOCK_NORMS, Weights
from deskyard.model.embedding_heads import EmbeddingScores
from deskyard.model.knn_head import MAX_QUERY_COLUMNS, N_NEIGHBOURS, PRIOR_VOTE
from deskyard.model.opinion_pool import HEADS, MIN_PROBABILITY
from deskyard.model.scorer import Scorer, TargetHead

MAX_WORDS: Final = 5
"""Words of the largest set that is told; more explain nothing to anybody."""

MAX_SINGLES: Final = 32
"""Words that are tried alone, those that speak most for the label."""

MAX_PAIRED: Final = 8
"""Words that are tried two by two, those that cost the label most."""

MAX_RIVALS: Final = 6
"""Other labels for each of which the words that keep it down are tried three, four, ... together."""

MAX_NEIGHBOURS: Final = 100
"""Past tickets that the reckoning looks at, the nearest; the scorer looks at all."""

MIN_LEAD_SHARE: Final = 0.6
"""Of a lead, the share that single deletions must cost together for sets of more words to be tried at all."""

MAX_CHECKS: Final = 2
"""Sets that are asked of the scorer at each step; the first is right in 98 of 100."""

MAX_LEAD: Final = 1.0
"""The scorer is not asked about parts of a set that are reckoned to leave the label so far ahead, in log-odds."""

Rows = npt.NDArray[np.float32]
WordSets = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Without `words`, `label` would be the most probable."""

    words: tuple[str, ...]
    label: str


class CounterfactualSearch:
    """One ticket's flips, target by target; what was asked for one target serves the others."""

    def __init__(
        self, scorer: Scorer, ticket: Ticket, token_columns: TokenColumns, estimator: "DeletionEstimator"
    ) -> None:
        """`parts` and `reckoning` are those of the ticket."""
        self.scorer, self.ticket, self.token_columns, self.estimator = scorer, ticket, token_columns, estimator
        self.cache: dict[frozenset[int], tuple[Floats, npt.NDArray[np.int64], Floats, EmbeddingScores | None]] = {}
        self.embeddings: dict[frozenset[int], EmbeddingScores] = {}

    def find(
        self, labels: Mapping[Target, int], weights: Mapping[Target, Floats]
    ) -> dict[Target, Counterfactual | None]:
        """The flip of each target's most probable label (a position); `weights` of the words for it (names)."""
        most = np.max([*weights.values()], axis=0, initial=-np.inf)
        strong = np.argsort(-most, kind="stable")[:MAX_SINGLES]
        sets = [frozenset[int](), *(frozenset([i]) for i in strong.tolist())]
        alone = self.estimator.delete(self._to_mask(sets))
        self._encode(sets)
        found = {}
        for target, label in labels.items():
            scores = self.estimator.scores(self.scorer.heads[target], alone) + self._embedding_scores(target, sets)
            gone = self._search_target(target, label, strong, scores)
            if gone is not None:
                words = tuple(
                    self.token_columns.token_names[i] for i in sorted(gone, key=lambda i: (-weights[target][i], i))
                )
                found[target] = Counterfactual(
                    words, self.scorer.heads[target].labels[self._predict_without(target, gone)]
                )
        return {target: found.get(target) for target in labels}

    def _search_target(self, target: Target, label: int, strong: Indices, scores: Rows) -> frozenset[int] | None:
        """A set that flips a label; `scores` of the ticket as it is, and without each of the `strong` words."""
        lead = _label_lead(scores, label)
        whole, scores, lead = scores[0], scores[1:], lead[1:]
        by_lead = np.argsort(lead, kind="stable")
        found = self._first_verified(target, label, [frozenset([int(strong[i])]) for i in by_lead if lead[i] < 0])
        if found is not None:
            return found
        leads = whole[label] - whole
        costs = leads - (scores[:, [label]] - scores)
        together = list(_candidate_sets(costs, leads, label))
        if not together:
            return None
        pairs = combinations(by_lead[:MAX_PAIRED].tolist(), 2)
        sets = list(dict.fromkeys(frozenset(strong[list(places)].tolist()) for places in (*pairs, *together)))
        lead = self._estimate_lead(target, label, sets)
        order = sorted(np.flatnonzero(lead < 0).tolist(), key=lambda i: (len(sets[i]), lead[i]))
        found = self._first_verified(target, label, [sets[i] for i in order])
        return found if found is None else self._minimise(target, label, found)

    def _to_mask(self, sets: Sequence[frozenset[int]]) -> WordSets:
        rows = np.zeros((len(sets), len(self.token_columns.token_names)), bool)
        for row, places in zip(rows, sets, strict=True):
            row[list(places)] = True
        return rows

    def _first_verified(self, target: Target, label: int, candidates: list[frozenset[int]]) -> frozenset[int] | None:
        """The first of them that the scorer, too, says flips the label."""
        return next((gone for gone in candidates[:MAX_CHECKS] if self._predict_without(target, gone) != label), None)

    def _minimise(self, target: Target, label: int, removed: frozenset[int]) -> frozenset[int]:
        """A part of a set that flips, of which no word can be left out."""
        while len(removed) > 1:
            parts = [removed - {i} for i in sorted(removed)]
            near = (
                part
                for part, lead in zip(parts, self._estimate_lead(target, label, parts), strict=True)
                if lead < MAX_LEAD
            )
            less = next((part for part in near if self._predict_without(target, part) != label), None)
            if less is None:
                break
            removed = less
        return removed

    def _estimate_lead(self, target: Target, label: int, sets: Sequence[frozenset[int]]) -> Rows:
        """How far a label would be ahead without each of the sets."""
        tried = self.estimator.delete(self._to_mask(sets))
        return _label_lead(
            self.estimator.scores(self.scorer.heads[target], tried) + self._embedding_scores(target, sets), label
        )

    def _encode(self, sets: Sequence[frozenset[int]]) -> None:
        """Learn what the encoder makes of the text without each of the sets."""
        encoder = self.scorer.encoder
        if encoder is not None:
            texts = [encoder_text(self.ticket, {self.token_columns.token_names[i] for i in gone}) for gone in sets]
            self.embeddings |= dict(zip(sets, self.scorer.score_embeddings(encoder.encode(texts)), strict=True))

    def _embedding_scores(self, target: Target, sets: Sequence[frozenset[int]]) -> Rows | float:
        """What the meaning heads add to the scores (sets x labels), as if each word moved them as it does alone."""
        if self.scorer.encoder is None:
            return 0.0
        head = self.scorer.heads[target]
        scores = {gone: _embedding_score(head, sense) for gone, sense in self.embeddings.items() if len(gone) <= 1}
        whole = scores[frozenset()]
        found: Rows = np.array(
            [whole + sum((scores[frozenset([i])] - whole for i in gone), np.zeros_like(whole)) for gone in sets],
            dtype=np.float32,
        )
        return found

    def _predict_without(self, target: Target, removed: frozenset[int]) -> int:
        """The most probable label of the ticket without these words, as the scorer says."""
        if removed not in self.cache:
            row = self.token_columns.row_without(removed)
            if removed not in self.embeddings:
                self._encode([removed])
            near = self.scorer.neighbour_index.nearest(*row)
            self.cache[removed] = self.scorer.margins(*row), *near, self.embeddings.get(removed)
        return int(self.scorer.pool_scores(self.scorer.heads[target], *self.cache[removed]).argmax())


def _embedding_score(head: TargetHead, embedding: EmbeddingScores) -> Floats:
    """What the meaning heads alone add to the scores (labels)."""
    nothing = np.zeros((1, len(embedding.margins))), [(embedding.nearest[:0], embedding.similarities[:0])]
    found: Floats = head.pool[len(HEADS) :] @ Scorer.head_scores(head, *nothing, [embedding])[len(HEADS) :, 0]
    return found


def _label_lead(scores: Rows, label: int) -> Rows:
    """How far a label is ahead of the best other one in each row of scores."""
    others = scores.copy()
    others[:, label] = -np.inf
    lead: Rows = scores[:, label] - others.max(axis=1)
    return lead


def _candidate_sets(costs: Rows, leads: Rows, label: int) -> Iterator[list[int]]:
    """For the rivals that come nearest, the 3, 4, ... `MAX_WORDS` words whose single deletions `costs` (words x
    labels) the label most of its `leads` over them; none where even those cost less than `MIN_LEAD_SHARE` of the
    lead."""
    order = np.argsort(-costs, axis=0, kind="stable")[:MAX_WORDS]
    left = leads - np.take_along_axis(costs, order, axis=0).clip(0).sum(axis=0)
    left[label] = np.inf
    for rival in np.argsort(left, kind="stable")[:MAX_RIVALS].tolist():
        if left[rival] <= (1 - MIN_LEAD_SHARE) * leads[rival]:
            for n in range(3, max(min(MAX_WORDS, len(order)), 3) + 1):
                yield order[:n, rival].tolist()


class DeletionEstimator:
    """The scores of one ticket without any of many sets of its words, all sets at once.

    As the scorer's, but that no new pairs arise where a word is gone, that of past tickets only the `MAX_NEIGHBOURS`
    ones are looked at that were nearest before, and that a pair counts twice that loses both its words.
    """

    def __init__(
        self,
        scorer: Scorer,
        token_columns: TokenColumns,
        weights: Weights,
        rows: npt.NDArray[np.float64],
        neighbours: npt.NDArray[np.int64],
    ) -> None:
        """The `weights` of the ticket's columns and their `rows` of coefficients; `near` are past tickets."""
        vocabulary, n, width = token_columns.vocabulary, len(token_columns.token_names), len(token_columns.columns)
        two = token_columns.first_token != token_columns.last_token
        owned = np.concatenate(
            [
                token_columns.first_token * width + token_columns.column_index,
                (token_columns.last_token * width + token_columns.column_index)[two],
            ]
        )
        self.token_counts = np.bincount(owned, minlength=n * width).reshape(n, width).astype(np.float32)
        self.counts = token_columns.counts.astype(np.float32)
        self.log_counts = np.concatenate([[0], 1 + np.log(np.arange(1, token_columns.counts.max(initial=0) + 1))])
        self.log_counts = self.log_counts.astype(np.float32)
        self.idf: Weights = vocabulary.idf[token_columns.columns]
        self.edges = np.searchsorted(token_columns.columns, vocabulary.starts).tolist()
        self.rows, self.intercept, self.near = rows.astype(np.float32), scorer.intercept, neighbours
        self.indexed_columns, self.index = scorer.neighbour_index.columns_among(
            token_columns.columns, weights, neighbours, 2 * MAX_QUERY_COLUMNS
        )

    def delete(self, removed: WordSets) -> "ReducedTickets":
        """The ticket without sets of words; `gone` says which words each set deletes (sets x names)."""
        weights = self._weights_without(removed)
        return ReducedTickets(weights, self._neighbour_weights(weights))

    def scores(self, head: TargetHead, trial: "ReducedTickets") -> Rows:
        """The pooled scores (sets x labels) of a target."""
        margins = trial.weights @ self.rows[:, head.span] + self.intercept[head.span]
        labels = head.remembered[self.near]
        says = (labels[:, None] == np.arange(len(head.labels))).astype(np.float32)
        cast = trial.votes @ says + PRIOR_VOTE * head.shares
        cast /= cast.sum(axis=1, keepdims=True)
        linear, memory, share = head.pool[: len(HEADS)].astype(np.float32)
        pooled: Rows = (
            linear * margins + memory * np.log(np.maximum(cast, MIN_PROBABILITY)) + share * np.log(head.shares)
        )
        return pooled

    def _weights_without(self, removed: WordSets) -> Rows:
        """The ticket's row without each of the sets (sets x columns)."""
        some = np.flatnonzero(removed.any(axis=0))
        left = self.counts - removed[:, some].astype(np.float32) @ self.token_counts[some]
        weights: Rows = self.log_counts[np.maximum(left, 0).astype(np.int32)]
        weights *= self.idf
        for length, start, stop in zip(BLOCK_NORMS, self.edges[:-1], self.edges[1:], strict=True):
            part = weights[:, start:stop]
            part *= length / np.maximum(np.sqrt(np.einsum("ij,ij->i", part, part)), 1e-12)[:, None]
        return weights

    def _neighbour_weights(self, weights: Rows) -> Rows:
        """What each past ticket's vote weighs (sets x past tickets)."""
        asked = weights[:, self.indexed_columns]
        if asked.shape[1] > MAX_QUERY_COLUMNS:
            asked[asked < np.partition(asked, -MAX_QUERY_COLUMNS, axis=1)[:, [-MAX_QUERY_COLUMNS]]] = 0
        similar: Rows = asked @ self.index
        if similar.shape[1] > N_NEIGHBOURS:
            similar[similar < np.partition(similar, -N_NEIGHBOURS, axis=1)[:, [-N_NEIGHBOURS]]] = 0
        similar *= similar
        similar /= np.maximum(np.einsum("ij,ij->i", asked, asked), 1e-12)[:, None]
        return similar


@dataclass(frozen=True, slots=True)
class ReducedTickets:
    """A ticket without each of several sets of words: its rows (sets x columns), and past tickets' votes (sets x past
    tickets)."""

    weights: Rows
    votes: Rows
