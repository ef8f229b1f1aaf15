"""Shared answers: public answers of solved tickets that may be suggested to requesters of similar tickets.

Answers are compared with what somebody is about to ask, the most similar first. The texts of the tickets that they
answered are only compared with and never shown.
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
"""How many of the newest answers are compared."""

CACHE_SECONDS: Final = 600.0
"""Seconds that texts are kept in memory; `clear_caches` removes them at once when this process erases."""

MIN_SIMILARITY: Final = 0.2
"""Minimum cosine similarity of a suggested answer."""


@dataclass(frozen=True, slots=True)
class SharedAnswer:
    """An answer that may be shown, and the text that it answered, which may not be shown."""

    comment: int
    text: str
    question: str


def find_similar_answers(conn: Connection, text: str, n: int = 3) -> list[str]:
    """The texts of up to `n` answers to tickets similar to `text`, the most similar first."""
    found = _build_index(tuple(SharedAnswer(*row) for row in conn.execute(_SHARED, {"most": MAX_ANSWERS}))).nearest(
        text, n
    )
    return list(dict.fromkeys(one.text for one in found))


@dataclass(frozen=True, slots=True)
class AnswerIndex:
    """Shared answers with TF-IDF vectors (as scikit-learn smooths them) of the stems of question and answer."""

    answers: tuple[SharedAnswer, ...]
    idf: Mapping[str, float]
    vectors: tuple[Mapping[str, float], ...]

    @classmethod
    def build(cls, answers: tuple[SharedAnswer, ...]) -> Self:
        """The index of these answers."""
        counts = [_count_stems(f"{one.question}\n{one.text}") for one in answers]
        df = Counter(stem for count in counts for stem in count)
        idf = {stem: 1 + math.log((1 + len(counts)) / (1 + n)) for stem, n in df.items()}
        return cls(answers, idf, tuple(_tfidf_vector(count, idf) for count in counts))

    def nearest(self, text: str, n: int) -> list[SharedAnswer]:
        """The `n` most similar answers; fewer where others are not similar to `text`."""
        query = _tfidf_vector(_count_stems(text), self.idf)
        scores = [sum(weight * vector.get(stem, 0.0) for stem, weight in query.items()) for vector in self.vectors]
        best = sorted(range(len(scores)), key=lambda i: (-scores[i], -self.answers[i].comment))
        return [self.answers[i] for i in best[:n] if scores[i] >= MIN_SIMILARITY]


def clear_caches() -> None:
    """Remove all cached texts from this process."""
    _count_stems.cache_clear()
    _build_index.cache_clear()


def _tfidf_vector(counts: Mapping[str, int], idf: Mapping[str, float]) -> dict[str, float]:
    """Stem → weight, as a vector of length 1; unknown stems count as the rarest, so that unrelated text lowers it."""
    rarest = max(idf.values(), default=1.0)
    weights = {stem: (1 + math.log(n)) * idf.get(stem, rarest) for stem, n in counts.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {stem: weight / length for stem, weight in weights.items()}


@cached(TTLCache(2 * MAX_ANSWERS, CACHE_SECONDS), lock=Lock())
def _count_stems(text: str) -> Counter[str]:
    from deskyard.text.informativeness import (
        informative_words,  # only here: the service starts without the language tools
    )

    return Counter(informative_words(text))


@cached(TTLCache(4, CACHE_SECONDS), lock=Lock())
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
    select(_NEWEST.c.id, _NEWEST.c.text, (TICKETS.c.subject + "\n" + TICKETS.c.body).label("question"))
    .join(TICKETS, TICKETS.c.id == _NEWEST.c.ticket_id)
    .where(_NEWEST.c.actor != TICKETS.c.requester, TICKETS.c.status.in_(SOLVED))
    .order_by(_NEWEST.c.id.desc())
)
