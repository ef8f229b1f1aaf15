"""Changes of a ticket: who may change what, and the rules of the desk that follow.

A machine does not overwrite a person's choice, and nobody overwrites a change that they have not seen. The desk's own
rules apply in the same transaction: a queue's defaults, and no assignee who does not serve the queue.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, get_args

from sqlalchemy import Connection, select, update

from deskyard.db.tables.desk import QUEUES, TICKET_HISTORY, TICKETS
from deskyard.desk import catalogue, ticket_history, tickets
from deskyard.desk.ticket_history import HistoryStep
from deskyard.desk.tickets import DeskTicket
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.status import Status, is_solved
from deskyard.domain.ticket import PRIORITIES
from deskyard.errors import StaleVersion, StoreConflict, StoreRefused

CHANGEABLE_FIELDS: Final = ("queue", "category", "priority", "assignee", "status")
STATUSES: Final[tuple[Status, ...]] = get_args(Status)

MAX_CATEGORY_LENGTH: Final = 200
"""Maximum length of a category."""


def change_ticket(
    conn: Connection,
    number: int,
    requested: Mapping[str, str | None],
    actor: Actor,
    *,
    at: datetime,
    why: str = "",
    decision: int | None = None,
    undoes: int | None = None,
    expected_version: int | None = None,
) -> list[HistoryStep]:
    """Set `CHANGEABLE_FIELDS` of a ticket; returns the steps taken, none where all values are set already.

    `decision`: the number of the decision behind the change; `undoes`: that of the decision that it reverts.
    `expected_version` is the version that the change is based on (None: any). Raises NotFound for an unknown ticket,
    StaleVersion when its version is another, StoreConflict when a machine would overrule a person, StoreRefused for a
    value that the desk does not have. Then nothing was written.
    """
    now = tickets.get_ticket(conn, number, for_update=True)
    if expected_version is not None and expected_version != now.version:
        raise StaleVersion(f"ticket {number} was changed meanwhile: look at it again, then decide")
    requested = spell_values(conn, now, requested)
    changed = {field: value for field, value in requested.items() if value != now.value(field)}
    people = load_human_steps(conn, number) if actor.kind != "person" else {}
    if actor.kind != "person":
        _refuse_overruling_people(now, changed, people)
    queue = changed.get("queue") or now.queue
    available = catalogue.load_catalogue(conn, {queue}, {a for a in (changed.get("assignee"), now.assignee) if a})
    # Where a ticket moves, all requested values are checked against the new queue, also unchanged ones.
    for field, value in (requested if "queue" in changed else changed).items():
        _refuse_unavailable(field, value, queue, available)
    by_rule = dict(_follow_up_changes(now, requested, queue, available, people)) if "queue" in changed else {}
    steps = [
        HistoryStep(at, actor, field, now.value(field), value, why, decision, undoes)
        for field, value in changed.items()
    ]
    steps += [
        HistoryStep(at, Actor("rule", "desk"), field, now.value(field), value, reason)
        for field, (value, reason) in by_rule.items()
    ]
    if steps:
        set_values(conn, now, {step.field: step.became for step in steps}, at)
        ticket_history.add_steps(conn, number, steps)
    return steps


def spell_values(conn: Connection, ticket: DeskTicket, requested: Mapping[str, str | None]) -> dict[str, str | None]:
    """The requested values with the desk's own names of queues and agents; values that the ticket has stay."""
    new = {field: value for field, value in requested.items() if value and value != ticket.value(field)}
    queues, names = ({new[field]} if field in new else () for field in ("queue", "assignee"))
    available = catalogue.load_catalogue(conn, queues, names) if queues or names else Catalogue()
    return {field: available.spell(field, new[field]) if field in new else requested[field] for field in requested}


def set_values(conn: Connection, ticket: DeskTicket, values: Mapping[str, Any], at: datetime) -> None:
    """Write values of a locked ticket without any checks, and increment its version."""
    row = {("queue_id" if field == "queue" else field): value for field, value in values.items()}
    if "queue" in values:
        row["queue_id"] = select(QUEUES.c.id).where(QUEUES.c.name == values["queue"]).scalar_subquery()
    conn.execute(
        update(TICKETS).where(TICKETS.c.id == ticket.id).values(**row, version=ticket.version + 1, updated_at=at)
    )


def load_human_steps(conn: Connection, number: int) -> dict[str, list[HistoryStep]]:
    """Field → the steps that people took, oldest first."""
    rows = conn.execute(
        select(TICKET_HISTORY)
        .where(TICKET_HISTORY.c.ticket_id == number, TICKET_HISTORY.c.actor_kind == "person")
        .order_by(TICKET_HISTORY.c.id)
    )
    found: dict[str, list[HistoryStep]] = {}
    for row in rows:
        found.setdefault(row.field, []).append(ticket_history.to_step(row))
    return found


def _refuse_overruling_people(
    ticket: DeskTicket, changed: Mapping[str, str | None], people: Mapping[str, list[HistoryStep]]
) -> None:
    """Raise StoreConflict where a person has set the field, or the ticket is solved."""
    if changed and is_solved(ticket.status):
        raise StoreConflict(f"ticket {ticket.id} is {ticket.status}: only people can change it now")
    for field in changed:
        if field in people:
            raise _human_conflict(people[field][-1])
    if changed.get("queue") in {step.was for step in people.get("queue", ())}:
        raise StoreConflict(f"people moved this ticket out of {changed['queue']!r}: only people can move it back")


def _human_conflict(step: HistoryStep) -> StoreConflict:
    return StoreConflict(
        f"{step.actor.name} set {step.field} to {_format_value(step.became)}: a person's choice is not overwritten"
    )


def _refuse_unavailable(field: str, value: str | None, queue: str, catalogue: Catalogue) -> None:
    """Raise StoreRefused for a value that this desk does not have now."""
    if field == "queue" and (value is None or value not in catalogue.queues):
        raise StoreRefused(field, f"{_format_value(value)} is not an open queue of this desk; /v1/queues lists them")
    if field == "status" and value not in STATUSES:
        raise StoreRefused(field, f"{_format_value(value)} is not a status; choose from {', '.join(STATUSES)}")
    if value is None:
        return
    if field == "priority" and value not in PRIORITIES:
        raise StoreRefused(field, f"{value!r} is not a priority; choose from {', '.join(PRIORITIES)}")
    if field == "category" and not (value.strip() and len(value) <= MAX_CATEGORY_LENGTH):
        raise StoreRefused(field, f"a category must have 1 to {MAX_CATEGORY_LENGTH} characters")
    if field == "assignee" and not catalogue.serves(value, queue):
        raise StoreRefused(field, f"{value!r} is not a present agent of {queue!r}; /v1/agents lists who serves which")


def _follow_up_changes(
    ticket: DeskTicket,
    requested: Mapping[str, str | None],
    queue: str,
    catalogue: Catalogue,
    people: Mapping[str, list[HistoryStep]],
) -> Iterator[tuple[str, tuple[str | None, str]]]:
    """The changes that follow from a move: (field, (value, reason)). Raises StoreConflict where a machine's move would
    remove an assignee set by a person; fields that people emptied stay empty."""
    default = catalogue.queues[queue]
    if "assignee" not in requested and ticket.assignee and not catalogue.serves(ticket.assignee, queue):
        if "assignee" in people:
            raise _human_conflict(people["assignee"][-1])
        yield "assignee", (default.get("assignee"), f"{ticket.assignee!r} does not serve {queue!r}")
    elif "assignee" not in {*requested, *people} and not ticket.assignee and "assignee" in default:
        yield "assignee", (default["assignee"], f"the default of {queue!r}")
    if "priority" not in {*requested, *people} and not ticket.priority and "priority" in default:
        yield "priority", (default["priority"], f"the default of {queue!r}")


def _format_value(value: str | None) -> str:
    return "nothing" if value is None else repr(value)
