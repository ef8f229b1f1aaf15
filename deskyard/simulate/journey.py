"""Journey: where a misrouted ticket went before it arrived, and how long everything took.

In: the desk, a ticket's moment, its scenario and its final queue. Out: moves in order of time, and two moments.
Never: a move by somebody who was not with the desk at that time.
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
"""How often a wrong queue is one whose troubles sound alike; else it is any."""


@dataclass(frozen=True, slots=True)
class Move:
    """One change of a field: by an agent's login or `dispatcher`; `before` is empty at the first routing."""

    id: str
    at: datetime
    actor: str
    field: str
    before: str
    after: str


def simulate_moves(
    desk: SimulatedDesk, name: str, at: datetime, scenario: Scenario, final: str, dice: Rng
) -> tuple[Move, ...]:
    """First a wrong queue, then one or two bounces, the last of them into `final`."""
    alike = sorted(
        {desk.scenarios[key].queue for group in scenario.groups for key in desk.groups[group]} - {final},
        key=desk.queues.index,
    )
    moves: list[Move] = []
    before, actor, when = "", DISPATCHER, at + timedelta(seconds=60 + dice.integer(1200))
    wrong_turns = 1 if dice.chance(0.75) else 2
    for _ in range(wrong_turns):
        choices = alike if alike and dice.chance(_CONFUSED_SHARE) else desk.queues
        after = dice.pick(
            [queue for queue in choices if queue not in (final, before)] or _other_queues(desk, final, before)
        )
        moves.append(Move(name, when, actor, "queue", before, after))
        when += timedelta(seconds=int(3600 * dice.lognormal(2.0, 0.8)))
        before = after
        actor = DISPATCHER if dice.chance(0.2) else _draw_agent(desk, before, when, dice)
    moves.append(Move(name, when, actor, "queue", before, final))
    return tuple(moves)


def simulate_times(
    desk: SimulatedDesk, at: datetime, priority: str, moves: tuple[Move, ...], dice: Rng
) -> tuple[datetime, datetime]:
    """First response and resolution; both wait for the desk's morning unless the ticket is critical."""
    begin = at if priority == "critical" else _next_working_time(desk, at)
    response = begin + timedelta(seconds=30 + int(60 * dice.lognormal(_RESPONSE_MINUTES[priority], 0.7)))
    arrived = max([response, *(move.at for move in moves)])
    return response, arrived + timedelta(seconds=60 + int(3600 * dice.lognormal(_SOLUTION_HOURS[priority], 0.8)))


def _other_queues(desk: SimulatedDesk, final: str, before: str) -> list[str]:
    return [queue for queue in desk.queues if queue not in (final, before)]


def _draw_agent(desk: SimulatedDesk, queue: str, at: datetime, dice: Rng) -> str:
    """An agent who is with the desk at `at`, of `queue` if there is one."""
    return dice.pick(list(desk.assignee_probabilities(queue, at, "")))


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
