"""Replays the circuit breaker over a period of the past.

It gets the routed tickets with the times at which people settled them, and gives the policy in force at a time. An
error counts from the time its ticket was settled.
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
    """The circuit breaker for one model; each model starts with a new one."""

    def __init__(self, policy: Policy, default_precision: float) -> None:
        """`default_precision`: the required precision where the policy sets none."""
        self.policy = policy
        self.tripped: list[tuple[Target, str]] = []
        self._default_precision = default_precision
        self._routed: defaultdict[tuple[Target, str], list[Observation]] = defaultdict(list)
        self._pending: list[tuple[datetime, int, Target, str, int]] = []

    def add(self, ticket: int, outcome: TicketOutcome, settled: datetime) -> None:
        """Add a routed ticket that people settle at that time."""
        for target, (label, right) in outcome.labels_set.items():
            observations = self._routed[target, label]
            observations.append(Observation(ticket, False, 1 - self._required_precision(target, label)))
            if right is False:
                heappush(self._pending, (settled, ticket, target, label, len(observations) - 1))

    def policy_at(self, now: datetime) -> Policy:
        """The policy in force at a time, given what is known by then."""
        updated = set()
        while self._pending and self._pending[0][0] <= now:
            _, ticket, target, label, position = heappop(self._pending)
            self._routed[target, label][position] = Observation(
                ticket, True, 1 - self._required_precision(target, label)
            )
            updated.add((target, label))
        for target, label in sorted(updated - set(self.tripped)):
            if detect_alarm(self._routed[target, label]):
                self.tripped.append((target, label))
                self.policy = circuit_breaker.hold_back_label(self.policy, target, label)
        return self.policy

    def _required_precision(self, target: Target, label: str) -> float:
        return (
            self.policy.effective_rule(target, self.policy.destination_queue(target, label)).precision
            or self._default_precision
        )
