"""Flips: the few words without which another label would be the most probable.

In come a scorer, a ticket in parts and its belief; out goes a `Flip` or None. The search reckons many deletions at
once, closely but not exactly; what it finds is asked of the scorer itself before it is told, so what is told is true.
What is not found may still exist: trying all sets would take 2 to the power of the words.

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
from deskyard.explain.token_columns import Parts, Places
from deskyard.features.sentence_encoder import text_of
from deskyard.features.vocabulary import LENGTHS, Weights
from deskyard.model.embedding_heads import Sense
from deskyard.model.knn_head import ASKED, DOUBT, NEIGHBOURS
from deskyard.model.opinion_pool import FLOOR, HEADS
from deskyard.model.scorer import Head, Scorer

FEW: Final = 5
"""Words of the largest set that is told; more explain nothing to anybody."""

STRONGEST: Final = 32
"""Words that are tried alone, those that speak most for the label."""

PAIRED: Final = 8
"""Words that are tried two by two, those that cost the label most."""

RIVALS: Final = 6
"""Other labels for each of which the words that keep it down are tried three, four, ... together."""

NEAR: Final = 100
"""Past tickets that the reckoning looks at, the nearest; the scorer looks at all."""

HOPE: Final = 0.6
"""Of a lead, the share that single deletions must cost together for sets of more words to be tried at all."""

CHECKS: Final = 2
"""Sets that are asked of the scorer at each step; the first is right in 98 of 100."""

FAR: Final = 1.0
"""The scorer is not asked about parts of a set that are reckoned to leave the label so far ahead, in log-odds."""

Rows = npt.NDArray[np.float32]
Sets = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Flip:
    """Without `words`, `label` would be the most probable."""

    words: tuple[str, ...]
    label: str


class Search:
    """One ticket's flips, target by target; what was asked for one target serves the others."""

    def __init__(self, scorer: Scorer, ticket: Ticket, parts: Parts, reckoning: "Reckoning") -> None:
        """`parts` and `reckoning` are those of the ticket."""
        self.scorer, self.ticket, self.parts, self.reckoning = scorer, ticket, parts, reckoning
        self.asked: dict[frozenset[int], tuple[Floats, npt.NDArray[np.int64], Floats, Sense | None]] = {}
        self.senses: dict[frozenset[int], Sense] = {}

    def find(self, labels: Mapping[Target, int], weights: Mapping[Target, Floats]) -> dict[Target, Flip | None]:
        """The flip of each target's most probable label (a position); `weights` of the words for it (names)."""
        most = np.max([*weights.values()], axis=0, initial=-np.inf)
        strong = np.argsort(-most, kind="stable")[:STRONGEST]
        sets = [frozenset[int](), *(frozenset([i]) for i in strong.tolist())]
        alone = self.reckoning.trial(self._rows(sets))
        self._encode(sets)
        found = {}
        for target, label in labels.items():
            scores = self.reckoning.scores(self.scorer.heads[target], alone) + self._meant(target, sets)
            gone = self._found(target, label, strong, scores)
            if gone is not None:
                words = tuple(self.parts.names[i] for i in sorted(gone, key=lambda i: (-weights[target][i], i)))
                found[target] = Flip(words, self.scorer.heads[target].labels[self._label(target, gone)])
        return {target: found.get(target) for target in labels}

    def _found(self, target: Target, label: int, strong: Places, scores: Rows) -> frozenset[int] | None:
        """A set that flips a label; `scores` of the ticket as it is, and without each of the `strong` words."""
        lead = _lead(scores, label)
        whole, scores, lead = scores[0], scores[1:], lead[1:]
        by_lead = np.argsort(lead, kind="stable")
        found = self._checked(target, label, [frozenset([int(strong[i])]) for i in by_lead if lead[i] < 0])
        if found is not None:
            return found
        leads = whole[label] - whole
        costs = leads - (scores[:, [label]] - scores)
        together = list(_together(costs, leads, label))
        if not together:
            return None
        pairs = combinations(by_lead[:PAIRED].tolist(), 2)
        sets = list(dict.fromkeys(frozenset(strong[list(places)].tolist()) for places in (*pairs, *together)))
        lead = self._reckoned(target, label, sets)
        order = sorted(np.flatnonzero(lead < 0).tolist(), key=lambda i: (len(sets[i]), lead[i]))
        found = self._checked(target, label, [sets[i] for i in order])
        return found if found is None else self._pruned(target, label, found)

    def _rows(self, sets: Sequence[frozenset[int]]) -> Sets:
        rows = np.zeros((len(sets), len(self.parts.names)), bool)
        for row, places in zip(rows, sets, strict=True):
            row[list(places)] = True
        return rows

    def _checked(self, target: Target, label: int, candidates: list[frozenset[int]]) -> frozenset[int] | None:
        """The first of them that the scorer, too, says flips the label."""
        return next((gone for gone in candidates[:CHECKS] if self._label(target, gone) != label), None)

    def _pruned(self, target: Target, label: int, gone: frozenset[int]) -> frozenset[int]:
        """A part of a set that flips, of which no word can be left out."""
        while len(gone) > 1:
            parts = [gone - {i} for i in sorted(gone)]
            near = (part for part, lead in zip(parts, self._reckoned(target, label, parts), strict=True) if lead < FAR)
            less = next((part for part in near if self._label(target, part) != label), None)
            if less is None:
                break
            gone = less
        return gone

    def _reckoned(self, target: Target, label: int, sets: Sequence[frozenset[int]]) -> Rows:
        """How far a label would be ahead without each of the sets."""
        tried = self.reckoning.trial(self._rows(sets))
        return _lead(self.reckoning.scores(self.scorer.heads[target], tried) + self._meant(target, sets), label)

    def _encode(self, sets: Sequence[frozenset[int]]) -> None:
        """Learn what the encoder makes of the text without each of the sets."""
        encoder = self.scorer.encoder
        if encoder is not None:
            texts = [text_of(self.ticket, {self.parts.names[i] for i in gone}) for gone in sets]
            self.senses |= dict(zip(sets, self.scorer.senses(encoder.encode(texts)), strict=True))

    def _meant(self, target: Target, sets: Sequence[frozenset[int]]) -> Rows | float:
        """What the meaning heads add to the scores (sets x labels), as if each word moved them as it does alone."""
        if self.scorer.encoder is None:
            return 0.0
        head = self.scorer.heads[target]
        scores = {gone: _meaning(head, sense) for gone, sense in self.senses.items() if len(gone) <= 1}
        whole = scores[frozenset()]
        found: Rows = np.array(
            [whole + sum((scores[frozenset([i])] - whole for i in gone), np.zeros_like(whole)) for gone in sets],
            dtype=np.float32,
        )
        return found

    def _label(self, target: Target, gone: frozenset[int]) -> int:
        """The most probable label of the ticket without these words, as the scorer says."""
        if gone not in self.asked:
            row = self.parts.row_without(gone)
            if gone not in self.senses:
                self._encode([gone])
            near = self.scorer.memory.nearest(*row)
            self.asked[gone] = self.scorer.margins(*row), *near, self.senses.get(gone)
        return int(self.scorer.pooled(self.scorer.heads[target], *self.asked[gone]).argmax())


def _meaning(head: Head, sense: Sense) -> Floats:
    """What the meaning heads alone add to the scores (labels)."""
    nothing = np.zeros((1, len(sense.margins))), [(sense.nearest[:0], sense.similar[:0])]
    found: Floats = head.pool[len(HEADS) :] @ Scorer.scores(head, *nothing, [sense])[len(HEADS) :, 0]
    return found


def _lead(scores: Rows, label: int) -> Rows:
    """How far a label is ahead of the best other one in each row of scores."""
    others = scores.copy()
    others[:, label] = -np.inf
    lead: Rows = scores[:, label] - others.max(axis=1)
    return lead


def _together(costs: Rows, leads: Rows, label: int) -> Iterator[list[int]]:
    """For the rivals that come nearest, the 3, 4, ... `FEW` words whose single deletions `costs` (words x labels) the
    label most of its `leads` over them; none where even those cost less than `HOPE` of the lead."""
    order = np.argsort(-costs, axis=0, kind="stable")[:FEW]
    left = leads - np.take_along_axis(costs, order, axis=0).clip(0).sum(axis=0)
    left[label] = np.inf
    for rival in np.argsort(left, kind="stable")[:RIVALS].tolist():
        if left[rival] <= (1 - HOPE) * leads[rival]:
            for n in range(3, max(min(FEW, len(order)), 3) + 1):
                yield order[:n, rival].tolist()


class Reckoning:
    """The scores of one ticket without any of many sets of its words, all sets at once.

    As the scorer's, but that no new pairs arise where a word is gone, that of past tickets only the `NEAR` ones are
    looked at that were nearest before, and that a pair counts twice that loses both its words.
    """

    def __init__(
        self,
        scorer: Scorer,
        parts: Parts,
        weights: Weights,
        rows: npt.NDArray[np.float64],
        near: npt.NDArray[np.int64],
    ) -> None:
        """The `weights` of the ticket's columns and their `rows` of coefficients; `near` are past tickets."""
        vocabulary, n, width = parts.vocabulary, len(parts.names), len(parts.columns)
        two = parts.first != parts.last
        owned = np.concatenate([parts.first * width + parts.at, (parts.last * width + parts.at)[two]])
        self.held = np.bincount(owned, minlength=n * width).reshape(n, width).astype(np.float32)
        self.counts = parts.counts.astype(np.float32)
        self.damped = np.concatenate([[0], 1 + np.log(np.arange(1, parts.counts.max(initial=0) + 1))])
        self.damped = self.damped.astype(np.float32)
        self.idf: Weights = vocabulary.idf[parts.columns]
        self.edges = np.searchsorted(parts.columns, vocabulary.starts).tolist()
        self.rows, self.intercept, self.near = rows.astype(np.float32), scorer.intercept, near
        self.known, self.index = scorer.memory.among(parts.columns, weights, near, 2 * ASKED)

    def trial(self, gone: Sets) -> "Trial":
        """The ticket without sets of words; `gone` says which words each set deletes (sets x names)."""
        weights = self._weights(gone)
        return Trial(weights, self._votes(weights))

    def scores(self, head: Head, trial: "Trial") -> Rows:
        """The pooled scores (sets x labels) of a target."""
        margins = trial.weights @ self.rows[:, head.span] + self.intercept[head.span]
        labels = head.remembered[self.near]
        says = (labels[:, None] == np.arange(len(head.labels))).astype(np.float32)
        cast = trial.votes @ says + DOUBT * head.shares
        cast /= cast.sum(axis=1, keepdims=True)
        linear, memory, share = head.pool[: len(HEADS)].astype(np.float32)
        pooled: Rows = linear * margins + memory * np.log(np.maximum(cast, FLOOR)) + share * np.log(head.shares)
        return pooled

    def _weights(self, gone: Sets) -> Rows:
        """The ticket's row without each of the sets (sets x columns)."""
        some = np.flatnonzero(gone.any(axis=0))
        left = self.counts - gone[:, some].astype(np.float32) @ self.held[some]
        weights: Rows = self.damped[np.maximum(left, 0).astype(np.int32)]
        weights *= self.idf
        for length, start, stop in zip(LENGTHS, self.edges[:-1], self.edges[1:], strict=True):
            part = weights[:, start:stop]
            part *= length / np.maximum(np.sqrt(np.einsum("ij,ij->i", part, part)), 1e-12)[:, None]
        return weights

    def _votes(self, weights: Rows) -> Rows:
        """What each past ticket's vote weighs (sets x past tickets)."""
        asked = weights[:, self.known]
        if asked.shape[1] > ASKED:
            asked[asked < np.partition(asked, -ASKED, axis=1)[:, [-ASKED]]] = 0
        similar: Rows = asked @ self.index
        if similar.shape[1] > NEIGHBOURS:
            similar[similar < np.partition(similar, -NEIGHBOURS, axis=1)[:, [-NEIGHBOURS]]] = 0
        similar *= similar
        similar /= np.maximum(np.einsum("ij,ij->i", asked, asked), 1e-12)[:, None]
        return similar


@dataclass(frozen=True, slots=True)
class Trial:
    """A ticket without each of several sets of words: its rows (sets x columns), and past tickets' votes (sets x past
    tickets)."""

    weights: Rows
    votes: Rows
