"""Watch: the circuit breaker over a stretch of the past, as it would have looked on.

In come tickets that the machine routed, each with the moment at which people settled it; out goes the policy of that
moment. A mistake is known when its ticket is settled, not before.
"""

from collections import defaultdict
from datetime import datetime
from heapq import heappop, heappush

from deskyard.breaker import circuit_breaker
from deskyard.breaker.change_detector import Observation, detect_alarm
from deskyard.domain.ticket import Target
from deskyard.policy.policy import Policy
from training.backtest.outcome import TicketOutcome


class BreakerReplay:
    """The breaker beside one model: it begins anew with the next."""

    def __init__(self, policy: Policy, default_precision: float) -> None:
        """`usual`: the precision promised where the policy asks for none."""
        self.policy = policy
        self.tripped: list[tuple[Target, str]] = []
        self._default_precision = default_precision
        self._routed: defaultdict[tuple[Target, str], list[Observation]] = defaultdict(list)
        self._pending: list[tuple[datetime, int, Target, str, int]] = []

    def add(self, ticket: int, outcome: TicketOutcome, settled: datetime) -> None:
        """A ticket was routed, and people will have settled it at that moment."""
        for target, (label, right) in outcome.labels_set.items():
            seen = self._routed[target, label]
            seen.append(Observation(ticket, False, 1 - self._required_precision(target, label)))
            if right is False:
                heappush(self._pending, (settled, ticket, target, label, len(seen) - 1))

    def policy_at(self, now: datetime) -> Policy:
        """The policy in force, after all that was known by then."""
        spoken = set()
        while self._pending and self._pending[0][0] <= now:
            _, ticket, target, label, place = heappop(self._pending)
            self._routed[target, label][place] = Observation(ticket, True, 1 - self._required_precision(target, label))
            spoken.add((target, label))
        for target, label in sorted(spoken - set(self.tripped)):
            if detect_alarm(self._routed[target, label]):
                self.tripped.append((target, label))
                self.policy = circuit_breaker.hold_back_label(self.policy, target, label)
        return self.policy

    def _required_precision(self, target: Target, label: str) -> float:
        return (
            self.policy.effective_rule(target, self.policy.destination_queue(target, label)).precision
            or self._default_precision
        )
