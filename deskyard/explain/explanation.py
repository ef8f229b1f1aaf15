"""Why the model believes what it believes: words for and against, the heads' say, and similar past tickets.

In come a scorer and a ticket, out goes an `Explanation`. Nothing is estimated: the words' weights and `base` add up to
the linear head's log-odds of the first label against the second, the heads' parts to the log-odds of the belief, and
the words that flip it were taken out and the rest was scored again.
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
"""How many similar past tickets are named."""


@dataclass(frozen=True, slots=True)
class LabelExplanation:
    """Why `label` and not `against`, the second best, in log-odds (natural logarithm; above 0 speaks for `label`).

    `words`: each word of the ticket (lower case, private parts masked) and each field's value with its weight, the
    weightiest first. `base`: what the linear head holds for `label` before it reads a word. `heads`: what each head
    adds to the belief; "linear" is `base` and all the words; what an encoder makes of the text ("meaning",
    "neighbours") is of the whole of it, and no word's. `flip`: the smallest set of words found without which
    another label would be the most probable; None where no few words decide.
    """

    label: str
    runner_up: str
    words: tuple[tuple[str, float], ...]
    base: float
    heads: Mapping[str, float]
    counterfactual: Counterfactual | None


@dataclass(frozen=True, slots=True)
class SimilarTicket:
    """A past ticket like this one: its id, the similarity (0..1), and what people decided on it."""

    id: str
    similarity: float
    labels: Mapping[Target, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Each target's reasons, and the nearest past tickets, nearest first."""

    labels: Mapping[Target, LabelExplanation]
    similar: tuple[SimilarTicket, ...]


def explain(scorer: Scorer, ticket: Ticket) -> Explanation:
    """Why a scorer believes what it believes of a ticket."""
    parts = TokenColumns.build(scorer.vocabulary, TicketTokens.from_ticket(ticket))
    columns, weights = parts.columns, parts.weights
    margins = scorer.margins(columns, weights)
    sense = scorer.score_embedding(ticket)
    near, likenesses = scorer.neighbour_index.nearest(columns, weights, counterfactuals.MAX_NEIGHBOURS)
    nearest, similar = near[:N_NEIGHBOURS], likenesses[:N_NEIGHBOURS]
    rows = scorer.coef.take(columns, axis=0).astype(np.float64)
    search = counterfactuals.CounterfactualSearch(
        scorer, ticket, parts, counterfactuals.DeletionEstimator(scorer, parts, weights, rows, near)
    )
    because, chosen, told_of = {}, {}, {}
    for target, head in scorer.heads.items():
        scores = scorer.head_scores(head, margins[None], [(nearest, similar)], None if sense is None else [sense])[:, 0]
        scores *= head.pool[:, None]
        first, second = np.argsort(-scores.sum(axis=0), kind="stable")[:2].tolist()
        say, place = head.pool[opinion_pool.HEADS.index("linear")], head.span.start
        told = parts.weights_by_token(weights * (rows[:, place + first] - rows[:, place + second]) * say)
        chosen[target], told_of[target] = first, told
        because[target] = LabelExplanation(
            label=head.labels[first],
            runner_up=head.labels[second],
            words=tuple((parts.token_names[i], float(told[i])) for i in np.argsort(-np.abs(told), kind="stable")),
            base=float((float(scorer.intercept[place + first]) - float(scorer.intercept[place + second])) * say),
            heads=dict(
                zip(opinion_pool.head_names(head.pool), (scores[:, first] - scores[:, second]).tolist(), strict=True)
            ),
            counterfactual=None,
        )
    found = search.find(chosen, told_of)
    because = {target: replace(reasons, counterfactual=found[target]) for target, reasons in because.items()}
    past = zip(nearest[:N_SIMILAR].tolist(), similar[:N_SIMILAR].tolist(), strict=True)
    return Explanation(because, tuple(_similar_ticket(scorer, i, likeness) for i, likeness in past))


def _similar_ticket(scorer: Scorer, position: int, similarity: float) -> SimilarTicket:
    labels = {
        target: head.labels[head.remembered[position]]
        for target, head in scorer.heads.items()
        if head.remembered[position] >= 0
    }
    return SimilarTicket(scorer.neighbour_index.ids[position], similarity, labels)
