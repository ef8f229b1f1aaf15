"""What routing saves, net of what its mistakes cost.

    minutes = right x (minutes to sort a ticket by hand) - wrong x (minutes that a wrong queue costs)

Counted on routed tickets that are solved: of the others nobody knows yet whether they were right. Right is what nobody
changed; where tickets were sorted blindly, it is said once more with their share of right, which does not flatter.
"""

from dataclasses import dataclass
from typing import Final

from deskyard.analytics.intervals import Proportion
from deskyard.errors import BadInput


@dataclass(frozen=True, slots=True)
class RoutingCosts:
    """Minutes to sort a ticket by hand, minutes that a wrong queue costs, and money for an hour."""

    sort: float = 3.0
    wrong: float = 15.0
    hour: float = 20.0

    def __post_init__(self) -> None:
        """Raises BadInput for what can't be."""
        if not all(0 <= one <= 100_000 for one in (self.sort, self.wrong, self.hour)):
            raise BadInput("minutes and money lie between 0 and 100000")


DEFAULT_COSTS: Final = RoutingCosts()


@dataclass(frozen=True, slots=True)
class Savings:
    """Minutes and money, of `right` and wrong tickets."""

    right: Proportion
    minutes: float
    money: float


def estimate_savings(right: Proportion, costs: RoutingCosts) -> Savings:
    """What so many right and wrong tickets save; less than nothing where mistakes cost more.

    >>> estimate_savings(Proportion(95, 100), RoutingCosts(3.0, 15.0, 20.0))
    Savings(right=Share(right=95, n=100), minutes=210.0, money=70.0)
    """
    minutes = right.right * costs.sort - right.wrong * costs.wrong
    return Savings(right, minutes, minutes / 60 * costs.hour)


def estimate_blind_savings(right: Proportion, blind: Proportion, costs: RoutingCosts) -> Savings | None:
    """The same with the blind share of right; None where nothing was sorted blindly."""
    if blind.share is None:
        return None
    return estimate_savings(Proportion(round(right.n * blind.share), right.n), costs)
