"""Mails that became no ticket: which, why, and those that people want to be taken in after all.

The mails themselves stay in their mailbox. A mail that is wanted is read from there with the next pull.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, update

from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.sync import CONNECTIONS, LEFT_OUT_MAILS
from deskyard.errors import NotFound, StoreConflict

LIST_LENGTH: Final = 200
"""Mails that are listed, the newest first."""

_MAX_SUBJECT_LENGTH: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutMail:
    """A mail that became no ticket; see `deskyard.db.tables.sync.LEFT_OUT_MAILS`. `connection` is a name."""

    id: int
    connection: str
    place: str
    kind: str
    reason: str
    sender: str
    subject: str
    received_at: datetime
    requested_by: str
    ticket_id: int | None
    trouble: str


def record(
    conn: Connection,
    connection_id: int,
    *,
    message_id: str,
    fingerprint: str,
    place: str,
    kind: str,
    reason: str,
    sender: str,
    subject: str,
    received_at: datetime,
    at: datetime,
) -> None:
    """Record a mail that is left out; one that is known keeps its number, and its place is updated."""
    key = {"connection_id": connection_id, "message_id": message_id, "fingerprint": fingerprint}
    fresh = {
        "place": place,
        "kind": kind,
        "reason": reason,
        "sender": sender,
        "subject": subject[:_MAX_SUBJECT_LENGTH],
        "received_at": received_at,
        "seen_at": at,
        "requested_by": "",
        "ticket_id": None,
        "trouble": "",
    }
    statement = insert_or_ignore(conn, LEFT_OUT_MAILS).returning(LEFT_OUT_MAILS.c.id)
    if conn.execute(statement, {**key, **fresh}).scalar_one_or_none() is None:
        same = [LEFT_OUT_MAILS.c[name] == value for name, value in key.items()]
        conn.execute(update(LEFT_OUT_MAILS).where(*same).values(place=place))


def count_by_kind(conn: Connection) -> dict[int, dict[str, int]]:
    """Connection → kind of reason → how many mails were left out and not taken in since."""
    counted: dict[int, dict[str, int]] = {}
    mails = LEFT_OUT_MAILS.c
    rows = conn.execute(
        select(mails.connection_id, mails.kind, func.count())
        .where(mails.ticket_id.is_(None))
        .group_by(mails.connection_id, mails.kind)
    )
    for connection, kind, n in rows:
        counted.setdefault(connection, {})[kind] = n
    return counted


def list_mails(conn: Connection, connection: str = "", limit: int = LIST_LENGTH) -> list[LeftOutMail]:
    """The mails that were left out of a connection (empty: of all), the newest first."""
    rows = _SELECT.order_by(LEFT_OUT_MAILS.c.id.desc()).limit(limit)
    if connection:
        rows = rows.where(CONNECTIONS.c.name == connection)
    return [_to_mail(row) for row in conn.execute(rows)]


def get_mail(conn: Connection, number: int) -> LeftOutMail:
    """The mail with that number. Raises NotFound."""
    row = conn.execute(_SELECT.where(LEFT_OUT_MAILS.c.id == number)).first()
    if row is None:
        raise NotFound(f"there is no left-out mail {number}; see `deskyard connections --left-out`")
    return _to_mail(row)


def request(conn: Connection, number: int, by: str) -> LeftOutMail:
    """Want a mail to be taken in with the next pull. Raises NotFound, and StoreConflict if it is a ticket already."""
    mail = get_mail(conn, number)
    if mail.ticket_id is not None:
        raise StoreConflict(f"this mail was taken in before: it is ticket {mail.ticket_id}")
    conn.execute(update(LEFT_OUT_MAILS).where(LEFT_OUT_MAILS.c.id == number).values(requested_by=by, trouble=""))
    return get_mail(conn, number)


def list_requested(conn: Connection, connection_id: int) -> list[LeftOutMail]:
    """The mails of a connection that are wanted and not taken in yet."""
    mails = LEFT_OUT_MAILS.c
    wanted = (mails.connection_id == connection_id, mails.requested_by != "", mails.ticket_id.is_(None))
    return [_to_mail(row) for row in conn.execute(_SELECT.where(*wanted, mails.trouble == "").order_by(mails.id))]


def finish_request(conn: Connection, number: int, *, ticket: int | None = None, trouble: str = "") -> None:
    """Record the ticket that a wanted mail became, or why it could not be read."""
    mine = LEFT_OUT_MAILS.c.id == number
    conn.execute(update(LEFT_OUT_MAILS).where(mine).values(ticket_id=ticket, trouble=trouble[:500]))


def delete_before(conn: Connection, moment: datetime) -> int:
    """Delete the mails that were left out before that time, except wanted ones; returns how many."""
    mails = LEFT_OUT_MAILS.c
    is_waiting = (mails.requested_by != "") & mails.ticket_id.is_(None) & (mails.trouble == "")
    return conn.execute(delete(LEFT_OUT_MAILS).where(mails.seen_at < moment, ~is_waiting)).rowcount


def find_senders(conn: Connection) -> set[str]:
    """The senders of all left-out mails, as they are written."""
    return set(conn.scalars(select(LEFT_OUT_MAILS.c.sender).distinct()))


def count_of_senders(conn: Connection, names: Collection[str]) -> int:
    """The number of left-out mails of these senders."""
    mine = LEFT_OUT_MAILS.c.sender.in_(list(names))
    return conn.scalar(select(func.count()).select_from(LEFT_OUT_MAILS).where(mine)) or 0


def delete_of_senders(conn: Connection, names: Collection[str]) -> int:
    """Delete the left-out mails of these senders; returns how many."""
    return conn.execute(delete(LEFT_OUT_MAILS).where(LEFT_OUT_MAILS.c.sender.in_(list(names)))).rowcount


def format_counts(counts: Mapping[str, int]) -> str:
    """The counts by kind in words; "" if nothing was left out.

    >>> format_counts({"bounce": 1, "auto_reply": 2})
    '2 automatic replies, 1 bounce'
    """
    told = {name: counts.get(name, 0) for name in KIND_NAMES}
    return ", ".join(f"{n:,} {KIND_NAMES[name][n != 1]}" for name, n in told.items() if n)


KIND_NAMES: Final = {
    "auto_reply": ("automatic reply", "automatic replies"),
    "bounce": ("bounce", "bounces"),
    "automatic": ("mail of a program", "mails of programs"),
    "list": ("post of a mailing list", "posts of mailing lists"),
    "own": ("mail of our own", "mails of our own"),
    "earlier": ("mail from before the connection", "mails from before the connection"),
}
"""Kind of reason (`deskyard.mail.auto_reply.KINDS`) → its name for one mail and for several."""

_SELECT: Final = select(LEFT_OUT_MAILS, CONNECTIONS.c.name.label("connection")).join(
    CONNECTIONS, CONNECTIONS.c.id == LEFT_OUT_MAILS.c.connection_id
)
_HIDDEN: Final = frozenset({"connection_id", "message_id", "fingerprint", "seen_at"})


def _to_mail(row: Row[Any]) -> LeftOutMail:
    return LeftOutMail(**{name: value for name, value in row._mapping.items() if name not in _HIDDEN})
