"""Costs: what a wrong queue costs, from queue to queue, learnt from where tickets went before they arrived.

In comes a history with its moves, out come hops and hours of each pair of queues. A pair that was rarely seen leans on
all others; without any moves a wrong queue costs one hop. Minutes of work are a hop's price (`RoutingCosts.wrong`)
times the hops; the hours are what the requester waits, and are not turned into money.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Final

from deskyard.analytics.savings import DEFAULT_COSTS, RoutingCosts
from deskyard.domain.catalogue import TRIAGE
from training.data.history import History
from training.data.moves import Move

PRIOR_TICKETS: Final = 5.0
"""Tickets of all pairs together that count beside those of a pair."""


@dataclass(frozen=True, slots=True)
class Misroute:
    """From a wrong queue to the right one: how often it was seen, hops and hours on average."""

    n: int
    hops: float
    hours: float | None


DEFAULT_MISROUTE: Final = Misroute(0, 1.0, None)


@dataclass(frozen=True)
class MisrouteCosts:
    """The prices, the ways between queues, that of all together, and how often each ticket was passed on (by id)."""

    prices: RoutingCosts = DEFAULT_COSTS
    misroutes: Mapping[tuple[str, str], Misroute] = field(default_factory=dict)
    overall: Misroute = DEFAULT_MISROUTE
    hops_by_ticket: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def fit(cls, history: History, name: Callable[[str], str], prices: RoutingCosts = DEFAULT_COSTS) -> "MisrouteCosts":
        """From the moves of a history; `name` is what a queue is called today."""
        truth = dict(zip((one.id for one in history.tickets), history.labels["queue"], strict=True))
        seen: defaultdict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
        passed_on = {}
        mine = sorted((move for move in history.moves if move.field == "queue"), key=lambda move: (move.id, move.at))
        for ticket, group in groupby(mine, attrgetter("id")):
            steps = list(group)
            passed_on[ticket] = sum(_is_hop(step) for step in steps)
            for pair, hops, hours in _misroutes(steps, truth.get(ticket), name):
                seen[pair].append((hops, hours))
        everything = [one for found in seen.values() for one in found]
        if not everything:
            return cls(prices, hops_by_ticket=passed_on)
        over_all = _average(everything)
        return cls(prices, {pair: _shrink(found, over_all) for pair, found in seen.items()}, over_all, passed_on)

    def misroute(self, was: str, true: str) -> Misroute:
        """From one queue to the other."""
        return self.misroutes.get((was, true), self.overall)

    def wrong_queue_minutes(self, was: str, true: str) -> float:
        """Minutes of work that a ticket costs which the machine put into a wrong queue."""
        return self.misroute(was, true).hops * self.prices.wrong

    def manual_minutes(self, ticket: str) -> float:
        """Minutes of work that a ticket costs which people sort: as often passed on as it was."""
        return self.prices.sort + self.hops_by_ticket.get(ticket, 0) * self.prices.wrong


def _is_hop(step: Move) -> bool:
    return step.before not in (None, "", TRIAGE) and step.after not in (None, "", TRIAGE, step.before)


def _misroutes(
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


def _average(observed: Sequence[tuple[int, float]]) -> Misroute:
    n = len(observed)
    return Misroute(n, sum(hops for hops, _ in observed) / n, sum(hours for _, hours in observed) / n)


def _shrink(observed: Sequence[tuple[int, float]], prior: Misroute) -> Misroute:
    own = _average(observed)
    mine = own.n / (own.n + PRIOR_TICKETS)
    return Misroute(
        own.n,
        mine * own.hops + (1 - mine) * prior.hops,
        mine * (own.hours or 0.0) + (1 - mine) * (prior.hours or 0.0),
    )
