"""Watch: the circuit breaker over a stretch of the past, as it would have looked on.

In come tickets that the machine routed, each with the moment at which people settled it; out goes the policy of that
moment. A mistake is known when its ticket is settled, not before.
"""

from collections import defaultdict
from datetime import datetime
from heapq import heappop, heappush

from deskyard.breaker import circuit_breaker
from deskyard.breaker.change_detector import Outcome, tripped
from deskyard.domain.ticket import Target
from deskyard.policy.policy import Policy
from training.backtest.outcome import Deed


class Watch:
    """The breaker beside one model: it begins anew with the next."""

    def __init__(self, policy: Policy, usual: float) -> None:
        """`usual`: the precision promised where the policy asks for none."""
        self.policy = policy
        self.trips: list[tuple[Target, str]] = []
        self._usual = usual
        self._routed: defaultdict[tuple[Target, str], list[Outcome]] = defaultdict(list)
        self._to_come: list[tuple[datetime, int, Target, str, int]] = []

    def see(self, ticket: int, done: Deed, settled: datetime) -> None:
        """A ticket was routed, and people will have settled it at that moment."""
        for target, (label, right) in done.set.items():
            seen = self._routed[target, label]
            seen.append(Outcome(ticket, False, 1 - self._promised(target, label)))
            if right is False:
                heappush(self._to_come, (settled, ticket, target, label, len(seen) - 1))

    def until(self, now: datetime) -> Policy:
        """The policy in force, after all that was known by then."""
        spoken = set()
        while self._to_come and self._to_come[0][0] <= now:
            _, ticket, target, label, place = heappop(self._to_come)
            self._routed[target, label][place] = Outcome(ticket, True, 1 - self._promised(target, label))
            spoken.add((target, label))
        for target, label in sorted(spoken - set(self.trips)):
            if tripped(self._routed[target, label]):
                self.trips.append((target, label))
                self.policy = circuit_breaker.tripped(self.policy, target, label)
        return self.policy

    def _promised(self, target: Target, label: str) -> float:
        return self.policy.rule(target, self.policy.bound_for(target, label)).precision or self._usual
