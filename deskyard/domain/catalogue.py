"""Catalogue: what a store has now. Only what stands in it is ever written into a ticket."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from deskyard.domain.ticket import PRIORITIES

TRIAGE: Final = "triage"
"""The queue of the built-in desk where a person sorts what the machine left."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The queues that are open and the agents who are present, or the part of them that a decision asked about.

    `queues`: open queue → the values (of `priority`, `assignee`) a ticket gets there unless somebody says otherwise.
    `agents`: present agent → the queues that agent serves, sorted. `priorities`: those it knows, least urgent first.
    `categories`: those it knows; None where any text will do.
    """

    queues: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    agents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    priorities: tuple[str, ...] = PRIORITIES
    categories: tuple[str, ...] | None = None

    @property
    def version(self) -> str:
        """16 hexadecimal characters that change with anything in it.

        >>> Catalogue({"IT": {}}).version == Catalogue({"IT": {}}).version != Catalogue().version
        True
        """
        whole = [self.to_dict(), list(self.priorities), None if self.categories is None else sorted(self.categories)]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]

    def find_unavailable(self, requested: Mapping[str, str | None], queue: str | None) -> dict[str, str]:
        """Which of the wanted values can't be written into a ticket that is in `queue`: field → reason.

        >>> Catalogue({"IT": {}}, {"ann": ("HR",)}).lacks({"queue": "IT", "priority": "huge", "assignee": "ann"}, None)
        {'priority': "'huge' is no priority here", 'assignee': "'ann' is not a present agent of 'IT'"}
        """
        why = {}
        for name, value in requested.items():
            if name == "queue" and value not in self.queues:
                why[name] = f"{'nothing' if value is None else repr(value)} is not an open queue"
            elif name == "priority" and value not in (None, *self.priorities):
                why[name] = f"{value!r} is no priority here"
            elif name == "category" and value is not None and self.categories is not None:
                if value not in self.categories:
                    why[name] = f"{value!r} is no category here"
            elif name == "assignee" and value is not None:
                place = requested.get("queue") or queue or ""
                if not self.serves(value, place):
                    why[name] = f"{value!r} is not a present agent of {place!r}"
        return why

    def subset(self, queues: Collection[str], agents: Collection[str]) -> "Catalogue":
        """What stands in it of these queues, with those who are assigned there by default, and of these agents."""
        mine = {name: values for name, values in self.queues.items() if name in queues}
        asked = {*agents, *(values["assignee"] for values in mine.values() if "assignee" in values)}
        return replace(self, queues=mine, agents={name: q for name, q in self.agents.items() if name in asked})

    def exclude(self, queues: Collection[str], agents: Collection[str], categories: Collection[str]) -> "Catalogue":
        """What is left of it where these are written no more.

        >>> Catalogue({"IT": {}, "Fax": {}}, {"ann": ("IT",)}).without({"Fax"}, {"ann"}, ()).plain()
        {'queues': {'IT': {}}, 'agents': {}}
        """
        if not (queues or agents or categories):
            return self
        kept = {name: values for name, values in self.queues.items() if name not in queues}
        return replace(
            self,
            queues={n: v if v.get("assignee") not in agents else _without_assignee(v) for n, v in kept.items()},
            agents={name: served for name, served in self.agents.items() if name not in agents},
            categories=self.categories and tuple(one for one in self.categories if one not in categories),
        )

    def serves(self, agent: str, queue: str) -> bool:
        """Whether a ticket of the queue may be given to the agent."""
        return queue in self.agents.get(agent, ())

    def to_dict(self) -> dict[str, Any]:
        """Queues and agents, as a decision keeps them, in values that JSON knows; `of` reads them back.

        >>> Catalogue({"IT": {"priority": "low"}}, {"ann": ("IT",)}).plain()
        {'queues': {'IT': {'priority': 'low'}}, 'agents': {'ann': ['IT']}}
        """
        return {
            "queues": {name: dict(self.queues[name]) for name in sorted(self.queues)},
            "agents": {name: list(self.agents[name]) for name in sorted(self.agents)},
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Catalogue":
        """What `plain` wrote."""
        return cls(dict(raw["queues"]), {name: tuple(queues) for name, queues in raw["agents"].items()})


def _without_assignee(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name != "assignee"}
