"""Why the model believes what it believes: words for and against, the heads' say, and similar past tickets.

In come a scorer and a ticket, out goes an `Explanation`. Nothing is estimated: the words' weights and `base` add up to
the linear head's log-odds of the first label against the second, and the heads' parts to the log-odds of the belief.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard import pool
from deskyard.grams import Ids
from deskyard.memory import votes
from deskyard.scorer import Scorer
from deskyard.ticket import Target, Ticket

SIMILAR: Final = 3
"""How many similar past tickets are named."""


@dataclass(frozen=True, slots=True)
class Because:
    """Why `label` and not `against`, the second best, in log-odds (natural logarithm; above 0 speaks for `label`).

    `words`: each word of the ticket (lower case, private parts masked) and each field's value with its weight, the
    weightiest first. `base`: what the linear head holds for `label` before it reads a word. `heads`: what each head
    adds to the belief; "linear" is `base` and all the words.
    """

    label: str
    against: str
    words: tuple[tuple[str, float], ...]
    base: float
    heads: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Similar:
    """A past ticket like this one: its id, the similarity (0..1), and what people decided on it."""

    id: str
    similarity: float
    labels: Mapping[Target, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Each target's reasons, and the nearest past tickets, nearest first."""

    because: Mapping[Target, Because]
    similar: tuple[Similar, ...]


def explain(scorer: Scorer, ticket: Ticket) -> Explanation:
    """Why a scorer believes what it believes of a ticket."""
    columns, weights, _ = scorer.vocabulary.row(ticket)
    margins = scorer.margins(columns, weights)
    nearest, similar = scorer.memory.nearest(columns, weights)
    owners = _Owners.of(scorer, ticket, columns)
    rows = scorer.coef.take(columns, axis=0).astype(np.float64)
    because = {}
    for target, head in scorer.heads.items():
        cast = votes(head.remembered[nearest], similar, head.shares)
        scores = pool.log_scores(margins[None, head.span], cast[None], head.shares)[:, 0] * head.pool[:, None]
        second, first = np.argsort(scores.sum(axis=0), kind="stable")[-2:].tolist()
        say, place = head.pool[pool.HEADS.index("linear")], head.span.start
        parts = weights * (rows[:, place + first] - rows[:, place + second]) * say
        because[target] = Because(
            label=head.labels[first],
            against=head.labels[second],
            words=owners.told(parts),
            base=float((float(scorer.intercept[place + first]) - float(scorer.intercept[place + second])) * say),
            heads=dict(zip(pool.HEADS, (scores[:, first] - scores[:, second]).tolist(), strict=True)),
        )
    past = zip(nearest[:SIMILAR].tolist(), similar[:SIMILAR].tolist(), strict=True)
    return Explanation(because, tuple(_similar(scorer, i, likeness) for i, likeness in past))


@dataclass(frozen=True, slots=True)
class _Owners:
    """Which words a ticket's columns stand for: for each occurrence the word (a place in `names`), the column (a place
    in the ticket's row) and its share of that column: equal ones for each occurrence, halves for a pair."""

    names: list[str]
    words: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    shares: npt.NDArray[np.float64]

    @classmethod
    def of(cls, scorer: Scorer, ticket: Ticket, columns: Ids) -> "_Owners":
        places: dict[str, int] = {}
        found = [
            (places.setdefault(owner, len(places)), 1 / len(owners), mine)
            for owners, mine in scorer.vocabulary.read.parts(ticket)
            for owner in owners
        ]
        lengths = [len(mine) for _, _, mine in found]
        at = np.searchsorted(columns, np.concatenate([columns[:0], *(mine for _, _, mine in found)]))
        shares = np.repeat([share for _, share, _ in found], lengths)
        shares /= np.bincount(at, shares, minlength=len(columns))[at]
        return cls(list(places), np.repeat([word for word, _, _ in found], lengths).astype(np.intp), at, shares)

    def told(self, parts: npt.NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
        """What the columns add, by word, the weightiest first."""
        by_word = np.bincount(self.words, parts[self.columns] * self.shares, minlength=len(self.names))
        return tuple((self.names[i], float(by_word[i])) for i in np.argsort(-np.abs(by_word), kind="stable"))


def _similar(scorer: Scorer, position: int, similarity: float) -> Similar:
    labels = {
        target: head.labels[head.remembered[position]]
        for target, head in scorer.heads.items()
        if head.remembered[position] >= 0
    }
    return Similar(scorer.memory.ids[position], similarity, labels)
