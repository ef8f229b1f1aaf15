"""Redacts tickets: removes personal data from their rows in every table and from the journal.

Texts, fields, salts and names of people from outside are removed. The desk's own people keep their names, because what
they did is history. Which tickets are erased is decided in `deskyard.privacy.erasure`. Functions take the caller's
connection, which the caller commits.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select, update

from deskyard.db.tables.auth import API_KEYS, USERS
from deskyard.db.tables.desk import AGENTS, COMMENTS, STATUS_LINKS, TICKET_HISTORY, TICKETS
from deskyard.db.tables.notifications import NOTIFICATIONS
from deskyard.db.tables.sync import CONNECTIONS, DELIVERIES, MIRROR
from deskyard.domain.actors import ANONYMOUS_REQUESTER
from deskyard.domain.status import UNSOLVED_STATUSES
from deskyard.journal.journal import (
    CHANGED,
    COMMENTED,
    CONFIRMED,
    CORRECTED,
    DELIVERED,
    DELIVERY_REQUESTED,
    RECEIVED,
    UNDONE,
    Journal,
    JournalEntry,
)
from deskyard.sync import filed_mails
from deskyard.sync.outbox import DONE

ANONYMOUS_PERSON: Final = "somebody"
"""The name that other people from outside have afterwards; the requester's is `ANONYMOUS_REQUESTER`."""

_KINDS_WITH_NAMES: Final = (RECEIVED, CORRECTED, CONFIRMED, CHANGED, COMMENTED, UNDONE, DELIVERY_REQUESTED, DELIVERED)
"""Kinds of entries that hold names from outside, what another help desk answered, or part of a hash without a salt."""


def staff_names(conn: Connection) -> frozenset[str]:
    """The names that are kept: of agents, users, API keys and connections, and "local"."""
    tables = (AGENTS, USERS, API_KEYS, CONNECTIONS)
    return frozenset({name for table in tables for name in conn.scalars(select(table.c.name))} | {"local"})


def is_untouched_since(moment: datetime) -> ColumnElement[bool]:
    """The SQL condition for solved tickets that have not changed since `moment`."""
    return (
        TICKETS.c.status.not_in(UNSOLVED_STATUSES) & (TICKETS.c.updated_at < moment) & (TICKETS.c.received_at < moment)
    )


def redact_tickets(
    conn: Connection, numbers: Collection[int], at: datetime, untouched_since: datetime | None = None
) -> int:
    """Erase those of the tickets that are not erased yet and have not changed since `untouched_since` (None: all that
    are not erased yet); returns how many that were."""
    query = select(TICKETS).where(TICKETS.c.id.in_(numbers), TICKETS.c.erased_at.is_(None)).order_by(TICKETS.c.id)
    query = query if untouched_since is None else query.where(is_untouched_since(untouched_since))
    rows = conn.execute(query.with_for_update()).all()
    if not rows:
        return 0
    requesters = {row.id: row.requester for row in rows}
    staff = staff_names(conn)
    empty = dict.fromkeys(("subject", "body", "requester", "organisation", "salt"), "")
    conn.execute(
        update(TICKETS).where(TICKETS.c.id.in_(requesters)).values(**empty, erased_at=at, updated_at=at, fields={})
    )
    conn.execute(_REDACT_TICKET, [_redacted_identifiers(row) for row in rows])
    _anonymise_people(conn, requesters, staff)
    comments = COMMENTS.c.ticket_id.in_(requesters)
    conn.execute(update(COMMENTS).where(comments).values(text="", shared=False))
    for one in conn.execute(select(COMMENTS.c.id, COMMENTS.c.ticket_id, COMMENTS.c.key).where(comments)).all():
        if (key := _mask_identifier(one.key, requesters[one.ticket_id], one.id)) != one.key:
            conn.execute(update(COMMENTS).where(COMMENTS.c.id == one.id).values(key=key))
    by_people = TICKET_HISTORY.c.ticket_id.in_(requesters) & (TICKET_HISTORY.c.actor_kind == "person")
    conn.execute(update(TICKET_HISTORY).where(by_people).values(why=""))
    conn.execute(update(STATUS_LINKS).where(STATUS_LINKS.c.ticket_id.in_(requesters)).values(said=""))
    conn.execute(update(MIRROR).where(MIRROR.c.ticket_id.in_(requesters)).values(version=""))
    conn.execute(update(NOTIFICATIONS).where(NOTIFICATIONS.c.ticket_id.in_(requesters)).values(why={}))
    filed_mails.erase_of_tickets(conn, list(requesters), set(requesters.values()))
    _cancel_deliveries(conn, list(requesters), at)
    Journal.redact(
        conn,
        list(requesters),
        _KINDS_WITH_NAMES,
        lambda entry: _redact_entry(entry, requesters[entry.ticket_id], staff),
    )
    return len(rows)


_REDACT_TICKET: Final = (
    update(TICKETS)
    .where(TICKETS.c.id == bindparam("number"))
    .values(version=TICKETS.c.version + 1, external_id=bindparam("new_external_id"), key=bindparam("new_key"))
)


def _redacted_identifiers(row: Row[Any]) -> dict[str, Any]:
    """The identifiers that an erased ticket keeps, as parameters of `_REDACT_TICKET`."""
    external_id, key = (_mask_identifier(one, row.requester, row.id) for one in (row.external_id, row.key))
    return {"number": row.id, "new_external_id": external_id, "new_key": key}


def _mask_identifier(name: str | None, requester: str, number: int) -> str | None:
    """The identifier of a ticket or of a request in its source; `erased-NUMBER` if it contains the requester."""
    has_requester = name is not None and requester.strip() and requester.strip().casefold() in name.casefold()
    return f"erased-{number}" if has_requester else name


def _anonymise_people(conn: Connection, requesters: Mapping[int, str], staff: Collection[str]) -> None:
    """Replace the names of people in comments and histories of tickets (number → requester), except those of staff."""
    for table in (COMMENTS, TICKET_HISTORY):
        by_people = table.c.ticket_id.in_(requesters) & (table.c.actor_kind == "person")
        rows = conn.execute(select(table.c.id, table.c.ticket_id, table.c.actor).where(by_people)).all()
        renamed = [(row, _anonymised_name(row.actor, requesters[row.ticket_id], staff)) for row in rows]
        changed = [{"number": row.id, "name": name} for row, name in renamed if name != row.actor]
        if changed:
            conn.execute(
                update(table).where(table.c.id == bindparam("number")).values(actor=bindparam("name")), changed
            )


def _anonymised_name(name: str, requester: str, staff: Collection[str]) -> str:
    """The name that a person has in an erased ticket."""
    if name in (requester, ANONYMOUS_REQUESTER):
        return ANONYMOUS_REQUESTER
    return name if name in staff else ANONYMOUS_PERSON


def _cancel_deliveries(conn: Connection, numbers: Collection[int], at: datetime) -> None:
    """End the deliveries of the tickets that were not made yet, and delete the texts and hashes of all of them."""
    of_tickets = DELIVERIES.c.ticket_id.in_(numbers)
    for row in conn.execute(select(DELIVERIES.c.id, DELIVERIES.c.decision).where(of_tickets)).all():
        redacted = {"marker": f"d{row.decision}-erased-{row.id}", "note": "", "seen_version": "", "why": {}}
        conn.execute(update(DELIVERIES).where(DELIVERIES.c.id == row.id).values(**redacted))
    cancelled = {"state": DONE, "result": "erased", "ended_at": at, "worker": None}
    conn.execute(update(DELIVERIES).where(of_tickets, DELIVERIES.c.state != DONE).values(**cancelled))


def _redact_entry(entry: JournalEntry, requester: str, staff: Collection[str]) -> dict[str, Any]:
    """The content that an entry keeps."""
    content = dict(entry.content)
    if "by" in content and content.get("kind", "person") == "person":
        content["by"] = _anonymised_name(content["by"], requester, staff)
    if "external_id" in content:
        content["external_id"] = _mask_identifier(content["external_id"], requester, entry.ticket_id)
    if "delivery" in content:
        content["delivery"] = str(content["delivery"]).partition("-")[0]
    if "why" in content:
        content["why"] = {}
    return content


def redact_comments_elsewhere(conn: Connection, requester_names: Collection[str]) -> int:
    """Delete text and author of the comments that people of these names wrote on tickets of others, and their names in
    histories and the journal; names of staff stay. Returns the number of comments."""
    staff = staff_names(conn)
    names = [name for name in requester_names if name not in staff]
    written = COMMENTS.c.actor.in_(names) & (COMMENTS.c.actor_kind == "person")
    n = conn.scalar(select(func.count()).select_from(COMMENTS).where(written)) or 0
    numbers = set(conn.scalars(select(COMMENTS.c.ticket_id).where(written)))
    found = conn.execute(select(COMMENTS.c.id, COMMENTS.c.key, COMMENTS.c.actor).where(written)).all()
    filed_mails.erase_of_comments(conn, [row.key for row in found], names)
    for row in found:
        redacted = {
            "text": "",
            "shared": False,
            "actor": ANONYMOUS_PERSON,
            "key": _mask_identifier(row.key, row.actor, row.id),
        }
        conn.execute(update(COMMENTS).where(COMMENTS.c.id == row.id).values(**redacted))
    changed = TICKET_HISTORY.c.actor.in_(names) & (TICKET_HISTORY.c.actor_kind == "person")
    numbers |= set(conn.scalars(select(TICKET_HISTORY.c.ticket_id).where(changed)))
    conn.execute(update(TICKET_HISTORY).where(changed).values(actor=ANONYMOUS_PERSON, why=""))

    def without_name(entry: JournalEntry) -> dict[str, Any]:
        return entry.content | ({"by": ANONYMOUS_PERSON} if entry.content.get("by") in names else {})

    Journal.redact(conn, numbers, _KINDS_WITH_NAMES, without_name)
    return n
