"""Makes the agents and requesters of the simulated desk. No address or phone number can be anybody's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from deskyard.simulate.rng import Rng

_SHIFTS: Final = ((range(5), 7, 16), (range(5), 9, 18), (range(5), 11, 20), (range(1, 6), 13, 22), (range(2, 7), 8, 20))
"""(weekdays, first hour, hour after the last), in the desk's time zone."""


@dataclass(frozen=True, slots=True, eq=False)
class Agent:
    """An agent; `skills` are queues with a level from 1 to 3, times are UTC, `left` is None for those still there."""

    login: str
    skills: Mapping[str, int]
    weekdays: tuple[int, ...]
    hours: tuple[int, int]
    joined: datetime
    left: datetime | None
    absences: tuple[tuple[datetime, datetime], ...]

    def is_available(self, at: datetime) -> bool:
        """Whether the agent works at the desk at `at` and is not on leave."""
        if at < self.joined or (self.left is not None and at >= self.left):
            return False
        return all(not begin <= at < end for begin, end in self.absences)

    def on_shift(self, weekday: int, hour: int) -> bool:
        """Whether the weekday (0 is Monday) and hour, in the desk's time zone, are in the agent's shift."""
        return weekday in self.weekdays and self.hours[0] <= hour < self.hours[1]


@dataclass(frozen=True, slots=True)
class Requester:
    """A person who writes tickets; the mail address is at example.com or example.org, which belong to nobody."""

    name: str
    mail: str
    phone: str
    organisation: str
    language: str


def make_agents(logins: list[str], queues: tuple[str, ...], start: datetime, days: int, rng: Rng) -> tuple[Agent, ...]:
    """Twenty agents, two for each home queue. Three join and three leave, never both of one queue, and the two agents
    of a queue take leave in different halves: every queue always has somebody with the skill.
    """
    order = sorted(range(len(queues)), key=lambda _: rng.uniform())
    joins, leaves = set(order[:3]), set(order[3:6])
    agents = []
    for number, login in enumerate(logins):
        home = number % len(queues)
        second = number >= len(queues)
        skills = {queues[home]: 3}
        for _ in range(1 + rng.integer(2)):
            skills.setdefault(rng.pick(queues), 1 + rng.integer(2))
        weekdays, first, last = _SHIFTS[rng.integer(3) if not second else rng.integer(len(_SHIFTS))]
        joined, left = start - timedelta(days=30 + rng.integer(900)), None
        if second and home in joins:
            joined = _moment_at(start, days * (0.15 + 0.45 * rng.uniform()), 6)
        if second and home in leaves:
            left = _moment_at(start, days * (0.4 + 0.45 * rng.uniform()), 15)
        absences: list[tuple[datetime, datetime]] = []
        for _ in range(1 + rng.integer(2)):
            share, length = rng.uniform(), days * (0.03 + 0.05 * rng.uniform())
            if second or home not in joins | leaves:
                begin = _moment_at(start, days * ((0.55 if second else 0.0) + 0.4 * share), 0)
                absences.append((begin, begin + timedelta(days=int(length))))
        agents.append(Agent(login, skills, tuple(weekdays), (first, last), joined, left, tuple(absences)))
    return tuple(agents)


def _moment_at(start: datetime, days: float, hour: int) -> datetime:
    return start + timedelta(days=int(days), hours=hour)


def make_requesters(raw: dict[str, Any], language: str, rng: Rng) -> tuple[Requester, ...]:
    """240 requesters for English and Russian, 40 for any other language."""
    people, organisations = raw["people"], raw["organisations"][language]
    requesters = []
    for number in range(240 if language in ("en", "ru") else 40):
        first = rng.pick(people["first"][language])
        male = first in people["male"].get(language, ())
        last = rng.pick(people["last_male" if male else "last"][language])
        pattern = people["phone"][language]
        phone = "".join(str(rng.integer(10)) if character == "#" else character for character in pattern)
        mail = f"{language}.user{number:03d}@example.{'com' if number % 3 else 'org'}"
        requesters.append(Requester(f"{first} {last}", mail, phone, rng.pick(organisations), language))
    return tuple(requesters)
