"""The history of a ticket: every change of a field, with actor, time, old and new value and reason. Only added to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select

from deskyard.db.tables.desk import TICKET_HISTORY
from deskyard.domain.actors import Actor

TAKEN_BACK: Final = "taken back"
"""The reason of a step that reverts the same person's last one: its value is not a choice of that person."""


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One change of one field; `decision` is the journal's number of the decision behind it, where there is one, and
    `undoes` that of the decision that it reverts."""

    at: datetime
    actor: Actor
    field: str
    was: str | None
    became: str | None
    why: str
    decision: int | None = None
    undoes: int | None = None


def add_steps(conn: Connection, number: int, steps: Iterable[HistoryStep]) -> None:
    """Add steps to the history of the ticket with that number."""
    add_steps_by_ticket(conn, {number: steps})


def add_steps_by_ticket(conn: Connection, histories: Mapping[int, Iterable[HistoryStep]]) -> None:
    """The same for several tickets at once: number → steps."""
    rows = [
        {
            "ticket_id": number,
            "at": step.at,
            "actor_kind": step.actor.kind,
            "actor": step.actor.name,
            "field": step.field,
            "was": step.was,
            "became": step.became,
            "why": step.why,
            "decision": step.decision,
            "undoes": step.undoes,
        }
        for number, steps in histories.items()
        for step in steps
    ]
    if rows:
        conn.execute(_ADD, rows)


def list_steps(conn: Connection, number: int) -> list[HistoryStep]:
    """The steps of a ticket, oldest first."""
    return [to_step(row) for row in conn.execute(_READ, {"number": number})]


def to_step(row: Row[Any]) -> HistoryStep:
    """A row of the table as a step."""
    actor = Actor(row.actor_kind, row.actor)
    return HistoryStep(row.at, actor, row.field, row.was, row.became, row.why, row.decision, row.undoes)


_ADD: Final = insert(TICKET_HISTORY)
_READ: Final = (
    select(TICKET_HISTORY).where(TICKET_HISTORY.c.ticket_id == bindparam("number")).order_by(TICKET_HISTORY.c.id)
)
