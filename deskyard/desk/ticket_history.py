"""A ticket's journey: every change of every field, by whom, when, from what, to what and why. Only ever added to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, bindparam, insert, select

from deskyard.db.tables.desk import JOURNEY

ActorKind = Literal["person", "machine", "rule"]

TAKEN_BACK: Final = "taken back"
"""Why a step was taken that only undoes the same person's last one: what stands then is no choice of theirs."""

NAMELESS: Final = "requester"
"""How a requester is called who gave no name, or whose name was erased."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person, a machine (a model, another program), or a rule of the desk."""

    kind: ActorKind
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one field; `decision` is the journal's number of the decision behind it, where there is one, and
    `undoes` that of the decision which it takes back."""

    at: datetime
    actor: Actor
    field: str
    was: str | None
    became: str | None
    why: str
    decision: int | None = None
    undoes: int | None = None


def take(conn: Connection, number: int, steps: Iterable[Step]) -> None:
    """Add steps to the journey of the ticket with that number."""
    take_all(conn, {number: steps})


def take_all(conn: Connection, journeys: Mapping[int, Iterable[Step]]) -> None:
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
        for number, steps in journeys.items()
        for step in steps
    ]
    if rows:
        conn.execute(_ADD, rows)


def of(conn: Connection, number: int) -> list[Step]:
    """What happened to a ticket, oldest first."""
    return [step(row) for row in conn.execute(_READ, {"number": number})]


def step(row: Row[Any]) -> Step:
    """A row of the table as a step."""
    actor = Actor(row.actor_kind, row.actor)
    return Step(row.at, actor, row.field, row.was, row.became, row.why, row.decision, row.undoes)


_ADD: Final = insert(JOURNEY)
_READ: Final = select(JOURNEY).where(JOURNEY.c.ticket_id == bindparam("number")).order_by(JOURNEY.c.id)
