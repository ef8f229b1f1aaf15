"""What routing saves, net of what its mistakes cost.

    minutes = right x (minutes to sort a ticket by hand) - wrong x (minutes that a wrong queue costs)

Counted on routed tickets that are solved: of the others nobody knows yet whether they were right. Right is what nobody
changed; where tickets were sorted blindly, it is said once more with their share of right, which does not flatter.
"""

from dataclasses import dataclass
from typing import Final

from deskyard.analytics.intervals import Share
from deskyard.errors import BadInput


@dataclass(frozen=True, slots=True)
class Prices:
    """Minutes to sort a ticket by hand, minutes that a wrong queue costs, and money for an hour."""

    sort: float = 3.0
    wrong: float = 15.0
    hour: float = 20.0

    def __post_init__(self) -> None:
        """Raises BadInput for what can't be."""
        if not all(0 <= one <= 100_000 for one in (self.sort, self.wrong, self.hour)):
            raise BadInput("minutes and money lie between 0 and 100000")


USUAL: Final = Prices()


@dataclass(frozen=True, slots=True)
class Savings:
    """Minutes and money, of `right` and wrong tickets."""

    right: Share
    minutes: float
    money: float


def savings(right: Share, prices: Prices) -> Savings:
    """What so many right and wrong tickets save; less than nothing where mistakes cost more.

    >>> savings(Share(95, 100), Prices(3.0, 15.0, 20.0))
    Savings(right=Share(right=95, n=100), minutes=210.0, money=70.0)
    """
    minutes = right.right * prices.sort - right.wrong * prices.wrong
    return Savings(right, minutes, minutes / 60 * prices.hour)


def blindly(right: Share, blind: Share, prices: Prices) -> Savings | None:
    """The same with the blind share of right; None where nothing was sorted blindly."""
    if blind.share is None:
        return None
    return savings(Share(round(right.n * blind.share), right.n), prices)
