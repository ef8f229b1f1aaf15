"""New topics: tickets of now that share words which hardly came before; proposed as categories.

In come the stems of tickets before and now, out go groups of tickets of now. Names nothing and changes nothing: whether
a topic is a category is for people to say.

A group begins with the word that has grown most surely, and is joined by the words that grew along with it in the same
tickets; then the next begins, in the tickets that are left. That a group is there at all is proved by its first word
alone, all words of the desk taken together; what joins it shows what it is about.
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
"""A word that grew as much by chance with a greater probability joins no group."""

MIN_SHARED: Final = 0.2
"""Words of a group stand in this share of the tickets with its first word, at least."""

MIN_RATIO: Final = 3.0
"""A word of a group comes so many times as often as before, at least."""

MAX_WORDS: Final = 6
"""A group has so many words at most; a ticket that holds one of them belongs to it."""


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A group: its words (stems), its tickets by their place among those of now (those with most of the words first),
    the share of tickets (0..1) with one of the words before and now, and how probable its first word's growth is by
    chance."""

    words: tuple[str, ...]
    tickets: tuple[int, ...]
    before: float
    now: float
    p_value: float


def find_new_topics(before: Sequence[Sequence[str]], now: Sequence[Sequence[str]]) -> list[NewTopic]:
    """The new topics, the surest first; where nothing has changed and tickets come independently of each other, any is
    told with a chance of `changes.MISS` at most.

    >>> old = [["printer", "paper", str(n % 7)] for n in range(80)]
    >>> new = old[:40] + [["badge", "door", str(n % 7)] for n in range(20)]
    >>> [(topic.words, len(topic.tickets)) for topic in find_new_topics(old, new)]
    [(('badge', 'door'), 20)]
    """
    names = sorted({word for words in (*before, *now) for word in words})
    if not before or not names:
        return []
    at = {name: n for n, name in enumerate(names)}
    was, came = _word_matrix(before, at), _word_matrix(now, at)
    return [_make_topic(words, chance, names, was, came) for words, chance in _grow_groups(was, came)]


def _word_matrix(tickets: Sequence[Sequence[str]], at: dict[str, int]) -> Any:
    """Which tickets hold which words."""
    held = [sorted({at[word] for word in words}) for words in tickets]
    ends = np.cumsum([0, *map(len, held)])
    columns = np.array([n for words in held for n in words], np.int64)
    return sparse.csr_array((np.ones(len(columns)), columns, ends), (len(tickets), len(at)))


def _grow_groups(before: Any, now: Any) -> Iterator[tuple[npt.NDArray[np.intp], float]]:
    """The words of each group, and its chance; what chance explains ends the walk."""
    past, tested = np.asarray(before.sum(axis=0)), (np.asarray(now.sum(axis=0)) >= MIN_TICKETS).sum()
    while now.shape[0]:
        counts = np.asarray(now.sum(axis=0))
        chances = hypergeom.sf(counts - 1, before.shape[0] + now.shape[0], past + counts, now.shape[0])
        chances[counts / now.shape[0] < MIN_RATIO * past / before.shape[0]] = 1.0
        first = int(np.argmin(np.where(counts >= MIN_TICKETS, chances, 1.0)))
        if chances[first] * tested > MAX_P_VALUE:
            return
        share = np.asarray(now[_count_words(now, np.array([first])) > 0].mean(axis=0))
        telling = np.where(
            (share >= MIN_SHARED) & (chances <= MAX_WORD_P_VALUE), share * -np.log(np.maximum(chances, 1e-300)), 0.0
        )
        telling[first] = np.inf
        words = np.argsort(-telling, kind="stable")[:MAX_WORDS]
        words = words[telling[words] > 0]
        yield words, float(chances[first] * tested)
        now = now[_count_words(now, words) == 0]


def _count_words(rows: Any, words: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """How many of the words each row holds."""
    return np.asarray(rows[:, words].sum(axis=1)).ravel()


def _make_topic(words: npt.NDArray[np.intp], p_value: float, names: Sequence[str], before: Any, now: Any) -> NewTopic:
    """A group as a topic."""
    held = _count_words(now, words)
    return NewTopic(
        words=tuple(names[n] for n in words),
        tickets=tuple(int(n) for n in np.argsort(-held, kind="stable") if held[n]),
        before=float((_count_words(before, words) > 0).mean()),
        now=float((held > 0).mean()),
        p_value=p_value,
    )
