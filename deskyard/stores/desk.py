"""The built-in desk: queues, tickets and each ticket's journey, in deskyard's own database.

In comes a session (whose owner opened the transaction and commits it), out go rows as plain values. A ticket is in
exactly one queue from the moment it exists. Nothing here predicts, decides or commits.
"""

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast

from sqlalchemy import Row, Select, Table, bindparam, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from deskyard.errors import BadInput
from deskyard.policy import TRIAGE, Placement
from deskyard.tables import JourneyRow, QueueRow, TicketRow, storable
from deskyard.ticket import Ticket

PAGE: Final = 100
LONGEST_PAGE: Final = 1_000
"""How many rows a list gives when nothing is asked, and at most."""

LABELS: Final = ("category", "priority", "assignee")
"""The targets a ticket carries as its own fields; the fourth, `queue`, is where it is."""

_QUEUES: Final = cast(Table, QueueRow.__table__)
_TICKETS: Final = cast(Table, TicketRow.__table__)
_JOURNEY: Final = cast(Table, JourneyRow.__table__)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, as it is now."""

    id: int
    name: str
    description: str
    open: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Filed:
    """A ticket of the desk, as it is now: what was filed, and where it stands."""

    id: int
    external_id: str | None
    ticket: Ticket
    received_at: datetime
    queue: str
    category: str | None
    priority: str | None
    assignee: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A value that one of a ticket's `LABELS` gets, and why."""

    field: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one field: `actor_kind` is "machine" or "person"."""

    at: datetime
    actor_kind: str
    actor: str
    field: str
    was: str | None
    became: str | None
    why: str


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list, and the cursor that continues it (None at the end)."""

    items: list[Item]
    next_cursor: str | None


class Desk:
    """The doors of the built-in desk; each takes the session of the transaction it belongs to."""

    @staticmethod
    def ensure_queues(session: Session, names: Iterable[str] = ()) -> None:
        """Make the queues that do not exist yet, `triage` always among them; those that exist stay as they are.

        Blank names are left out.
        """
        now = datetime.now(UTC)
        wanted = dict.fromkeys(storable(name) for name in (TRIAGE, *names) if name.strip())
        known = set(session.scalars(select(_QUEUES.c.name)))
        rows = [
            {"name": name, "description": _ABOUT.get(name, ""), "open": True, "created_at": now}
            for name in wanted
            if name not in known
        ]
        if rows:
            session.execute(_make_queue(session.get_bind().dialect.name), rows)

    @staticmethod
    def open_queues(session: Session, among: Collection[str]) -> frozenset[str]:
        """Those of the names that are open queues now."""
        return frozenset(session.scalars(_OPEN, {"names": list(among)})) if among else frozenset()

    @staticmethod
    def place(
        session: Session, ticket: Ticket, placement: Placement, changes: Sequence[Change], *, at: datetime, actor: str
    ) -> int | None:
        """File a ticket in its queue and begin its journey; the machine `actor` did it, `at` this moment.

        Returns the desk's number of the ticket, or None if (source, id) is there already: then nothing was written.
        A ticket with an empty id is always new. A queue that does not exist breaks the transaction.
        """
        values = {change.field: change.value for change in changes}
        number = session.execute(
            _file_ticket(session.get_bind().dialect.name),
            {
                "source": ticket.source,
                "external_id": ticket.id or None,
                "subject": ticket.subject,
                "body": ticket.body,
                "channel": ticket.channel,
                "language": ticket.language,
                "requester": ticket.requester,
                "organisation": ticket.organisation,
                "fields": dict(ticket.fields),
                "created_at": ticket.created_at or at,
                "received_at": at,
                "queue_name": placement.queue,
                **{name: values.get(name) for name in LABELS},
            },
        ).scalar_one_or_none()
        if number is None:
            return None
        steps = [Change("queue", placement.queue, placement.reason.text), *changes]
        session.execute(
            _TAKE_STEP,
            [
                {
                    "ticket_id": number,
                    "at": at,
                    "actor_kind": "machine",
                    "actor": actor,
                    "field": step.field,
                    "was": None,
                    "became": step.value,
                    "why": step.why,
                }
                for step in steps
            ],
        )
        return int(number)

    @staticmethod
    def find(session: Session, source: str, external_id: str) -> Filed | None:
        """The ticket of that name in that source."""
        row = session.execute(_BY_NAME, {"source": source, "external_id": external_id}).first()
        return None if row is None else _filed(row)

    @staticmethod
    def ticket(session: Session, number: int) -> Filed | None:
        """The ticket with the desk's own number."""
        row = session.execute(_BY_NUMBER, {"number": number}).first()
        return None if row is None else _filed(row)

    @staticmethod
    def journey(session: Session, number: int) -> list[Step]:
        """What happened to a ticket, oldest first."""
        return [
            Step(row.at, row.actor_kind, row.actor, row.field, row.was, row.became, row.why)
            for row in session.execute(_STEPS, {"number": number})
        ]

    @staticmethod
    def queues(session: Session, limit: int = PAGE, cursor: str | None = None) -> Page[Queue]:
        """The queues, oldest first."""
        rows = _page(session, select(_QUEUES), _QUEUES, limit, cursor)
        return Page([Queue(**row._mapping) for row in rows[:limit]], _next(rows, limit))

    @staticmethod
    def queue(session: Session, name: str) -> Queue | None:
        """The queue of that name."""
        row = session.execute(select(_QUEUES).where(_QUEUES.c.name == name)).first()
        return None if row is None else Queue(**row._mapping)

    @staticmethod
    def tickets(session: Session, queue: Queue, limit: int = PAGE, cursor: str | None = None) -> Page[Filed]:
        """The tickets that are in a queue now, oldest first."""
        rows = _page(session, _READ.where(_TICKETS.c.queue_id == queue.id), _TICKETS, limit, cursor)
        return Page([_filed(row) for row in rows[:limit]], _next(rows, limit))


_ABOUT: Final = {TRIAGE: "What the machine leaves to people."}

_OPEN: Final = select(_QUEUES.c.name).where(_QUEUES.c.open, _QUEUES.c.name.in_(bindparam("names", expanding=True)))
_READ: Final = select(_TICKETS, _QUEUES.c.name.label("queue")).join(_QUEUES, _QUEUES.c.id == _TICKETS.c.queue_id)
_BY_NUMBER: Final = _READ.where(_TICKETS.c.id == bindparam("number"))
_BY_NAME: Final = _READ.where(
    _TICKETS.c.source == bindparam("source"), _TICKETS.c.external_id == bindparam("external_id")
)
_STEPS: Final = select(_JOURNEY).where(_JOURNEY.c.ticket_id == bindparam("number")).order_by(_JOURNEY.c.id)
_TAKE_STEP: Final = insert(_JOURNEY)
_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""Both know ON CONFLICT, and SQLAlchemy's common INSERT does not."""


@cache
def _make_queue(dialect: str) -> Any:
    return _INSERT[dialect](_QUEUES).on_conflict_do_nothing(index_elements=["name"])


@cache
def _file_ticket(dialect: str) -> Any:
    queue = select(_QUEUES.c.id).where(_QUEUES.c.name == bindparam("queue_name")).scalar_subquery()
    return (
        _INSERT[dialect](_TICKETS)
        .values(queue_id=queue)
        .on_conflict_do_nothing(index_elements=["source", "external_id"])
        .returning(_TICKETS.c.id)
    )


def _filed(row: Row[Any]) -> Filed:
    return Filed(
        id=row.id,
        external_id=row.external_id,
        ticket=Ticket(
            id=row.external_id or "",
            source=row.source,
            subject=row.subject,
            body=row.body,
            channel=row.channel,
            language=row.language,
            requester=row.requester,
            organisation=row.organisation,
            created_at=row.created_at,
            fields=row.fields,
        ),
        received_at=row.received_at,
        queue=row.queue,
        category=row.category,
        priority=row.priority,
        assignee=row.assignee,
    )


def _page(session: Session, rows: Select[Any], table: Table, limit: int, cursor: str | None) -> Sequence[Row[Any]]:
    """The rows after the cursor, and one more than asked, which tells whether the list goes on."""
    if cursor is not None:
        rows = rows.where(table.c.id > _after(cursor))
    return session.execute(rows.order_by(table.c.id).limit(limit + 1)).all()


def _next(rows: Sequence[Row[Any]], limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    return base64.urlsafe_b64encode(f"after:{rows[limit - 1].id}".encode()).decode().rstrip("=")


def _after(cursor: str) -> int:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    found = re.fullmatch(r"after:([0-9]{1,18})", text)
    if found is None:
        raise BadInput("this cursor is not one of ours: take `next_cursor` of the page before, or leave it out")
    return int(found[1])
