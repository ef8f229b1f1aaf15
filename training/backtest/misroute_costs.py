"""The costs of misroutes for each pair of queues, estimated from the moves of past tickets.

A pair's average reassignments and hours are shrunk towards the average of all pairs; without moves a misroute costs one
reassignment. Minutes of work are reassignments times the price of one; hours are the requester's waiting time and have
no price.
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
"""Pseudo-tickets with the overall average that each pair is shrunk with."""


@dataclass(frozen=True, slots=True)
class Misroute:
    """From a wrong queue to the true one: number of tickets, average reassignments and hours."""

    tickets: int
    reassignments: float
    hours: float | None


DEFAULT_MISROUTE: Final = Misroute(0, 1.0, None)


@dataclass(frozen=True)
class MisrouteCosts:
    """The prices, the misroutes by (wrong, true) queue, their overall average, and each ticket's reassignments (by
    id)."""

    prices: RoutingCosts = DEFAULT_COSTS
    misroutes: Mapping[tuple[str, str], Misroute] = field(default_factory=dict)
    overall: Misroute = DEFAULT_MISROUTE
    reassignments_by_ticket: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def fit(cls, history: History, name: Callable[[str], str], prices: RoutingCosts = DEFAULT_COSTS) -> "MisrouteCosts":
        """Estimate from the moves of a history; `name` gives a queue's current name."""
        truth = dict(zip((one.id for one in history.tickets), history.labels["queue"], strict=True))
        seen: defaultdict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
        counts = {}
        moves = sorted((move for move in history.moves if move.field == "queue"), key=lambda move: (move.id, move.at))
        for ticket, group in groupby(moves, attrgetter("id")):
            steps = list(group)
            counts[ticket] = sum(_is_reassignment(step) for step in steps)
            for pair, reassignments, hours in _misroutes(steps, truth.get(ticket), name):
                seen[pair].append((reassignments, hours))
        everything = [one for found in seen.values() for one in found]
        if not everything:
            return cls(prices, reassignments_by_ticket=counts)
        overall = _average(everything)
        return cls(prices, {pair: _shrink(found, overall) for pair, found in seen.items()}, overall, counts)

    def misroute(self, was: str, true: str) -> Misroute:
        """The average misroute from one queue to the other."""
        return self.misroutes.get((was, true), self.overall)

    def wrong_queue_minutes(self, was: str, true: str) -> float:
        """Minutes of work for a ticket that was routed to a wrong queue."""
        return self.misroute(was, true).reassignments * self.prices.misroute_minutes

    def manual_minutes(self, ticket: str) -> float:
        """Minutes of work for a manually triaged ticket with its actual reassignments."""
        return self.prices.triage_minutes + self.reassignments_by_ticket.get(ticket, 0) * self.prices.misroute_minutes


def _is_reassignment(step: Move) -> bool:
    return step.before not in (None, "", TRIAGE) and step.after not in (None, "", TRIAGE, step.before)


def _misroutes(
    steps: Sequence[Move], truth: str | None, name: Callable[[str], str]
) -> Iterator[tuple[tuple[str, str], int, float]]:
    """Each wrong queue of a ticket: the pair, and reassignments and hours until it first reached the true queue."""
    queues = [name(step.after) if step.after else TRIAGE for step in steps]
    true = name(truth) if truth else queues[-1]
    for n, queue in enumerate(queues):
        if queue in (true, TRIAGE) or true not in queues[n:]:
            continue
        arrived = queues.index(true, n)
        yield (queue, true), arrived - n, (steps[arrived].at - steps[n].at).total_seconds() / 3600


def _average(observed: Sequence[tuple[int, float]]) -> Misroute:
    n = len(observed)
    return Misroute(n, sum(reassignments for reassignments, _ in observed) / n, sum(hours for _, hours in observed) / n)


def _shrink(observed: Sequence[tuple[int, float]], prior: Misroute) -> Misroute:
    own = _average(observed)
    weight = own.tickets / (own.tickets + PRIOR_TICKETS)
    return Misroute(
        own.tickets,
        weight * own.reassignments + (1 - weight) * prior.reassignments,
        weight * (own.hours or 0.0) + (1 - weight) * (prior.hours or 0.0),
    )
