"""The desk of a `world_seed`: scenarios with their shares, agents with skills, shifts and absences, and requesters.

It is built from desk.toml. Nothing here depends on the seed of the tickets, so that a history and a stream come from
the same desk.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import Any, Final

from deskyard.simulate.people import Agent, make_agents, make_requesters
from deskyard.simulate.phrases import LANGUAGES
from deskyard.simulate.rng import Distribution, Rng
from deskyard.simulate.settings import SimulationSettings

_KEEP_ASSIGNEE: Final = 0.55
"""The probability that a requester's last agent also takes the next ticket, if present and skilled."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of issue; it has exactly one category and one queue."""

    key: str
    category: str
    queue: str
    share: float
    severity: float
    products: tuple[str, ...]
    groups: tuple[str, ...]


class SimulatedDesk:
    """The simulated desk of `settings.world_seed`.

    >>> desk = SimulatedDesk(SimulationSettings())
    >>> len(desk.agents), len(desk.queues) >= 8, len(desk.categories) >= 20
    (20, True, True)
    """

    def __init__(self, settings: SimulationSettings) -> None:
        """Build the desk; the same world seed, start and days give the same desk."""
        raw = _load_config()
        rng = Rng(f"desk/{settings.world_seed}")
        self.zone = timezone(timedelta(hours=raw["utc_offset_hours"]))
        self.start = settings.start
        self.end = settings.start + timedelta(days=settings.days)
        self.products: tuple[str, ...] = tuple(raw["products"])
        self.vip = frozenset[str](raw["vip"]["organisations"])
        self.scenarios = _load_scenarios(raw, rng)
        self.unclear: str = raw["unclear"]
        self.groups: Mapping[str, tuple[str, ...]] = {name: tuple(keys) for name, keys in raw["group"].items()}
        self.queues = tuple(dict.fromkeys(scenario.queue for scenario in self.scenarios.values()))
        self.rename: Mapping[str, str] = raw["rename"]
        self.renamed_at = self.start + (self.end - self.start) / 2 if settings.rename else None
        self.categories = tuple(scenario.category for scenario in self.scenarios.values())
        self.burst_scenarios: tuple[str, ...] = tuple(raw["burst"]["scenarios"])
        clear = [scenario for scenario in self.scenarios.values() if scenario.share > 0]
        self.prior = Distribution([scenario.key for scenario in clear], [scenario.share for scenario in clear])
        self.agents = make_agents(raw["people"]["logins"], self.queues, self.start, settings.days, rng)
        self._cached_at: datetime | None = None
        self._answer: tuple[list[Agent], list[Agent]] = ([], [])
        self.requesters = {language: make_requesters(raw, language, rng) for language in LANGUAGES}

    def category_name(self, scenario: str, at: datetime) -> str:
        """The name that the scenario's category had at `at`."""
        if self.renamed_at is not None and at < self.renamed_at and scenario == self.rename["scenario"]:
            return self.rename["old"]
        return self.scenarios[scenario].category

    def assignee_probabilities(self, queue: str, at: datetime, last: str) -> dict[str, float]:
        """Who takes a ticket of `queue` that is filed at `at`: login → probability, summing to 1.

        Skilled agents on shift; if there are none, skilled agents who are available; else any available agent. `last`
        (a login or "") is the requester's last agent, who takes the ticket about half of the time.
        """
        here, working = self._agents_present(at)
        skilled = [agent for agent in here if queue in agent.skills] or here
        takers = [agent for agent in skilled if agent in working] or skilled
        total = sum(agent.skills.get(queue, 1) ** 2 for agent in takers)
        odds = {agent.login: agent.skills.get(queue, 1) ** 2 / total for agent in takers}
        if any(agent.login == last for agent in skilled):
            odds = {login: (1 - _KEEP_ASSIGNEE) * share for login, share in odds.items()}
            odds[last] = odds.get(last, 0.0) + _KEEP_ASSIGNEE
        return odds

    def _agents_present(self, at: datetime) -> tuple[list[Agent], list[Agent]]:
        """The agents available at `at`, and those of them on shift. Cached, since a ticket asks several times."""
        if at != self._cached_at:
            local = at.astimezone(self.zone)
            weekday, hour = local.weekday(), local.hour
            here = [agent for agent in self.agents if agent.is_available(at)]
            self._cached_at, self._answer = at, (here, [agent for agent in here if agent.on_shift(weekday, hour)])
        return self._answer


@cache
def _load_config() -> dict[str, Any]:
    return tomllib.loads(files("deskyard.simulate").joinpath("desk.toml").read_text(encoding="utf-8"))


def _load_scenarios(raw: dict[str, Any], rng: Rng) -> dict[str, Scenario]:
    """The scenarios, with shares that vary a little by the world seed."""
    scenarios = {}
    for key, row in raw["scenario"].items():
        groups = tuple(name for name, members in raw["group"].items() if key in members)
        share = row["share"] * rng.lognormal(1.0, 0.15)
        scenarios[key] = Scenario(
            key, row["category"], row["queue"], share, row["severity"], tuple(row["products"]), groups
        )
    return scenarios
