"""The catalogue of a ticket store: its open queues, present agents, priorities and categories.

Only values that the catalogue has are ever written into a ticket.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from deskyard.domain.decision import Decision
from deskyard.domain.label_spelling import select_spellings, spell_as
from deskyard.domain.ticket import PRIORITIES

TRIAGE: Final = "triage"
"""The queue of the built-in desk for tickets that a person must triage."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The open queues and present agents of a store, or the part of them that a decision needs.

    `queues`: open queue → its default values of `priority` and `assignee`, where it has any. `agents`: present agent →
    the queues that the agent serves, sorted. `priorities`: least urgent first. `categories`: None where any text is
    allowed.
    """

    queues: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    agents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    priorities: tuple[str, ...] = PRIORITIES
    categories: tuple[str, ...] | None = None

    @property
    def version(self) -> str:
        """16 hexadecimal characters that change with any part of the catalogue.

        >>> Catalogue({"IT": {}}).version == Catalogue({"IT": {}}).version != Catalogue().version
        True
        """
        content = [self.to_dict(), list(self.priorities), None if self.categories is None else sorted(self.categories)]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def names(self, target: str) -> Collection[str]:
        """The names that the store has for a target; none where any text is allowed."""
        named: Mapping[str, Collection[str]] = {"queue": self.queues, "assignee": self.agents}
        return named.get(target, self.categories or () if target == "category" else ())

    def spell(self, target: str, label: str) -> str:
        """The store's own name for a label; the label itself where it is a spelling of none or of several names.

        >>> catalogue = Catalogue({"R&D": {}, "VPN": {}, "vpn": {}})
        >>> [catalogue.spell("queue", label) for label in ("r&amp;d", "VPN", "Vpn")]
        ['R&D', 'VPN', 'Vpn']
        """
        return spell_as(label, self.names(target), apart=(TRIAGE,))

    def spell_decision(self, decision: Decision) -> Decision:
        """The decision with the store's own names of queues and agents, which a recorded decision is computed from;
        probabilities of spellings of one name are summed."""
        if decision.label is None or decision.target not in ("queue", "assignee"):
            return decision
        top: dict[str, float] = {}
        for label, share in decision.top:
            name = self.spell(decision.target, label)
            top[name] = top.get(name, 0.0) + share
        return replace(decision, label=self.spell(decision.target, decision.label), top=tuple(top.items()))

    def find_unavailable(self, requested: Mapping[str, str | None], queue: str | None) -> dict[str, str]:
        """The requested values that can't be written into a ticket of `queue`: field → reason.

        >>> catalogue = Catalogue({"IT": {}}, {"ann": ("HR",)})
        >>> catalogue.find_unavailable({"queue": "IT", "priority": "huge", "assignee": "ann"}, None)
        {'priority': "'huge' is not a priority here", 'assignee': "'ann' is not a present agent of 'IT'"}
        """
        reasons = {}
        for name, value in requested.items():
            if name == "queue" and value not in self.queues:
                reasons[name] = f"{'nothing' if value is None else repr(value)} is not an open queue"
            elif name == "priority" and value not in (None, *self.priorities):
                reasons[name] = f"{value!r} is not a priority here"
            elif name == "category" and value is not None and self.categories is not None:
                if value not in self.categories:
                    reasons[name] = f"{value!r} is not a category here"
            elif name == "assignee" and value is not None:
                destination = requested.get("queue") or queue or ""
                if not self.serves(value, destination):
                    reasons[name] = f"{value!r} is not a present agent of {destination!r}"
        return reasons

    def subset(self, queues: Collection[str], agents: Collection[str]) -> "Catalogue":
        """The catalogue of these queues in any spelling, their default assignees, and these agents only."""
        kept_queues = {name: self.queues[name] for name in select_spellings(self.queues, queues)}
        names = {*select_spellings(self.agents, agents)}
        names |= {values["assignee"] for values in kept_queues.values() if "assignee" in values}
        return replace(self, queues=kept_queues, agents={name: q for name, q in self.agents.items() if name in names})

    def exclude(self, queues: Collection[str], agents: Collection[str], categories: Collection[str]) -> "Catalogue":
        """The catalogue without these queues, agents and categories.

        >>> Catalogue({"IT": {}, "Fax": {}}, {"ann": ("IT",)}).exclude({"Fax"}, {"ann"}, ()).to_dict()
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
        """Whether a ticket of the queue may be assigned to the agent."""
        return queue in self.agents.get(agent, ())

    def to_dict(self) -> dict[str, Any]:
        """Queues and agents as values that JSON can represent; decisions store them so. `from_dict` reads them back.

        >>> Catalogue({"IT": {"priority": "low"}}, {"ann": ("IT",)}).to_dict()
        {'queues': {'IT': {'priority': 'low'}}, 'agents': {'ann': ['IT']}}
        """
        return {
            "queues": {name: dict(self.queues[name]) for name in sorted(self.queues)},
            "agents": {name: list(self.agents[name]) for name in sorted(self.agents)},
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Catalogue":
        """The catalogue that `to_dict` wrote."""
        return cls(dict(raw["queues"]), {name: tuple(queues) for name, queues in raw["agents"].items()})


def _without_assignee(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name != "assignee"}
