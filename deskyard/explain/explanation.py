"""Explains a prediction: words for and against the label, the heads' contributions, similar past tickets.

The figures are exact: the words' weights and the intercept add up to the linear head's log-odds of the label against
the runner-up, the heads' contributions to the log-odds of the prediction, and a counterfactual is verified by scoring
the ticket without its words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from deskyard.domain.ticket import Target, Ticket
from deskyard.explain import counterfactuals
from deskyard.explain.counterfactuals import Counterfactual
from deskyard.explain.token_columns import TokenColumns
from deskyard.features.ngrams import TicketTokens
from deskyard.model import opinion_pool
from deskyard.model.knn_head import N_NEIGHBOURS
from deskyard.model.scorer import Scorer

N_SIMILAR: Final = 3
"""How many similar past tickets are listed."""


@dataclass(frozen=True, slots=True)
class LabelExplanation:
    """Why `label` and not `runner_up`, the second best, in log-odds (natural logarithm; above 0 is for `label`).

    `words`: each word of the ticket (lower case, private parts masked) and each field value with its weight, the
    heaviest first. `intercept`: the linear head's log-odds without any word. `heads`: each head's contribution to the
    prediction; "linear" is the intercept plus all words, the encoder's heads ("embedding", "embedding_knn") read the
    text as a whole. `counterfactual`: the smallest set of words found without which another label would be the most
    probable; None where no small set decides.
    """

    label: str
    runner_up: str
    words: tuple[tuple[str, float], ...]
    intercept: float
    heads: Mapping[str, float]
    counterfactual: Counterfactual | None


@dataclass(frozen=True, slots=True)
class SimilarTicket:
    """A similar past ticket: its id, the similarity (0..1), and its labels."""

    id: str
    similarity: float
    labels: Mapping[Target, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explanation per target, and the most similar past tickets, nearest first."""

    labels: Mapping[Target, LabelExplanation]
    similar: tuple[SimilarTicket, ...]


def explain(scorer: Scorer, ticket: Ticket) -> Explanation:
    """Explain a scorer's predictions for a ticket."""
    tokens = TokenColumns.build(scorer.vocabulary, TicketTokens.from_ticket(ticket))
    columns, weights = tokens.columns, tokens.weights
    margins = scorer.margins(columns, weights)
    embedding = scorer.score_embedding(ticket)
    neighbours, similarities = scorer.neighbour_index.nearest(columns, weights, counterfactuals.MAX_NEIGHBOURS)
    nearest, similar = neighbours[:N_NEIGHBOURS], similarities[:N_NEIGHBOURS]
    rows = scorer.coef.take(columns, axis=0).astype(np.float64)
    search = counterfactuals.CounterfactualSearch(
        scorer, ticket, tokens, counterfactuals.DeletionEstimator(scorer, tokens, weights, rows, neighbours)
    )
    explanations, first_labels, token_weights = {}, {}, {}
    for target, head in scorer.heads.items():
        scores = scorer.head_scores(
            head, margins[None], [(nearest, similar)], None if embedding is None else [embedding]
        )[:, 0]
        scores *= head.pool[:, None]
        first, second = np.argsort(-scores.sum(axis=0), kind="stable")[:2].tolist()
        linear, start = head.pool[opinion_pool.HEADS.index("linear")], head.span.start
        by_token = tokens.weights_by_token(weights * (rows[:, start + first] - rows[:, start + second]) * linear)
        first_labels[target], token_weights[target] = first, by_token
        explanations[target] = LabelExplanation(
            label=head.labels[first],
            runner_up=head.labels[second],
            words=tuple(
                (tokens.token_names[i], float(by_token[i])) for i in np.argsort(-np.abs(by_token), kind="stable")
            ),
            intercept=float(
                (float(scorer.intercept[start + first]) - float(scorer.intercept[start + second])) * linear
            ),
            heads=dict(
                zip(opinion_pool.head_names(head.pool), (scores[:, first] - scores[:, second]).tolist(), strict=True)
            ),
            counterfactual=None,
        )
    found = search.find(first_labels, token_weights)
    explanations = {target: replace(one, counterfactual=found[target]) for target, one in explanations.items()}
    past = zip(nearest[:N_SIMILAR].tolist(), similar[:N_SIMILAR].tolist(), strict=True)
    return Explanation(explanations, tuple(_similar_ticket(scorer, i, similarity) for i, similarity in past))


def _similar_ticket(scorer: Scorer, position: int, similarity: float) -> SimilarTicket:
    labels = {
        target: head.labels[head.remembered[position]]
        for target, head in scorer.heads.items()
        if head.remembered[position] >= 0
    }
    return SimilarTicket(scorer.neighbour_index.ids[position], similarity, labels)
