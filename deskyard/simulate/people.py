"""People: the agents who answer and the requesters who ask, all made up.

In: lists of names, the span of the history, Dice. Out: twenty agents with skills, shifts and times; requesters.
Never: an address or a number that could be somebody's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from deskyard.simulate.rng import Rng

_SHIFTS: Final = ((range(5), 7, 16), (range(5), 9, 18), (range(5), 11, 20), (range(1, 6), 13, 22), (range(2, 7), 8, 20))
"""(weekdays, first hour, hour after the last), in the desk's own time."""


@dataclass(frozen=True, slots=True, eq=False)
class Agent:
    """One of the twenty; `skills` are queues with a level 1..3, times are UTC, `left` None means still here."""

    login: str
    skills: Mapping[str, int]
    weekdays: tuple[int, ...]
    hours: tuple[int, int]
    joined: datetime
    left: datetime | None
    absences: tuple[tuple[datetime, datetime], ...]

    def is_available(self, at: datetime) -> bool:
        """Whether the agent is with the desk at `at` and not on leave."""
        if at < self.joined or (self.left is not None and at >= self.left):
            return False
        return all(not begin <= at < end for begin, end in self.absences)

    def on_shift(self, weekday: int, hour: int) -> bool:
        """Whether the weekday (0 is Monday) and hour of the desk's own time are in the shift."""
        return weekday in self.weekdays and self.hours[0] <= hour < self.hours[1]


@dataclass(frozen=True, slots=True)
class Requester:
    """Somebody who writes tickets; the address is at example.com or example.org, which belong to nobody."""

    name: str
    mail: str
    phone: str
    organisation: str
    language: str


def make_agents(logins: list[str], queues: tuple[str, ...], start: datetime, days: int, dice: Rng) -> tuple[Agent, ...]:
    """Twenty agents, two a queue at home; three join and three leave, never both of one queue, and the two of a queue
    take their leave in different halves: every queue always has somebody with the skill.
    """
    order = sorted(range(len(queues)), key=lambda _: dice.uniform())
    joins, leaves = set(order[:3]), set(order[3:6])
    agents = []
    for number, login in enumerate(logins):
        home = number % len(queues)
        second = number >= len(queues)
        skills = {queues[home]: 3}
        for _ in range(1 + dice.integer(2)):
            skills.setdefault(dice.pick(queues), 1 + dice.integer(2))
        weekdays, first, last = _SHIFTS[dice.integer(3) if not second else dice.integer(len(_SHIFTS))]
        joined, left = start - timedelta(days=30 + dice.integer(900)), None
        if second and home in joins:
            joined = _moment_at(start, days * (0.15 + 0.45 * dice.uniform()), 6)
        if second and home in leaves:
            left = _moment_at(start, days * (0.4 + 0.45 * dice.uniform()), 15)
        absences: list[tuple[datetime, datetime]] = []
        for _ in range(1 + dice.integer(2)):
            share, length = dice.uniform(), days * (0.03 + 0.05 * dice.uniform())
            if second or home not in joins | leaves:
                begin = _moment_at(start, days * ((0.55 if second else 0.0) + 0.4 * share), 0)
                absences.append((begin, begin + timedelta(days=int(length))))
        agents.append(Agent(login, skills, tuple(weekdays), (first, last), joined, left, tuple(absences)))
    return tuple(agents)


def _moment_at(start: datetime, days: float, hour: int) -> datetime:
    return start + timedelta(days=int(days), hours=hour)


def make_requesters(raw: dict[str, Any], language: str, dice: Rng) -> tuple[Requester, ...]:
    """240 people of English and Russian each, 40 of each other language."""
    people, organisations = raw["people"], raw["organisations"][language]
    made = []
    for number in range(240 if language in ("en", "ru") else 40):
        first = dice.pick(people["first"][language])
        male = first in people["male"].get(language, ())
        last = dice.pick(people["last_male" if male else "last"][language])
        digits = "".join(str(dice.integer(10)) if mark == "#" else mark for mark in people["phone"][language])
        mail = f"{language}.user{number:03d}@example.{'com' if number % 3 else 'org'}"
        made.append(Requester(f"{first} {last}", mail, digits, dice.pick(organisations), language))
    return tuple(made)
