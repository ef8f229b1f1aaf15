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

from training.drift.share_changes import FEWEST, MISS

LIKELY: Final = 0.001
"""A word that grew as much by chance with a greater probability joins no group."""

ALONG: Final = 0.2
"""Words of a group stand in this share of the tickets with its first word, at least."""

TIMES: Final = 3.0
"""A word of a group comes so many times as often as before, at least."""

WORDS: Final = 6
"""A group has so many words at most; a ticket that holds one of them belongs to it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A group: its words (stems), its tickets by their place among those of now (those with most of the words first),
    the share of tickets (0..1) with one of the words before and now, and how probable its first word's growth is by
    chance."""

    words: tuple[str, ...]
    tickets: tuple[int, ...]
    before: float
    now: float
    chance: float


def topics(before: Sequence[Sequence[str]], now: Sequence[Sequence[str]]) -> list[Topic]:
    """The new topics, the surest first; where nothing has changed and tickets come independently of each other, any is
    told with a chance of `changes.MISS` at most.

    >>> old = [["printer", "paper", str(n % 7)] for n in range(80)]
    >>> new = old[:40] + [["badge", "door", str(n % 7)] for n in range(20)]
    >>> [(topic.words, len(topic.tickets)) for topic in topics(old, new)]
    [(('badge', 'door'), 20)]
    """
    names = sorted({word for words in (*before, *now) for word in words})
    if not before or not names:
        return []
    at = {name: n for n, name in enumerate(names)}
    was, came = _rows(before, at), _rows(now, at)
    return [_topic(words, chance, names, was, came) for words, chance in _groups(was, came)]


def _rows(tickets: Sequence[Sequence[str]], at: dict[str, int]) -> Any:
    """Which tickets hold which words."""
    held = [sorted({at[word] for word in words}) for words in tickets]
    ends = np.cumsum([0, *map(len, held)])
    columns = np.array([n for words in held for n in words], np.int64)
    return sparse.csr_array((np.ones(len(columns)), columns, ends), (len(tickets), len(at)))


def _groups(was: Any, came: Any) -> Iterator[tuple[npt.NDArray[np.intp], float]]:
    """The words of each group, and its chance; what chance explains ends the walk."""
    past, tested = np.asarray(was.sum(axis=0)), (np.asarray(came.sum(axis=0)) >= FEWEST).sum()
    while came.shape[0]:
        counts = np.asarray(came.sum(axis=0))
        chances = hypergeom.sf(counts - 1, was.shape[0] + came.shape[0], past + counts, came.shape[0])
        chances[counts / came.shape[0] < TIMES * past / was.shape[0]] = 1.0
        first = int(np.argmin(np.where(counts >= FEWEST, chances, 1.0)))
        if chances[first] * tested > MISS:
            return
        share = np.asarray(came[_held(came, np.array([first])) > 0].mean(axis=0))
        telling = np.where((share >= ALONG) & (chances <= LIKELY), share * -np.log(np.maximum(chances, 1e-300)), 0.0)
        telling[first] = np.inf
        words = np.argsort(-telling, kind="stable")[:WORDS]
        words = words[telling[words] > 0]
        yield words, float(chances[first] * tested)
        came = came[_held(came, words) == 0]


def _held(rows: Any, words: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """How many of the words each row holds."""
    return np.asarray(rows[:, words].sum(axis=1)).ravel()


def _topic(words: npt.NDArray[np.intp], chance: float, names: Sequence[str], was: Any, came: Any) -> Topic:
    """A group as a topic."""
    held = _held(came, words)
    return Topic(
        words=tuple(names[n] for n in words),
        tickets=tuple(int(n) for n in np.argsort(-held, kind="stable") if held[n]),
        before=float((_held(was, words) > 0).mean()),
        now=float((held > 0).mean()),
        chance=chance,
    )
