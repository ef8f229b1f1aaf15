"""Load: who has how much to do, and how long that takes at the pace of the period."""

from dataclasses import dataclass
from math import inf
from statistics import median

from sqlalchemy import Connection, case, func, select

from deskyard.analytics.query import ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.db.tables.analytics import TICKET_FACTS


@dataclass(frozen=True, slots=True)
class AgentWorkload:
    """An agent ("": nobody): tickets that are unsolved now, whenever they came, and those of the period's that are
    solved. `days`: how long the unsolved take at that pace; None for who solved none."""

    agent: str
    unsolved: int
    solved: int
    days: float | None

    @property
    def sort_weight(self) -> float:
        """Days of work; no end of it for who has tickets and solves none."""
        return self.days if self.days is not None else inf if self.unsolved else 0.0


@dataclass(frozen=True, slots=True)
class Workload:
    """Everybody, who has most to do first; nobody's tickets last. `usual`: the days of work of who is in the middle."""

    agents: list[AgentWorkload]
    median_days: float | None

    @property
    def unsolved(self) -> int:
        """All of it."""
        return sum(one.unsolved for one in self.agents)

    @property
    def solved(self) -> int:
        """All of it."""
        return sum(one.solved for one in self.agents)

    @property
    def busiest_agent(self) -> AgentWorkload | None:
        """Who has most days of work; None where nobody has any."""
        busy = [one for one in self.agents if one.agent and one.unsolved]
        return max(busy, key=lambda one: (one.sort_weight, one.unsolved), default=None)


def measure_workload(conn: Connection, query: ReportQuery) -> Workload:
    """What everybody has."""
    facts = view_table(TICKET_FACTS, query)
    agent, solved_now = facts.c.assignee, func.sum(case((facts.c.solved, 1), else_=0))
    waiting = select(agent, func.count()).where(facts.c.solved.is_(False), *query.conditions(facts, any_day=True))
    done = select(agent, solved_now).where(
        *query.conditions(facts)
    )  # not by `solved`: the index by day is the better one
    unsolved, solved = (
        {name: int(n) for name, n in conn.execute(rows.group_by(agent)) if n} for rows in (waiting, done)
    )
    burdens = [
        AgentWorkload(
            name,
            unsolved.get(name, 0),
            solved.get(name, 0),
            unsolved.get(name, 0) * query.days / solved[name] if name and solved.get(name) else None,
        )
        for name in unsolved | solved
    ]
    burdens.sort(key=lambda one: (not one.agent, -one.sort_weight, -one.unsolved, -one.solved, one.agent))
    days = [one.days for one in burdens if one.days is not None]
    return Workload(burdens, median(days) if days else None)
