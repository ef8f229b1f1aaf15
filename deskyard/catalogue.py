"""Catalogue: what a store has now. Only what stands in it is ever written into a ticket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The queues that are open and the agents who are present, or the part of them that a decision asked about.

    `queues`: open queue → the values (of `priority`, `assignee`) a ticket gets there unless somebody says otherwise.
    `agents`: present agent → the queues that agent serves, sorted.
    """

    queues: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    agents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def serves(self, agent: str, queue: str) -> bool:
        """Whether a ticket of the queue may be given to the agent."""
        return queue in self.agents.get(agent, ())

    def plain(self) -> dict[str, Any]:
        """As values that JSON knows; `of` reads them back.

        >>> Catalogue({"IT": {"priority": "low"}}, {"ann": ("IT",)}).plain()
        {'queues': {'IT': {'priority': 'low'}}, 'agents': {'ann': ['IT']}}
        """
        return {
            "queues": {name: dict(self.queues[name]) for name in sorted(self.queues)},
            "agents": {name: list(self.agents[name]) for name in sorted(self.agents)},
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Catalogue":
        """What `plain` wrote."""
        return cls(dict(plain["queues"]), {name: tuple(queues) for name, queues in plain["agents"].items()})
