"""Changes of a ticket, and who wins: a person's word stands against any machine's, and nobody overwrites unseen.

In come the fields that somebody wants changed; out go the steps of the journey that were taken. The desk's own rules
follow in the same transaction: a queue's defaults, and no assignee who does not serve the queue.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, get_args

from sqlalchemy import Connection, select, update

from deskyard.db.tables.desk import JOURNEY, QUEUES, TICKETS
from deskyard.desk import catalogue, ticket_history, tickets
from deskyard.desk.ticket_history import Actor, Step
from deskyard.desk.tickets import Filed
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.status import Status, is_solved
from deskyard.domain.ticket import PRIORITIES
from deskyard.errors import Stale, StoreConflict, StoreRefused

FIELDS: Final = ("queue", "category", "priority", "assignee", "status")
STATUSES: Final[tuple[Status, ...]] = get_args(Status)

LONGEST: Final = 200
"""Characters of a category."""


def change(
    conn: Connection,
    number: int,
    wanted: Mapping[str, str | None],
    actor: Actor,
    *,
    at: datetime,
    why: str = "",
    decision: int | None = None,
    undoes: int | None = None,
    seen: int | None = None,
) -> list[Step]:
    """Set `FIELDS` of a ticket; returns the steps taken, none where everything stands so already.

    `decision`: the number of the decision behind it; `undoes`: of the decision that it takes back. `seen` is the
    version that the change is based on (None: whatever stands there). Raises NotThere for an unknown ticket; Stale when
    it is no longer as seen; StoreConflict when a machine would overrule a person; StoreRefused for a value that the
    desk does not have. Then nothing was written.
    """
    now = tickets.get(conn, number, to_change=True)
    if seen is not None and seen != now.version:
        raise Stale(f"ticket {number} was changed meanwhile: look at it again, then decide")
    changed = {field: value for field, value in wanted.items() if value != now.value(field)}
    people = by_people(conn, number) if actor.kind != "person" else {}
    if actor.kind != "person":
        _let_people_win(now, changed, people)
    queue = changed.get("queue") or now.queue
    here = catalogue.catalogue(conn, {queue}, {a for a in (changed.get("assignee"), now.assignee) if a})
    # A ticket that moves takes along what was asked for, also where it stands so already.
    for field, value in (wanted if "queue" in changed else changed).items():
        _refuse_unreal(field, value, queue, here)
    by_rule = dict(_rules(now, wanted, queue, here, people)) if "queue" in changed else {}
    steps = [Step(at, actor, field, now.value(field), value, why, decision, undoes) for field, value in changed.items()]
    steps += [
        Step(at, Actor("rule", "desk"), field, now.value(field), value, reason)
        for field, (value, reason) in by_rule.items()
    ]
    if steps:
        set_values(conn, now, {step.field: step.became for step in steps}, at)
        ticket_history.take(conn, number, steps)
    return steps


def set_values(conn: Connection, now: Filed, values: Mapping[str, Any], at: datetime) -> None:
    """Write a locked ticket's values as they stand, and count its version."""
    row = {("queue_id" if field == "queue" else field): value for field, value in values.items()}
    if "queue" in values:
        row["queue_id"] = select(QUEUES.c.id).where(QUEUES.c.name == values["queue"]).scalar_subquery()
    conn.execute(update(TICKETS).where(TICKETS.c.id == now.id).values(**row, version=now.version + 1, updated_at=at))


def by_people(conn: Connection, number: int) -> dict[str, list[Step]]:
    """The steps that people took, by field, oldest first."""
    rows = conn.execute(
        select(JOURNEY).where(JOURNEY.c.ticket_id == number, JOURNEY.c.actor_kind == "person").order_by(JOURNEY.c.id)
    )
    found: dict[str, list[Step]] = {}
    for row in rows:
        found.setdefault(row.field, []).append(ticket_history.step(row))
    return found


def _let_people_win(now: Filed, changed: Mapping[str, str | None], people: Mapping[str, list[Step]]) -> None:
    """Raise StoreConflict where a person has spoken."""
    if changed and is_solved(now.status):
        raise StoreConflict(f"ticket {now.id} is {now.status}: only people change it now")
    for field in changed:
        if field in people:
            raise _stands(people[field][-1])
    if changed.get("queue") in {step.was for step in people.get("queue", ())}:
        raise StoreConflict(f"people moved this ticket out of {changed['queue']!r}: it does not go back by itself")


def _stands(step: Step) -> StoreConflict:
    return StoreConflict(f"{step.actor.name} set {step.field} to {_shown(step.became)}: a person's word stands")


def _refuse_unreal(field: str, value: str | None, queue: str, here: Catalogue) -> None:
    """Raise StoreRefused for a value that this desk does not have now."""
    if field == "queue" and (value is None or value not in here.queues):
        raise StoreRefused(field, f"{_shown(value)} is not an open queue of this desk; /v1/queues lists them")
    if field == "status" and value not in STATUSES:
        raise StoreRefused(field, f"{_shown(value)} is no status; choose from {', '.join(STATUSES)}")
    if value is None:
        return
    if field == "priority" and value not in PRIORITIES:
        raise StoreRefused(field, f"{value!r} is no priority; choose from {', '.join(PRIORITIES)}")
    if field == "category" and not (value.strip() and len(value) <= LONGEST):
        raise StoreRefused(field, f"a category holds 1 to {LONGEST} characters")
    if field == "assignee" and not here.serves(value, queue):
        raise StoreRefused(field, f"{value!r} is not a present agent of {queue!r}; /v1/agents lists who serves which")


def _rules(
    now: Filed, wanted: Mapping[str, str | None], queue: str, here: Catalogue, people: Mapping[str, list[Step]]
) -> Iterator[tuple[str, tuple[str | None, str]]]:
    """What follows from a move: (field, (value, why)). Raises StoreConflict where a machine's move would take a ticket
    away from whom a person gave it to; what people emptied stays empty."""
    default = here.queues[queue]
    if "assignee" not in wanted and now.assignee and not here.serves(now.assignee, queue):
        if "assignee" in people:
            raise _stands(people["assignee"][-1])
        yield "assignee", (default.get("assignee"), f"{now.assignee!r} does not serve {queue!r}")
    elif "assignee" not in {*wanted, *people} and not now.assignee and "assignee" in default:
        yield "assignee", (default["assignee"], f"the default of {queue!r}")
    if "priority" not in {*wanted, *people} and not now.priority and "priority" in default:
        yield "priority", (default["priority"], f"the default of {queue!r}")


def _shown(value: str | None) -> str:
    return "nothing" if value is None else repr(value)
