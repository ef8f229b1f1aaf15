"""Simulates the way of a ticket: the queues that a misrouted one went through, and the times of response and solution.

Moves are made only by agents who work at the desk at that time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from deskyard.simulate.rng import Rng
from deskyard.simulate.scenario import Scenario, SimulatedDesk

DISPATCHER: Final = "dispatcher"
_RESPONSE_MINUTES: Final = {"low": 300.0, "medium": 120.0, "high": 35.0, "critical": 12.0}
_SOLUTION_HOURS: Final = {"low": 40.0, "medium": 20.0, "high": 8.0, "critical": 3.0}
_CONFUSED_SHARE: Final = 0.6
"""The probability that a wrong queue is one with similar issues; else it is any."""


@dataclass(frozen=True, slots=True)
class Move:
    """A change of a field by an agent (login) or the `dispatcher`; `before` is empty for the first routing."""

    id: str
    at: datetime
    actor: str
    field: str
    before: str
    after: str


def simulate_moves(
    desk: SimulatedDesk, name: str, at: datetime, scenario: Scenario, final: str, rng: Rng
) -> tuple[Move, ...]:
    """The moves of a misrouted ticket: one or two wrong queues, then `final`."""
    alike = sorted(
        {desk.scenarios[key].queue for group in scenario.groups for key in desk.groups[group]} - {final},
        key=desk.queues.index,
    )
    moves: list[Move] = []
    before, actor, when = "", DISPATCHER, at + timedelta(seconds=60 + rng.integer(1200))
    wrong_turns = 1 if rng.chance(0.75) else 2
    for _ in range(wrong_turns):
        choices = alike if alike and rng.chance(_CONFUSED_SHARE) else desk.queues
        after = rng.pick(
            [queue for queue in choices if queue not in (final, before)] or _other_queues(desk, final, before)
        )
        moves.append(Move(name, when, actor, "queue", before, after))
        when += timedelta(seconds=int(3600 * rng.lognormal(2.0, 0.8)))
        before = after
        actor = DISPATCHER if rng.chance(0.2) else _draw_agent(desk, before, when, rng)
    moves.append(Move(name, when, actor, "queue", before, final))
    return tuple(moves)


def simulate_times(
    desk: SimulatedDesk, at: datetime, priority: str, moves: tuple[Move, ...], rng: Rng
) -> tuple[datetime, datetime]:
    """The times of first response and resolution; unless the ticket is critical, both wait for working hours."""
    begin = at if priority == "critical" else _next_working_time(desk, at)
    response = begin + timedelta(seconds=30 + int(60 * rng.lognormal(_RESPONSE_MINUTES[priority], 0.7)))
    arrived = max([response, *(move.at for move in moves)])
    return response, arrived + timedelta(seconds=60 + int(3600 * rng.lognormal(_SOLUTION_HOURS[priority], 0.8)))


def _other_queues(desk: SimulatedDesk, final: str, before: str) -> list[str]:
    return [queue for queue in desk.queues if queue not in (final, before)]


def _draw_agent(desk: SimulatedDesk, queue: str, at: datetime, rng: Rng) -> str:
    """An agent who may take a ticket of `queue` at `at`."""
    return rng.pick(list(desk.assignee_probabilities(queue, at, "")))


def _next_working_time(desk: SimulatedDesk, at: datetime) -> datetime:
    """`at` itself in working hours (8 to 20, Monday to Friday), else the next morning at 8."""
    local = at.astimezone(desk.zone)
    if local.weekday() < 5 and 8 <= local.hour < 20:
        return at
    if local.hour >= 8:
        local += timedelta(days=1)
    local = local.replace(hour=8, minute=0, second=0)
    while local.weekday() >= 5:
        local += timedelta(days=1)
    return local.astimezone(at.tzinfo)
