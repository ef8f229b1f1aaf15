"""Finds new topics: groups of recent tickets that share words which were rare before.

A group starts with the word whose growth has the smallest p-value, and takes in words that grew in the same tickets;
the next group is searched in the remaining tickets. Only the first word is tested, corrected for all words of the desk;
the others describe the topic.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.stats import hypergeom

from training.drift.share_changes import MAX_P_VALUE, MIN_TICKETS

MAX_WORD_P_VALUE: Final = 0.001
"""Words with a larger p-value join no group."""

MIN_SHARED: Final = 0.2
"""The share of the tickets with the first word in which a word of the group must occur."""

MIN_RATIO: Final = 3.0
"""The factor by which the share of a word of a group must have grown."""

MAX_WORDS: Final = 6
"""The most words of a group; tickets with any of them belong to it."""


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A new topic: its `words` (stems), its `tickets` (positions among the recent ones, those with most words first),
    the share of tickets (0..1) with any of the words `before` and `now`, and the `p_value` of its first word's
    growth."""

    words: tuple[str, ...]
    tickets: tuple[int, ...]
    before: float
    now: float
    p_value: float


def find_new_topics(before: Sequence[Sequence[str]], now: Sequence[Sequence[str]]) -> list[NewTopic]:
    """The new topics, the smallest p-value first.

    Where nothing has changed and tickets are independent, any topic is reported with probability `MAX_P_VALUE` at most.

    >>> old = [["printer", "paper", str(n % 7)] for n in range(80)]
    >>> new = old[:40] + [["badge", "door", str(n % 7)] for n in range(20)]
    >>> [(topic.words, len(topic.tickets)) for topic in find_new_topics(old, new)]
    [(('badge', 'door'), 20)]
    """
    names = sorted({word for words in (*before, *now) for word in words})
    if not before or not names:
        return []
    at = {name: n for n, name in enumerate(names)}
    earlier, recent = _word_matrix(before, at), _word_matrix(now, at)
    return [_make_topic(words, p_value, names, earlier, recent) for words, p_value in _grow_groups(earlier, recent)]


def _word_matrix(tickets: Sequence[Sequence[str]], at: dict[str, int]) -> Any:
    """Which tickets hold which words (tickets x words)."""
    columns_by_ticket = [sorted({at[word] for word in words}) for words in tickets]
    ends = np.cumsum([0, *map(len, columns_by_ticket)])
    columns = np.array([n for words in columns_by_ticket for n in words], np.int64)
    return sparse.csr_array((np.ones(len(columns)), columns, ends), (len(tickets), len(at)))


def _grow_groups(before: Any, now: Any) -> Iterator[tuple[npt.NDArray[np.intp], float]]:
    """The words of each group and its p-value, until no growth is significant."""
    past, tested = np.asarray(before.sum(axis=0)), (np.asarray(now.sum(axis=0)) >= MIN_TICKETS).sum()
    while now.shape[0]:
        counts = np.asarray(now.sum(axis=0))
        p_values = hypergeom.sf(counts - 1, before.shape[0] + now.shape[0], past + counts, now.shape[0])
        p_values[counts / now.shape[0] < MIN_RATIO * past / before.shape[0]] = 1.0
        first = int(np.argmin(np.where(counts >= MIN_TICKETS, p_values, 1.0)))
        if p_values[first] * tested > MAX_P_VALUE:
            return
        share = np.asarray(now[_count_words(now, np.array([first])) > 0].mean(axis=0))
        telling = np.where(
            (share >= MIN_SHARED) & (p_values <= MAX_WORD_P_VALUE), share * -np.log(np.maximum(p_values, 1e-300)), 0.0
        )
        telling[first] = np.inf
        words = np.argsort(-telling, kind="stable")[:MAX_WORDS]
        words = words[telling[words] > 0]
        yield words, float(p_values[first] * tested)
        now = now[_count_words(now, words) == 0]


def _count_words(rows: Any, words: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """How many of the words each row holds."""
    return np.asarray(rows[:, words].sum(axis=1)).ravel()


def _make_topic(words: npt.NDArray[np.intp], p_value: float, names: Sequence[str], before: Any, now: Any) -> NewTopic:
    """A group as a topic."""
    counts = _count_words(now, words)
    return NewTopic(
        words=tuple(names[n] for n in words),
        tickets=tuple(int(n) for n in np.argsort(-counts, kind="stable") if counts[n]),
        before=float((_count_words(before, words) > 0).mean()),
        now=float((counts > 0).mean()),
        p_value=p_value,
    )
