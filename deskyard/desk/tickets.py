"""The desk's tickets: file, find and list them. A ticket is in exactly one queue from the moment it exists."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Row, bindparam, case, func, select

from deskyard.db.pagination import DEFAULT_PAGE_SIZE, Page, fetch_page
from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.desk import QUEUES, TICKETS
from deskyard.desk.queues import Queue
from deskyard.domain.status import Status
from deskyard.domain.ticket import PRIORITIES, Ticket
from deskyard.errors import NotFound
from deskyard.journal.journal import new_salt
from deskyard.text.record_numbers import is_record_number

LABEL_FIELDS: Final = ("category", "priority", "assignee")
"""The targets that are fields of a ticket; the fourth target is its queue."""

SortOrder = Literal["oldest", "newest", "urgent"]


@dataclass(frozen=True, slots=True)
class DeskTicket:
    """A ticket of the desk as it is now: what was filed, its queue, labels and status (`waiting`: for the requester).

    `version` counts its changes; `key` is the sender's name of the request, for tickets without an external id. `salt`
    is the key of its hashes in the journal. From `erased_at` on it has no text, names or salt.
    """

    id: int
    version: int
    external_id: str | None
    key: str | None
    ticket: Ticket
    received_at: datetime
    updated_at: datetime
    queue: str
    category: str | None
    priority: str | None
    assignee: str | None
    status: Status
    salt: str = field(default="", repr=False)
    erased_at: datetime | None = None

    def value(self, name: str) -> str | None:
        """The value of `queue`, `status` or one of `LABEL_FIELDS`."""
        found: str | None = getattr(self, name)
        return found


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """A filter of a queue's tickets; empty and None members match all. `text` is searched in the subject."""

    status: Collection[Status] = ()
    priority: Collection[str] = ()
    category: str | None = None
    assignee: str | None = None
    received_since: datetime | None = None
    text: str = ""


def file_ticket(
    conn: Connection,
    ticket: Ticket,
    queue: str,
    values: Mapping[str, str],
    *,
    at: datetime,
    key: str | None = None,
    salt: str | None = None,
) -> int | None:
    """File a ticket in a queue, with `values` for some of its `LABEL_FIELDS`.

    Returns the desk's number of the ticket, or None if (source, id) or (source, key) exists already: then nothing was
    written. Without id and key it is always new; with an id, the key is not stored. An unknown queue makes the
    transaction fail. `salt` is that of its hash (`deskyard.journal.journal.hash_ticket`; None: a new one).
    """
    row = {
        "source": ticket.source,
        "external_id": ticket.id or None,
        "key": None if ticket.id else key or None,
        "subject": ticket.subject,
        "body": ticket.body,
        "channel": ticket.channel,
        "language": ticket.language,
        "requester": ticket.requester,
        "organisation": ticket.organisation,
        "fields": dict(ticket.fields),
        "created_at": ticket.created_at or at,
        "received_at": at,
        "updated_at": at,
        "queue_name": queue,
        "status": "new",
        "version": 1,
        "salt": new_salt() if salt is None else salt,
        **{name: values.get(name) for name in LABEL_FIELDS},
    }
    number = conn.execute(_insert_ticket(insert_or_ignore(conn, TICKETS)), row).scalar_one_or_none()
    return None if number is None else int(number)


def find_existing(conn: Connection, source: str, external_id: str, key: str | None) -> DeskTicket | None:
    """The ticket of this source with this external id, or without one with this key; None where there is none."""
    if external_id:
        row = conn.execute(_BY_NAME, {"source": source, "external_id": external_id}).first()
    elif key:
        row = conn.execute(_BY_KEY, {"source": source, "key": key}).first()
    else:
        row = None
    return None if row is None else to_desk_ticket(row)


def find_ticket(conn: Connection, number: int, *, for_update: bool = False) -> DeskTicket | None:
    """The ticket with the desk's number; `for_update` locks it until the transaction ends."""
    if for_update:
        # Locked by itself: a lock that waits for a move makes PostgreSQL join the row with its old queue.
        conn.execute(_LOCK, {"number": number})
    row = conn.execute(_BY_NUMBER, {"number": number}).first()
    return None if row is None else to_desk_ticket(row)


def get_ticket(conn: Connection, number: int, *, for_update: bool = False) -> DeskTicket:
    """The ticket with the desk's number, as `find_ticket`. Raises NotFound where there is none."""
    found = find_ticket(conn, number, for_update=for_update)
    if found is None:
        raise NotFound(f"there is no ticket '{number}' on this desk")
    return found


def parse_ticket_number(ref: str, noun: str = "ticket") -> int:
    """The desk's number in a text from outside. Raises NotFound for a text that can't be one."""
    if not is_record_number(ref):
        raise NotFound(f"there is no {noun} {ref[:50]!r} on this desk")
    return int(ref)


def list_tickets(
    conn: Connection,
    queue: Queue,
    limit: int = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
    *,
    sort: SortOrder = "oldest",
    ticket_filter: TicketFilter = TicketFilter(),
) -> Page[DeskTicket]:
    """The tickets of a queue. `urgent` sorts by priority (none counts as medium), then oldest first."""
    rows = SELECT_TICKETS.where(TICKETS.c.queue_id == queue.id)
    if ticket_filter.status:
        rows = rows.where(TICKETS.c.status.in_(list(ticket_filter.status)))
    if ticket_filter.priority:
        rows = rows.where(TICKETS.c.priority.in_(list(ticket_filter.priority)))
    if ticket_filter.category is not None:
        rows = rows.where(TICKETS.c.category == ticket_filter.category)
    if ticket_filter.assignee is not None:
        rows = rows.where(TICKETS.c.assignee == ticket_filter.assignee)
    if ticket_filter.received_since is not None:
        rows = rows.where(TICKETS.c.received_at >= ticket_filter.received_since)
    if ticket_filter.text:
        rows = rows.where(TICKETS.c.subject.icontains(ticket_filter.text, autoescape=True))
    return fetch_page(conn, rows, _ORDERS[sort], limit, cursor, to_desk_ticket)


def list_by_requester(
    conn: Connection, requester: str, except_ticket: int, visible: Collection[str] | None, limit: int = 10
) -> list[DeskTicket]:
    """The newest tickets of a requester, except one; none without a name."""
    if not requester:
        return []
    rows = SELECT_TICKETS.where(TICKETS.c.requester == requester, TICKETS.c.id != except_ticket)
    if visible is not None:
        rows = rows.where(QUEUES.c.name.in_(list(visible)))
    return [to_desk_ticket(row) for row in conn.execute(rows.order_by(TICKETS.c.id.desc()).limit(limit))]


def count_by_queue(conn: Connection) -> dict[str, int]:
    """Queue → its number of tickets, for queues that have any."""
    return dict(conn.execute(_COUNT_BY_QUEUE).all())


_COUNT_BY_QUEUE: Final = (
    select(QUEUES.c.name, func.count()).join(TICKETS, TICKETS.c.queue_id == QUEUES.c.id).group_by(QUEUES.c.name)
)
SELECT_TICKETS: Final = select(TICKETS, QUEUES.c.name.label("queue")).join(QUEUES, QUEUES.c.id == TICKETS.c.queue_id)
_BY_NUMBER: Final = SELECT_TICKETS.where(TICKETS.c.id == bindparam("number"))
_LOCK: Final = select(TICKETS.c.id).where(TICKETS.c.id == bindparam("number")).with_for_update()
_BY_NAME: Final = SELECT_TICKETS.where(
    TICKETS.c.source == bindparam("source"), TICKETS.c.external_id == bindparam("external_id")
)
_BY_KEY: Final = SELECT_TICKETS.where(TICKETS.c.source == bindparam("source"), TICKETS.c.key == bindparam("key"))

_LEAST_URGENT_FIRST: Final = {name: rank for rank, name in enumerate(PRIORITIES)}
_PRIORITY_RANK: Final[ColumnElement[int]] = case(
    {name: -rank for name, rank in _LEAST_URGENT_FIRST.items()},
    value=TICKETS.c.priority,
    else_=-_LEAST_URGENT_FIRST["medium"],
)
_ORDERS: Final[dict[SortOrder, list[ColumnElement[int]]]] = {
    "oldest": [TICKETS.c.id],
    "newest": [-TICKETS.c.id],
    "urgent": [_PRIORITY_RANK, TICKETS.c.id],
}


@cache
def _insert_ticket(insert: Any) -> Any:
    queue = select(QUEUES.c.id).where(QUEUES.c.name == bindparam("queue_name")).scalar_subquery()
    return insert.values(queue_id=queue).returning(TICKETS.c.id)


def to_desk_ticket(row: Row[Any]) -> DeskTicket:
    """A row of `SELECT_TICKETS` as a ticket of the desk."""
    return DeskTicket(
        id=row.id,
        version=row.version,
        external_id=row.external_id,
        key=row.key,
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
        updated_at=row.updated_at,
        queue=row.queue,
        category=row.category,
        priority=row.priority,
        assignee=row.assignee,
        status=row.status,
        salt=row.salt,
        erased_at=row.erased_at,
    )
