"""Answers that others may be offered: public ones by the desk's people, marked as shareable, of solved tickets.

In comes what somebody is about to ask, out come answers to something like it, the likest first. Of the tickets that
they answered nothing is told: those texts are only compared with.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final, Self

from cachetools import TTLCache, cached
from sqlalchemy import Connection, bindparam, literal_column, select

from deskyard.db.tables.desk import COMMENTS, TICKETS
from deskyard.domain.status import SOLVED

MAX_ANSWERS: Final = 1_000
"""The newest answers that are compared."""

LASTS: Final = 600.0
"""Seconds that texts are kept in memory: `clear_caches` ends that at once, where this process erases."""

MIN_SIMILARITY: Final = 0.2
"""Cosine from which an answer is worth a look."""


@dataclass(frozen=True, slots=True)
class SharedAnswer:
    """An answer that may be shown, and the text that it answered, which may not."""

    comment: int
    text: str
    question: str


def find_similar_answers(conn: Connection, text: str, n: int = 3) -> list[str]:
    """The texts of up to `n` answers to something like `text`, the likest first."""
    found = _build_index(tuple(SharedAnswer(*row) for row in conn.execute(_SHARED, {"most": MAX_ANSWERS}))).nearest(
        text, n
    )
    return list(dict.fromkeys(one.text for one in found))


@dataclass(frozen=True, slots=True)
class AnswerIndex:
    """Shared answers by the stems of question and answer (TF-IDF as scikit-learn smooths it)."""

    answers: tuple[SharedAnswer, ...]
    idf: Mapping[str, float]
    vectors: tuple[Mapping[str, float], ...]

    @classmethod
    def build(cls, answers: tuple[SharedAnswer, ...]) -> Self:
        """Count once."""
        counts = [_count_stems(f"{one.question}\n{one.text}") for one in answers]
        df = Counter(stem for count in counts for stem in count)
        idf = {stem: 1 + math.log((1 + len(counts)) / (1 + n)) for stem, n in df.items()}
        return cls(answers, idf, tuple(_tfidf_vector(count, idf) for count in counts))

    def nearest(self, text: str, n: int) -> list[SharedAnswer]:
        """The likest answers; none where nothing is like `text`."""
        asked = _tfidf_vector(_count_stems(text), self.idf)
        scores = [sum(weight * vector.get(stem, 0.0) for stem, weight in asked.items()) for vector in self.vectors]
        best = sorted(range(len(scores)), key=lambda i: (-scores[i], -self.answers[i].comment))
        return [self.answers[i] for i in best[:n] if scores[i] >= MIN_SIMILARITY]


def clear_caches() -> None:
    """Keep no text in this process any more."""
    _count_stems.cache_clear()
    _build_index.cache_clear()


def _tfidf_vector(counts: Mapping[str, int], idf: Mapping[str, float]) -> dict[str, float]:
    """Weights of length 1; words that no answer holds count as the rarest, so that chatter dilutes."""
    rarest = max(idf.values(), default=1.0)
    weights = {stem: (1 + math.log(n)) * idf.get(stem, rarest) for stem, n in counts.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {stem: weight / length for stem, weight in weights.items()}


@cached(TTLCache(2 * MAX_ANSWERS, LASTS), lock=Lock())
def _count_stems(text: str) -> Counter[str]:
    from deskyard.text.informativeness import (
        informative_words,  # only here: the service starts without the language tools
    )

    return Counter(informative_words(text))


@cached(TTLCache(4, LASTS), lock=Lock())
def _build_index(answers: tuple[SharedAnswer, ...]) -> AnswerIndex:
    return AnswerIndex.build(answers)


# The newest first and then their tickets: else SQLite, which counts no rows, walks all solved tickets instead.
_NEWEST: Final = (
    select(COMMENTS)
    .where(
        literal_column("desk_comments.shared"),  # as the index says it
        COMMENTS.c.public,
        COMMENTS.c.actor_kind == "person",
    )
    .order_by(COMMENTS.c.id.desc())
    .limit(bindparam("most"))
    .subquery()
)
_SHARED: Final = (
    select(_NEWEST.c.id, _NEWEST.c.text, (TICKETS.c.subject + "\n" + TICKETS.c.body).label("asked"))
    .join(TICKETS, TICKETS.c.id == _NEWEST.c.ticket_id)
    .where(_NEWEST.c.actor != TICKETS.c.requester, TICKETS.c.status.in_(SOLVED))
    .order_by(_NEWEST.c.id.desc())
)
