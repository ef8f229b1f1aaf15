"""Turns of the taxonomy on a desk: written into the policy, and what people have to choose after a split.

In come sessions, whose owner commits; out go versions of the policy and tasks. No ticket is moved: those that stand in
a queue or bear a label keep it until a person says otherwise.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, exists, func, select

from deskyard.db.tables.base import storable
from deskyard.db.tables.desk import JOURNEY, QUEUES, TICKETS
from deskyard.desk import agents, queues
from deskyard.desk.ticket_history import Actor
from deskyard.desk.tickets import READ, Filed, filed
from deskyard.domain import taxonomy
from deskyard.domain.taxonomy import Turn
from deskyard.errors import BadInput
from deskyard.journal import audit_log
from deskyard.policy.versions import Policies, Version

PAGE: Final = 20
"""Tickets of a task that are shown, unless more are asked for."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a split leaves to people: its turn, the newest tickets that still bear the old label, how many do, and how
    often people have chosen each of the new ones since."""

    turn: Turn
    tickets: tuple[Filed, ...]
    waiting: int
    chosen: dict[str, int]


def put(conn: Connection, turn: Turn, actor: Actor, at: datetime, why: str = "") -> Version:
    """Write a turn into the policy, and note who and why. Raises BadInput where it contradicts those before it.

    The queues that it names are made where the desk does not have them, and those who serve the old ones serve them.
    """
    turn = replace(turn, labels=tuple(map(storable, turn.labels)), to=tuple(map(storable, turn.to)))
    now = Policies.current(conn)
    if turn in now.policy.taxonomy:
        return now
    turns = taxonomy.ordered([*now.policy.taxonomy, turn])
    if found := taxonomy.wrong(turns):
        raise BadInput(found[1])
    version = Policies.put(conn, replace(now.policy, taxonomy=turns), actor.name, at)
    told = f"version {version.number}: {turn.target} {turn.told}"
    audit_log.note(conn, actor, "policy.put", f"{told}; {why}" if why else told, at)
    if turn.target == "queue":
        queues.ensure(conn, turn.to)
        _serve(conn, turn.labels, turn.to)
    return version


def tasks(conn: Connection, day: date, n: int = PAGE) -> list[Task]:
    """What the splits up to a day leave to people, oldest first, each with its newest `n` tickets."""
    held = Policies.current(conn).policy.taxonomy
    return [_task(conn, turn, n) for turn in held if turn.kind == "split" and turn.on <= day]


def _serve(conn: Connection, old: Collection[str], new: Collection[str]) -> None:
    for name, served in agents.served(conn, None).items():
        agent = agents.find(conn, name)
        if agent is not None and set(served) & set(old) and not set(new) <= set(served):
            agents.put(conn, name, present=agent.present, queues={*served, *new})


def _task(conn: Connection, turn: Turn, n: int) -> Task:
    waits = _bears(turn)
    newest = READ.where(waits).order_by(TICKETS.c.id.desc()).limit(n)
    count = select(func.count()).select_from(TICKETS.join(QUEUES, QUEUES.c.id == TICKETS.c.queue_id)).where(waits)
    steps = select(JOURNEY.c.became, func.count(JOURNEY.c.ticket_id.distinct()))
    chosen = conn.execute(steps.where(_said(turn), JOURNEY.c.became.in_(turn.to)).group_by(JOURNEY.c.became))
    return Task(
        turn,
        tuple(filed(row) for row in conn.execute(newest)),
        int(conn.scalar(count) or 0),
        dict.fromkeys(turn.to, 0) | {row[0]: int(row[1]) for row in chosen},
    )


def _bears(turn: Turn) -> ColumnElement[bool]:
    """Tickets that bear the label that was split, unless somebody has chosen it anew since."""
    label = turn.labels[0]
    mine: ColumnElement[bool] = (QUEUES.c.name if turn.target == "queue" else TICKETS.c[turn.target]) == label
    if label not in turn.to:
        return mine
    return mine & ~exists().where(JOURNEY.c.ticket_id == TICKETS.c.id, _said(turn), JOURNEY.c.became == label)


def _said(turn: Turn) -> Any:
    """Steps by which people have chosen since the day of a turn."""
    since = datetime.combine(turn.on, time(), UTC)
    return (JOURNEY.c.field == turn.target) & (JOURNEY.c.actor_kind == "person") & (JOURNEY.c.at >= since)
