"""Savings of routing, net of the cost of mistakes.

    minutes = right x (minutes of manual triage) - wrong x (minutes lost per misrouted ticket)

Only routed tickets that are solved count, as only of these it is known whether they were correct. Unchanged tickets
count as correct; with blind reviews there is a second estimate with their accuracy, which is not optimistic.
"""

from dataclasses import dataclass
from typing import Final

from deskyard.analytics.intervals import Proportion
from deskyard.errors import BadInput


@dataclass(frozen=True, slots=True)
class RoutingCosts:
    """Minutes of manual triage per ticket, minutes lost per misrouted ticket, and the price of an hour of work."""

    triage_minutes: float = 3.0
    misroute_minutes: float = 15.0
    hourly_rate: float = 20.0

    def __post_init__(self) -> None:
        """Raises BadInput for values out of range."""
        if not all(0 <= one <= 100_000 for one in (self.triage_minutes, self.misroute_minutes, self.hourly_rate)):
            raise BadInput("minutes and rates must be between 0 and 100000")


DEFAULT_COSTS: Final = RoutingCosts()


@dataclass(frozen=True, slots=True)
class Savings:
    """Minutes and money saved by tickets of which `right` were correct."""

    right: Proportion
    minutes: float
    money: float


def estimate_savings(right: Proportion, costs: RoutingCosts) -> Savings:
    """The savings of routed tickets; negative where mistakes cost more.

    >>> estimate_savings(Proportion(95, 100), RoutingCosts(3.0, 15.0, 20.0))
    Savings(right=Proportion(right=95, n=100), minutes=210.0, money=70.0)
    """
    minutes = right.right * costs.triage_minutes - right.wrong * costs.misroute_minutes
    return Savings(right, minutes, minutes / 60 * costs.hourly_rate)


def estimate_blind_savings(right: Proportion, blind: Proportion, costs: RoutingCosts) -> Savings | None:
    """The same with the accuracy of blind reviews; None without any."""
    if blind.share is None:
        return None
    return estimate_savings(Proportion(round(right.n * blind.share), right.n), costs)
