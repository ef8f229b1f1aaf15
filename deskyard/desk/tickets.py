"""The desk's tickets: filed once, found, listed. A ticket is in exactly one queue from the moment it exists."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Row, bindparam, case, func, select

from deskyard.db.pagination import PAGE, Page, page
from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.desk import QUEUES, TICKETS
from deskyard.desk.queues import Queue
from deskyard.domain.status import Status
from deskyard.domain.ticket import PRIORITIES, Ticket
from deskyard.errors import NotThere
from deskyard.text.record_numbers import is_record_number

LABELS: Final = ("category", "priority", "assignee")
"""The targets a ticket carries as its own fields; the fourth, `queue`, is where it is."""

"""`waiting` is for the requester's answer."""

Sort = Literal["oldest", "newest", "urgent"]


@dataclass(frozen=True, slots=True)
class Filed:
    """A ticket of the desk, as it is now: what was filed, and where it stands.

    `version` counts its changes; `key` is the name its sender gave to the request, for tickets without an external id.
    `salt` is the key of its hashes in the journal. From `erased_at` on there is no text, nobody's name and no salt.
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
        """What stands in `queue`, `status` or one of `LABELS`."""
        found: str | None = getattr(self, name)
        return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tickets of a queue a list shows; an empty or None part asks for nothing. `text` stands in the subject."""

    status: Collection[Status] = ()
    priority: Collection[str] = ()
    category: str | None = None
    assignee: str | None = None
    received_since: datetime | None = None
    text: str = ""


def new_salt() -> str:
    """A key for the hashes of one ticket: 32 hexadecimal characters that nobody can guess."""
    return secrets.token_hex(16)


def file(
    conn: Connection,
    ticket: Ticket,
    queue: str,
    values: Mapping[str, str],
    *,
    at: datetime,
    key: str | None = None,
    salt: str | None = None,
) -> int | None:
    """File a ticket in a queue, with `values` for some of its `LABELS`.

    Returns the desk's number of the ticket, or None if it is there already by (source, id) or (source, key): then
    nothing was written. With neither id nor key it is always new; beside an id, a key is not kept. A queue that does
    not exist breaks the transaction. `salt` is what it was sealed with (`deskyard.journal.journal.seal`); None: a new one.
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
        **{name: values.get(name) for name in LABELS},
    }
    number = conn.execute(_file(insert_or_ignore(conn, TICKETS)), row).scalar_one_or_none()
    return None if number is None else int(number)


def known(conn: Connection, source: str, external_id: str, key: str | None) -> Filed | None:
    """The ticket of that name in that source; without a name, the one that came with that key."""
    if external_id:
        row = conn.execute(_BY_NAME, {"source": source, "external_id": external_id}).first()
    elif key:
        row = conn.execute(_BY_KEY, {"source": source, "key": key}).first()
    else:
        row = None
    return None if row is None else filed(row)


def find(conn: Connection, number: int, *, to_change: bool = False) -> Filed | None:
    """The ticket with the desk's own number; `to_change` keeps others from changing it until the transaction ends."""
    if to_change:
        # By itself: where the lock waits for a move, PostgreSQL joins the moved row with its old queue, and finds none.
        conn.execute(_LOCK, {"number": number})
    row = conn.execute(_BY_NUMBER, {"number": number}).first()
    return None if row is None else filed(row)


def get(conn: Connection, number: int, *, to_change: bool = False) -> Filed:
    """The same, where it must be there. Raises NotThere."""
    found = find(conn, number, to_change=to_change)
    if found is None:
        raise NotThere(f"there is no ticket '{number}' on this desk")
    return found


def number_of(ref: str, what: str = "ticket") -> int:
    """The desk's number that a text from outside names. Raises NotThere for one that can't be a number of ours."""
    if not is_record_number(ref):
        raise NotThere(f"there is no {what} {ref[:50]!r} on this desk")
    return int(ref)


def listed(
    conn: Connection,
    queue: Queue,
    limit: int = PAGE,
    cursor: str | None = None,
    *,
    sort: Sort = "oldest",
    wanted: Wanted = Wanted(),
) -> Page[Filed]:
    """The tickets that are in a queue now. `urgent`: by priority (none counts as medium), then oldest first."""
    rows = READ.where(TICKETS.c.queue_id == queue.id)
    if wanted.status:
        rows = rows.where(TICKETS.c.status.in_(list(wanted.status)))
    if wanted.priority:
        rows = rows.where(TICKETS.c.priority.in_(list(wanted.priority)))
    if wanted.category is not None:
        rows = rows.where(TICKETS.c.category == wanted.category)
    if wanted.assignee is not None:
        rows = rows.where(TICKETS.c.assignee == wanted.assignee)
    if wanted.received_since is not None:
        rows = rows.where(TICKETS.c.received_at >= wanted.received_since)
    if wanted.text:
        rows = rows.where(TICKETS.c.subject.icontains(wanted.text, autoescape=True))
    return page(conn, rows, _ORDERS[sort], limit, cursor, filed)


def of_requester(
    conn: Connection, requester: str, but: int, visible: Collection[str] | None, limit: int = 10
) -> list[Filed]:
    """The newest tickets of a requester, but for one; nobody's where they gave no name."""
    if not requester:
        return []
    rows = READ.where(TICKETS.c.requester == requester, TICKETS.c.id != but)
    if visible is not None:
        rows = rows.where(QUEUES.c.name.in_(list(visible)))
    return [filed(row) for row in conn.execute(rows.order_by(TICKETS.c.id.desc()).limit(limit))]


def counted(conn: Connection) -> dict[str, int]:
    """How many tickets stand in each queue that has any."""
    return dict(conn.execute(_COUNTED).all())


_COUNTED: Final = (
    select(QUEUES.c.name, func.count()).join(TICKETS, TICKETS.c.queue_id == QUEUES.c.id).group_by(QUEUES.c.name)
)
READ: Final = select(TICKETS, QUEUES.c.name.label("queue")).join(QUEUES, QUEUES.c.id == TICKETS.c.queue_id)
_BY_NUMBER: Final = READ.where(TICKETS.c.id == bindparam("number"))
_LOCK: Final = select(TICKETS.c.id).where(TICKETS.c.id == bindparam("number")).with_for_update()
_BY_NAME: Final = READ.where(TICKETS.c.source == bindparam("source"), TICKETS.c.external_id == bindparam("external_id"))
_BY_KEY: Final = READ.where(TICKETS.c.source == bindparam("source"), TICKETS.c.key == bindparam("key"))

_LEAST_URGENT_FIRST: Final = {name: place for place, name in enumerate(PRIORITIES)}
_RANK: Final[ColumnElement[int]] = case(
    {name: -place for name, place in _LEAST_URGENT_FIRST.items()},
    value=TICKETS.c.priority,
    else_=-_LEAST_URGENT_FIRST["medium"],
)
_ORDERS: Final[dict[Sort, list[ColumnElement[int]]]] = {
    "oldest": [TICKETS.c.id],
    "newest": [-TICKETS.c.id],
    "urgent": [_RANK, TICKETS.c.id],
}


@cache
def _file(insert: Any) -> Any:
    queue = select(QUEUES.c.id).where(QUEUES.c.name == bindparam("queue_name")).scalar_subquery()
    return insert.values(queue_id=queue).returning(TICKETS.c.id)


def filed(row: Row[Any]) -> Filed:
    """A row of `READ` as a ticket of the desk."""
    return Filed(
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
