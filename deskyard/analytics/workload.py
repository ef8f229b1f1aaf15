"""Workload of agents: their unsolved tickets, and the days that these take at the pace of the period."""

from dataclasses import dataclass
from math import inf
from statistics import median

from sqlalchemy import Connection, case, func, select

from deskyard.analytics.query import ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.db.tables.analytics import TICKET_FACTS


@dataclass(frozen=True, slots=True)
class AgentWorkload:
    """An agent ("": unassigned): all tickets that are unsolved now, and the solved ones of the period. `days`: the
    days that the unsolved ones take at that pace; None where none was solved."""

    agent: str
    unsolved: int
    solved: int
    days: float | None

    @property
    def sort_weight(self) -> float:
        """Days of work; infinite with unsolved tickets where none was solved."""
        return self.days if self.days is not None else inf if self.unsolved else 0.0


@dataclass(frozen=True, slots=True)
class Workload:
    """Agents, most days of work first, unassigned tickets last; `median_days`: the median of their days of work."""

    agents: list[AgentWorkload]
    median_days: float | None

    @property
    def unsolved(self) -> int:
        """Unsolved tickets of all."""
        return sum(one.unsolved for one in self.agents)

    @property
    def solved(self) -> int:
        """Solved tickets of all."""
        return sum(one.solved for one in self.agents)

    @property
    def busiest_agent(self) -> AgentWorkload | None:
        """The agent with most days of work; None where nobody has unsolved tickets."""
        busy = [one for one in self.agents if one.agent and one.unsolved]
        return max(busy, key=lambda one: (one.sort_weight, one.unsolved), default=None)


def measure_workload(conn: Connection, query: ReportQuery) -> Workload:
    """The workload of the query's agents."""
    facts = view_table(TICKET_FACTS, query)
    agent, solved_now = facts.c.assignee, func.sum(case((facts.c.solved, 1), else_=0))
    unsolved_rows = select(agent, func.count()).where(facts.c.solved.is_(False), *query.conditions(facts, any_day=True))
    solved_rows = select(agent, solved_now).where(
        *query.conditions(facts)
    )  # not by `solved`: the index by day is the better one
    unsolved, solved = (
        {name: int(n) for name, n in conn.execute(rows.group_by(agent)) if n} for rows in (unsolved_rows, solved_rows)
    )
    workloads = [
        AgentWorkload(
            name,
            unsolved.get(name, 0),
            solved.get(name, 0),
            unsolved.get(name, 0) * query.days / solved[name] if name and solved.get(name) else None,
        )
        for name in unsolved | solved
    ]
    workloads.sort(key=lambda one: (not one.agent, -one.sort_weight, -one.unsolved, -one.solved, one.agent))
    days = [one.days for one in workloads if one.days is not None]
    return Workload(workloads, median(days) if days else None)
