"""The distributions of true labels, and of the wrong labels that are recorded instead.

The world draws from these distributions and the oracle sums over the same ones, so the ceiling is exact.
"""

import math
from functools import cache
from itertools import pairwise
from typing import Final

from deskyard.domain.ticket import PRIORITIES
from deskyard.simulate.rng import Distribution
from deskyard.simulate.scenario import Scenario, SimulatedDesk

URGENCY: Final = {"calm": -0.9, "none": 0.0, "pressing": 0.7, "alarming": 1.4}
"""What the words of urgency add to a scenario's severity."""

_VIP_EFFECT: Final = 0.9
_PRIORITY_CUTS: Final = (0.7, 1.9, 3.1)
_LOGIT_SPREAD: Final = 0.22
_NO_PRODUCT: Final = 0.55
_TYPICAL_PRODUCT: Final = 0.6


@cache
def priority_distribution(severity: float, urgency: str, vip: bool) -> Distribution[str]:
    """Priorities by an ordered logit: severity + urgency + 0.9 for a VIP organisation, cut at 0.7, 1.9 and 3.1.

    >>> [round(share, 2) for share in priority_distribution(1.0, "none", False).shares]
    [0.2, 0.78, 0.02, 0.0]
    """
    centre = severity + URGENCY[urgency] + _VIP_EFFECT * vip
    below = [0.0, *(1 / (1 + math.exp((centre - cut) / _LOGIT_SPREAD)) for cut in _PRIORITY_CUTS), 1.0]
    return Distribution(PRIORITIES, [high - low for low, high in pairwise(below)])


@cache
def urgency_distribution(severity: float) -> Distribution[str]:
    """The distribution of the words of urgency; the more severe the issue, the more urgent."""
    logits = {
        "calm": -1.8 - 0.4 * severity,
        "none": 0.6,
        "pressing": -0.9 + 0.3 * severity,
        "alarming": -2.4 + 0.6 * severity,
    }
    return Distribution(tuple(logits), [math.exp(value) for value in logits.values()])


def product_probability(scenario: Scenario, product: str, products: tuple[str, ...]) -> float:
    """The probability of `product` ("" for none) as x_product of a ticket of this scenario."""
    if not product:
        return _NO_PRODUCT
    typical = _TYPICAL_PRODUCT / len(scenario.products) if product in scenario.products else 0.0
    return (1 - _NO_PRODUCT) * (typical + (1 - _TYPICAL_PRODUCT) / len(products))


def product_distribution(scenario: Scenario, products: tuple[str, ...]) -> Distribution[str]:
    """The distribution of x_product, including none ("")."""
    values = ("", *products)
    return Distribution(values, [product_probability(scenario, value, products) for value in values])


class LabelNoise:
    """The distributions of recorded labels given the true one, for labels that are recorded wrongly.

    Category: half of the time another one of the same queue, else any other. Queue: any other. Priority: a neighbour.
    """

    def __init__(self, desk: SimulatedDesk) -> None:
        """Tabulate the distributions by scenario key, queue and priority."""
        self.category: dict[str, Distribution[str]] = {}
        for key, scenario in desk.scenarios.items():
            others = [other for other in desk.scenarios.values() if other.key != key]
            sisters = sum(other.queue == scenario.queue for other in others)
            weights = [
                0.5 / len(others) + (0.5 / sisters if other.queue == scenario.queue else 0.0) for other in others
            ]
            self.category[key] = Distribution([other.key for other in others], weights)
        self.queue = {
            queue: Distribution([other for other in desk.queues if other != queue], [1.0] * (len(desk.queues) - 1))
            for queue in desk.queues
        }
        self.priority: dict[str, Distribution[str]] = {}
        for rank, priority in enumerate(PRIORITIES):
            near = [PRIORITIES[other] for other in (rank - 1, rank + 1) if 0 <= other < len(PRIORITIES)]
            self.priority[priority] = Distribution(near, [1.0] * len(near))
