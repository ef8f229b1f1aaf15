"""Costs: what a wrong queue costs, from queue to queue, learnt from where tickets went before they arrived.

In comes a history with its moves, out come hops and hours of each pair of queues. A pair that was rarely seen leans on
all others; without any moves a wrong queue costs one hop. Minutes of work are a hop's price (`Prices.wrong`) times the
hops; the hours are what the requester waits, and are not turned into money.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Final

from deskyard.analytics.savings import USUAL, Prices
from deskyard.policy.policy import TRIAGE
from training.data.history import History
from training.data.moves import Move

LEANING: Final = 5.0
"""Tickets of all pairs together that count beside those of a pair."""


@dataclass(frozen=True, slots=True)
class Way:
    """From a wrong queue to the right one: how often it was seen, hops and hours on average."""

    n: int
    hops: float
    hours: float | None


ONE_HOP: Final = Way(0, 1.0, None)


@dataclass(frozen=True)
class Costs:
    """The prices, the ways between queues, that of all together, and how often each ticket was passed on (by id)."""

    prices: Prices = USUAL
    ways: Mapping[tuple[str, str], Way] = field(default_factory=dict)
    all: Way = ONE_HOP
    passed_on: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def learnt(cls, history: History, name: Callable[[str], str], prices: Prices = USUAL) -> "Costs":
        """From the moves of a history; `name` is what a queue is called today."""
        truth = dict(zip((one.id for one in history.tickets), history.labels["queue"], strict=True))
        seen: defaultdict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
        passed_on = {}
        mine = sorted((move for move in history.moves if move.field == "queue"), key=lambda move: (move.id, move.at))
        for ticket, group in groupby(mine, attrgetter("id")):
            steps = list(group)
            passed_on[ticket] = sum(_is_hop(step) for step in steps)
            for pair, hops, hours in _ways(steps, truth.get(ticket), name):
                seen[pair].append((hops, hours))
        everything = [one for found in seen.values() for one in found]
        if not everything:
            return cls(prices, passed_on=passed_on)
        over_all = _mean(everything)
        return cls(prices, {pair: _leaning(found, over_all) for pair, found in seen.items()}, over_all, passed_on)

    def way(self, was: str, true: str) -> Way:
        """From one queue to the other."""
        return self.ways.get((was, true), self.all)

    def wrong(self, was: str, true: str) -> float:
        """Minutes of work that a ticket costs which the machine put into a wrong queue."""
        return self.way(was, true).hops * self.prices.wrong

    def by_hand(self, ticket: str) -> float:
        """Minutes of work that a ticket costs which people sort: as often passed on as it was."""
        return self.prices.sort + self.passed_on.get(ticket, 0) * self.prices.wrong


def _is_hop(step: Move) -> bool:
    return step.before not in (None, "", TRIAGE) and step.after not in (None, "", TRIAGE, step.before)


def _ways(
    steps: Sequence[Move], truth: str | None, name: Callable[[str], str]
) -> Iterator[tuple[tuple[str, str], int, float]]:
    """Each wrong queue on a ticket's way: the pair, hops and hours until it first arrived."""
    where = [name(step.after) if step.after else TRIAGE for step in steps]
    true = name(truth) if truth else where[-1]
    for n, queue in enumerate(where):
        if queue in (true, TRIAGE) or true not in where[n:]:
            continue
        arrived = where.index(true, n)
        yield (queue, true), arrived - n, (steps[arrived].at - steps[n].at).total_seconds() / 3600


def _mean(found: Sequence[tuple[int, float]]) -> Way:
    n = len(found)
    return Way(n, sum(hops for hops, _ in found) / n, sum(hours for _, hours in found) / n)


def _leaning(found: Sequence[tuple[int, float]], on: Way) -> Way:
    own = _mean(found)
    mine = own.n / (own.n + LEANING)
    return Way(
        own.n,
        mine * own.hops + (1 - mine) * on.hops,
        mine * (own.hours or 0.0) + (1 - mine) * (on.hours or 0.0),
    )
