"""Searches for counterfactuals: the few words of a ticket without which another label would be the most probable.

The search estimates many deletions at once, approximately; a result is verified with the scorer itself, so a reported
counterfactual always holds. One that is not found may still exist: there are 2^n sets of n words.

With an encoder, each strong word is deleted from the text in turn and the rest is encoded. For sets of words, the
effects on the embedding heads are estimated as the sum of the words' single effects; verification encodes the reduced
text.
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
"""Words of the largest set that is reported; larger sets do not explain anything."""

MAX_SINGLES: Final = 32
"""Words that are tried alone: those with the highest weights for the label."""

MAX_PAIRED: Final = 8
"""Words that are tried in pairs: those whose deletion lowers the label's lead most."""

MAX_RIVALS: Final = 6
"""Other labels for which larger sets of words are tried."""

MAX_NEIGHBOURS: Final = 100
"""The nearest past tickets, to which the estimate is limited; the scorer searches all."""

MIN_LEAD_SHARE: Final = 0.6
"""The share of a lead that single deletions must remove together for larger sets to be tried."""

MAX_CHECKS: Final = 2
"""Sets that are verified with the scorer at each step; the first is right in 98 of 100 cases."""

MAX_LEAD: Final = 1.0
"""Subsets with an estimated remaining lead above this (log-odds) are not verified."""

Rows = npt.NDArray[np.float32]
WordSets = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Without `words`, `label` would be the most probable label."""

    words: tuple[str, ...]
    label: str


class CounterfactualSearch:
    """Searches one ticket's counterfactuals, target by target; verified deletions are cached for the other targets."""

    def __init__(
        self, scorer: Scorer, ticket: Ticket, token_columns: TokenColumns, estimator: "DeletionEstimator"
    ) -> None:
        """`token_columns` and `estimator` are those of the ticket."""
        self.scorer, self.ticket, self.token_columns, self.estimator = scorer, ticket, token_columns, estimator
        self.cache: dict[frozenset[int], tuple[Floats, npt.NDArray[np.int64], Floats, EmbeddingScores | None]] = {}
        self.embeddings: dict[frozenset[int], EmbeddingScores] = {}

    def find(
        self, labels: Mapping[Target, int], weights: Mapping[Target, Floats]
    ) -> dict[Target, Counterfactual | None]:
        """A counterfactual for each target, or None.

        `labels`: the position of each target's most probable label; `weights`: the weight of each token for it.
        """
        most = np.max([*weights.values()], axis=0, initial=-np.inf)
        strong = np.argsort(-most, kind="stable")[:MAX_SINGLES]
        sets = [frozenset[int](), *(frozenset([i]) for i in strong.tolist())]
        alone = self.estimator.delete(self._to_mask(sets))
        self._encode(sets)
        found = {}
        for target, label in labels.items():
            scores = self.estimator.scores(self.scorer.heads[target], alone) + self._embedding_scores(target, sets)
            removed = self._search_target(target, label, strong, scores)
            if removed is not None:
                words = tuple(
                    self.token_columns.token_names[i] for i in sorted(removed, key=lambda i: (-weights[target][i], i))
                )
                found[target] = Counterfactual(
                    words, self.scorer.heads[target].labels[self._predict_without(target, removed)]
                )
        return {target: found.get(target) for target in labels}

    def _search_target(self, target: Target, label: int, strong: Indices, scores: Rows) -> frozenset[int] | None:
        """A set of tokens whose deletion changes the label, or None.

        `scores`: rows for the whole ticket and for the ticket without each of the `strong` tokens.
        """
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
        """The first candidate whose deletion changes the label according to the scorer."""
        return next((one for one in candidates[:MAX_CHECKS] if self._predict_without(target, one) != label), None)

    def _minimise(self, target: Target, label: int, removed: frozenset[int]) -> frozenset[int]:
        """A subset that still changes the label and from which no token can be left out."""
        while len(removed) > 1:
            subsets = [removed - {i} for i in sorted(removed)]
            promising = (
                subset
                for subset, lead in zip(subsets, self._estimate_lead(target, label, subsets), strict=True)
                if lead < MAX_LEAD
            )
            smaller = next((subset for subset in promising if self._predict_without(target, subset) != label), None)
            if smaller is None:
                break
            removed = smaller
        return removed

    def _estimate_lead(self, target: Target, label: int, sets: Sequence[frozenset[int]]) -> Rows:
        """The label's estimated lead without each of the sets (sets)."""
        reduced = self.estimator.delete(self._to_mask(sets))
        return _label_lead(
            self.estimator.scores(self.scorer.heads[target], reduced) + self._embedding_scores(target, sets), label
        )

    def _encode(self, sets: Sequence[frozenset[int]]) -> None:
        """Encode the text without each of the sets and cache the embedding heads' results."""
        encoder = self.scorer.encoder
        if encoder is not None:
            names = self.token_columns.token_names
            texts = [encoder_text(self.ticket, {names[i] for i in removed}) for removed in sets]
            self.embeddings |= dict(zip(sets, self.scorer.score_embeddings(encoder.encode(texts)), strict=True))

    def _embedding_scores(self, target: Target, sets: Sequence[frozenset[int]]) -> Rows | float:
        """The estimated contribution of the embedding heads (sets x labels), from the tokens' single effects."""
        if self.scorer.encoder is None:
            return 0.0
        head = self.scorer.heads[target]
        scores = {one: _embedding_score(head, result) for one, result in self.embeddings.items() if len(one) <= 1}
        whole = scores[frozenset()]
        found: Rows = np.array(
            [whole + sum((scores[frozenset([i])] - whole for i in one), np.zeros_like(whole)) for one in sets],
            dtype=np.float32,
        )
        return found

    def _predict_without(self, target: Target, removed: frozenset[int]) -> int:
        """The position of the label that the scorer predicts without these tokens."""
        if removed not in self.cache:
            row = self.token_columns.row_without(removed)
            if removed not in self.embeddings:
                self._encode([removed])
            neighbours = self.scorer.neighbour_index.nearest(*row)
            self.cache[removed] = self.scorer.margins(*row), *neighbours, self.embeddings.get(removed)
        return int(self.scorer.pool_scores(self.scorer.heads[target], *self.cache[removed]).argmax())


def _embedding_score(head: TargetHead, embedding: EmbeddingScores) -> Floats:
    """The contribution of the embedding heads to the pooled scores (labels)."""
    nothing = np.zeros((1, len(embedding.margins))), [(embedding.nearest[:0], embedding.similarities[:0])]
    found: Floats = head.pool[len(HEADS) :] @ Scorer.head_scores(head, *nothing, [embedding])[len(HEADS) :, 0]
    return found


def _label_lead(scores: Rows, label: int) -> Rows:
    """The lead of a label over the best other label in each row of scores (rows)."""
    others = scores.copy()
    others[:, label] = -np.inf
    lead: Rows = scores[:, label] - others.max(axis=1)
    return lead


def _candidate_sets(costs: Rows, leads: Rows, label: int) -> Iterator[list[int]]:
    """For each of the closest rivals, sets of 3 to `MAX_WORDS` tokens that lower the label's lead over it most.

    `costs` (tokens x labels): by how much a single deletion lowers the lead; `leads` (labels): the leads. Rivals
    against which even these tokens remove less than `MIN_LEAD_SHARE` of the lead are skipped.
    """
    order = np.argsort(-costs, axis=0, kind="stable")[:MAX_WORDS]
    remaining = leads - np.take_along_axis(costs, order, axis=0).clip(0).sum(axis=0)
    remaining[label] = np.inf
    for rival in np.argsort(remaining, kind="stable")[:MAX_RIVALS].tolist():
        if remaining[rival] <= (1 - MIN_LEAD_SHARE) * leads[rival]:
            for n in range(3, max(min(MAX_WORDS, len(order)), 3) + 1):
                yield order[:n, rival].tolist()


class DeletionEstimator:
    """Estimates the scores of one ticket without each of many sets of its tokens, all sets at once.

    Differs from the scorer in three ways: no new word pairs arise where a word is deleted; only the `MAX_NEIGHBOURS`
    past tickets nearest to the whole ticket are considered; a pair that loses both words is subtracted twice.
    """

    def __init__(
        self,
        scorer: Scorer,
        token_columns: TokenColumns,
        weights: Weights,
        rows: npt.NDArray[np.float64],
        neighbours: npt.NDArray[np.int64],
    ) -> None:
        """`weights` of the ticket's columns, their `rows` of coefficients (columns x labels), positions of past
        tickets."""
        vocabulary, n, width = token_columns.vocabulary, len(token_columns.token_names), len(token_columns.columns)
        is_pair = token_columns.first_token != token_columns.last_token
        token_and_column = np.concatenate(
            [
                token_columns.first_token * width + token_columns.column_index,
                (token_columns.last_token * width + token_columns.column_index)[is_pair],
            ]
        )
        self.token_counts = np.bincount(token_and_column, minlength=n * width).reshape(n, width).astype(np.float32)
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
        """The ticket without each set of tokens; `removed` is a mask (sets x tokens)."""
        weights = self._weights_without(removed)
        return ReducedTickets(weights, self._neighbour_weights(weights))

    def scores(self, head: TargetHead, trial: "ReducedTickets") -> Rows:
        """The pooled scores of a target (sets x labels), without the embedding heads."""
        margins = trial.weights @ self.rows[:, head.span] + self.intercept[head.span]
        labels = head.remembered[self.near]
        one_hot = (labels[:, None] == np.arange(len(head.labels))).astype(np.float32)
        votes = trial.votes @ one_hot + PRIOR_VOTE * head.shares
        votes /= votes.sum(axis=1, keepdims=True)
        linear, knn, prior = head.pool[: len(HEADS)].astype(np.float32)
        pooled: Rows = linear * margins + knn * np.log(np.maximum(votes, MIN_PROBABILITY)) + prior * np.log(head.shares)
        return pooled

    def _weights_without(self, removed: WordSets) -> Rows:
        """The ticket's weighted row without each of the sets (sets x columns)."""
        affected = np.flatnonzero(removed.any(axis=0))
        counts = self.counts - removed[:, affected].astype(np.float32) @ self.token_counts[affected]
        weights: Rows = self.log_counts[np.maximum(counts, 0).astype(np.int32)]
        weights *= self.idf
        for length, start, stop in zip(BLOCK_NORMS, self.edges[:-1], self.edges[1:], strict=True):
            part = weights[:, start:stop]
            part *= length / np.maximum(np.sqrt(np.einsum("ij,ij->i", part, part)), 1e-12)[:, None]
        return weights

    def _neighbour_weights(self, weights: Rows) -> Rows:
        """The weight of each past ticket's vote (sets x past tickets)."""
        query = weights[:, self.indexed_columns]
        if query.shape[1] > MAX_QUERY_COLUMNS:
            query[query < np.partition(query, -MAX_QUERY_COLUMNS, axis=1)[:, [-MAX_QUERY_COLUMNS]]] = 0
        similar: Rows = query @ self.index
        if similar.shape[1] > N_NEIGHBOURS:
            similar[similar < np.partition(similar, -N_NEIGHBOURS, axis=1)[:, [-N_NEIGHBOURS]]] = 0
        similar *= similar
        similar /= np.maximum(np.einsum("ij,ij->i", query, query), 1e-12)[:, None]
        return similar


@dataclass(frozen=True, slots=True)
class ReducedTickets:
    """A ticket without each of several sets of tokens: its rows (sets x columns), and the weights of past tickets'
    votes (sets x past tickets)."""

    weights: Rows
    votes: Rows
