"""The oracle: the best possible predictions for one who knows the grammar and all its probabilities.

From the posterior over scenarios and what the desk knows at filing it computes the most probable *recorded* label of
each target and its probability. It does not use the true labels of the ticket.

The accuracy of the oracle on recorded labels is the ceiling; it is below 1 because of label noise and ambiguous texts.
The oracle reads each ticket by itself: a model that matches near copies or an incident with earlier tickets may do a
little better on those.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime

from deskyard.domain.ticket import Target
from deskyard.simulate.labels import LabelNoise, priority_distribution
from deskyard.simulate.rng import Distribution
from deskyard.simulate.scenario import SimulatedDesk


class Oracle:
    """Sums over the distributions that the world draws from."""

    def __init__(self, desk: SimulatedDesk, noise: LabelNoise, label_noise: float) -> None:
        """`label_noise` is the probability that a recorded category, queue or priority is not the true one."""
        self.desk, self.noise, self.label_noise = desk, noise, label_noise

    def best_labels(
        self, posterior: Mapping[str, float], urgency: str, vip: bool, at: datetime, last: str
    ) -> dict[Target, tuple[str, float]]:
        """Target → (label, its probability). `posterior` is over scenario keys, `last` the requester's last agent."""
        scenarios = self.desk.scenarios
        queues: dict[str, float] = defaultdict(float)
        priorities: dict[str, float] = defaultdict(float)
        for key, share in posterior.items():
            queues[scenarios[key].queue] += share
            distribution = priority_distribution(scenarios[key].severity, urgency, vip)
            for label, part in zip(distribution.items, distribution.shares, strict=True):
                priorities[label] += share * part
        owners: dict[str, float] = defaultdict(float)
        for queue, share in queues.items():
            for login, part in self.desk.assignee_probabilities(queue, at, last).items():
                owners[login] += share * part
        category, probability = self._recorded_mode(posterior, self.noise.category.__getitem__)
        return {
            "category": (self.desk.category_name(category, at), probability),
            "priority": self._recorded_mode(priorities, self.noise.priority.__getitem__),
            "queue": self._recorded_mode(queues, self.noise.queue.__getitem__),
            "assignee": _mode(owners),
        }

    def _recorded_mode(self, true: Mapping[str, float], wrong: Callable[[str], Distribution[str]]) -> tuple[str, float]:
        """The most probable recorded label and its probability, given the probabilities of the true label."""
        if not self.label_noise:
            return _mode(true)
        if len(true) == 1 and self.label_noise <= 0.5:
            return next(iter(true)), 1 - self.label_noise
        recorded = {label: (1 - self.label_noise) * share for label, share in true.items()}
        for label, share in true.items():
            distribution = wrong(label)
            for other, part in zip(distribution.items, distribution.shares, strict=True):
                recorded[other] = recorded.get(other, 0.0) + self.label_noise * share * part
        return _mode(recorded)


def _mode(shares: Mapping[str, float]) -> tuple[str, float]:
    """The label with the largest share and that share; the first by name among equals."""
    label = min(shares, key=lambda name: (-shares[name], name))
    return label, shares[label]
