"""Oracle: the best that anybody could answer who knows the grammar and all its probabilities.

In: what a story is evidence for (a posterior over scenarios) and what the desk knows at filing. Out: for each target
the most probable *recorded* label and how probable it is. Never: the truth of the ticket itself.

The share of tickets whose recorded label is the oracle's is the ceiling; it is below 1 because of label noise and of
texts that truly mean several things. The oracle reads each ticket by itself: a learner who matches a near-copy or an
incident with the tickets before it may do a little better on those.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime

from deskyard.domain.ticket import Target
from deskyard.simulate.labels import LabelNoise, priority_distribution
from deskyard.simulate.rng import Distribution
from deskyard.simulate.scenario import SimulatedDesk


class Oracle:
    """Sums the odds that the world draws from."""

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
            odds = priority_distribution(scenarios[key].severity, urgency, vip)
            for label, part in zip(odds.items, odds.shares, strict=True):
                priorities[label] += share * part
        owners: dict[str, float] = defaultdict(float)
        for queue, share in queues.items():
            for login, part in self.desk.assignee_probabilities(queue, at, last).items():
                owners[login] += share * part
        category, sure = self._recorded_mode(posterior, self.noise.category.__getitem__)
        return {
            "category": (self.desk.category_name(category, at), sure),
            "priority": self._recorded_mode(priorities, self.noise.priority.__getitem__),
            "queue": self._recorded_mode(queues, self.noise.queue.__getitem__),
            "assignee": _mode(owners),
        }

    def _recorded_mode(self, true: Mapping[str, float], wrong: Callable[[str], Distribution[str]]) -> tuple[str, float]:
        """The mode of the recorded label, when the true one has these probabilities."""
        if not self.label_noise:
            return _mode(true)
        if len(true) == 1 and self.label_noise <= 0.5:
            return next(iter(true)), 1 - self.label_noise
        recorded = {label: (1 - self.label_noise) * share for label, share in true.items()}
        for label, share in true.items():
            odds = wrong(label)
            for other, part in zip(odds.items, odds.shares, strict=True):
                recorded[other] = recorded.get(other, 0.0) + self.label_noise * share * part
        return _mode(recorded)


def _mode(shares: Mapping[str, float]) -> tuple[str, float]:
    """The label with the largest share; of equals, the first by name."""
    label = min(shares, key=lambda name: (-shares[name], name))
    return label, shares[label]
