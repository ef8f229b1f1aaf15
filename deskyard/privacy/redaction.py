"""Redaction: what is left of a ticket's rows when it is erased, in every table and in the journal.

In come sessions, whose owner commits, and numbers of tickets; texts, fields, salts and people's names from outside go
out of every row about them. The desk's own people keep their names: what they did is history. Whose tickets these
are, or how old, is settled before (`deskyard.privacy.erasure`).
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
from deskyard.sync.outbox import DONE

ANONYMOUS_PERSON: Final = "somebody"
"""How whoever else wrote from outside is called afterwards; the requester is called `ANONYMOUS_REQUESTER`."""

_KINDS_WITH_NAMES: Final = (RECEIVED, CORRECTED, CONFIRMED, CHANGED, COMMENTED, UNDONE, DELIVERY_REQUESTED, DELIVERED)
"""Entries that hold names from outside, what a foreign help desk answered, or a piece of a hash of before salts."""


def staff_names(conn: Connection) -> frozenset[str]:
    """The names of the desk's own people, and of what speaks for people elsewhere: their deeds stay theirs."""
    tables = (AGENTS, USERS, API_KEYS, CONNECTIONS)
    return frozenset({name for table in tables for name in conn.scalars(select(table.c.name))} | {"local"})


def is_untouched_since(moment: datetime) -> ColumnElement[bool]:
    """Which tickets were solved, and that nobody has touched since a moment."""
    return (
        TICKETS.c.status.not_in(UNSOLVED_STATUSES) & (TICKETS.c.updated_at < moment) & (TICKETS.c.received_at < moment)
    )


def redact_tickets(
    conn: Connection, numbers: Collection[int], at: datetime, untouched_since: datetime | None = None
) -> int:
    """Erase tickets that are not erased, and that nobody has touched since then; how many they were."""
    wanted = select(TICKETS).where(TICKETS.c.id.in_(numbers), TICKETS.c.erased_at.is_(None)).order_by(TICKETS.c.id)
    wanted = wanted if untouched_since is None else wanted.where(is_untouched_since(untouched_since))
    rows = conn.execute(wanted.with_for_update()).all()
    if not rows:
        return 0
    names = {row.id: row.requester for row in rows}
    kept = staff_names(conn)
    gone = dict.fromkeys(("subject", "body", "requester", "organisation", "salt"), "")
    conn.execute(update(TICKETS).where(TICKETS.c.id.in_(names)).values(**gone, erased_at=at, updated_at=at, fields={}))
    conn.execute(_REDACT_TICKET, [_redacted_identifiers(row) for row in rows])
    _anonymise_people(conn, names, kept)
    mine = COMMENTS.c.ticket_id.in_(names)
    conn.execute(update(COMMENTS).where(mine).values(text="", shared=False))
    for one in conn.execute(select(COMMENTS.c.id, COMMENTS.c.ticket_id, COMMENTS.c.key).where(mine)).all():
        if (key := _mask_identifier(one.key, names[one.ticket_id], one.id)) != one.key:
            conn.execute(update(COMMENTS).where(COMMENTS.c.id == one.id).values(key=key))
    spoken = TICKET_HISTORY.c.ticket_id.in_(names) & (TICKET_HISTORY.c.actor_kind == "person")
    conn.execute(update(TICKET_HISTORY).where(spoken).values(why=""))
    conn.execute(update(STATUS_LINKS).where(STATUS_LINKS.c.ticket_id.in_(names)).values(said=""))
    conn.execute(update(MIRROR).where(MIRROR.c.ticket_id.in_(names)).values(version=""))
    conn.execute(update(NOTIFICATIONS).where(NOTIFICATIONS.c.ticket_id.in_(names)).values(why={}))
    _cancel_deliveries(conn, list(names), at)
    Journal.redact(
        conn, list(names), _KINDS_WITH_NAMES, lambda entry: _redact_entry(entry, names[entry.ticket_id], kept)
    )
    return len(rows)


_REDACT_TICKET: Final = (
    update(TICKETS)
    .where(TICKETS.c.id == bindparam("number"))
    .values(version=TICKETS.c.version + 1, external_id=bindparam("name"), key=bindparam("sent_as"))
)


def _redacted_identifiers(row: Row[Any]) -> dict[str, Any]:
    """What a ticket goes on being called."""
    name, sent_as = (_mask_identifier(one, row.requester, row.id) for one in (row.external_id, row.key))
    return {"number": row.id, "name": name, "sent_as": sent_as}


def _mask_identifier(name: str | None, requester: str, number: int) -> str | None:
    """The name of a ticket or of a request in its source, unless it tells who the requester is."""
    tells = name is not None and requester.strip() and requester.strip().casefold() in name.casefold()
    return f"erased-{number}" if tells else name


def _anonymise_people(conn: Connection, names: Mapping[int, str], staff: Collection[str]) -> None:
    """In comments and journeys of tickets (number → requester) nobody is named but the desk's own people."""
    for table in (COMMENTS, TICKET_HISTORY):
        people = table.c.ticket_id.in_(names) & (table.c.actor_kind == "person")
        found = conn.execute(select(table.c.id, table.c.ticket_id, table.c.actor).where(people)).all()
        called = [(row, _anonymised_name(row.actor, names[row.ticket_id], staff)) for row in found]
        changed = [{"number": row.id, "called": name} for row, name in called if name != row.actor]
        if changed:
            conn.execute(
                update(table).where(table.c.id == bindparam("number")).values(actor=bindparam("called")), changed
            )


def _anonymised_name(name: str, requester: str, staff: Collection[str]) -> str:
    """How somebody is called in a ticket that is erased."""
    if name in (requester, ANONYMOUS_REQUESTER):
        return ANONYMOUS_REQUESTER
    return name if name in staff else ANONYMOUS_PERSON


def _cancel_deliveries(conn: Connection, numbers: Collection[int], at: datetime) -> None:
    """What was to be written into foreign tickets is written no more; the texts and hashes of what was are gone."""
    mine = DELIVERIES.c.ticket_id.in_(numbers)
    for row in conn.execute(select(DELIVERIES.c.id, DELIVERIES.c.decision).where(mine)).all():
        left = {"marker": f"d{row.decision}-erased-{row.id}", "note": "", "seen_version": "", "why": {}}
        conn.execute(update(DELIVERIES).where(DELIVERIES.c.id == row.id).values(**left))
    ended = {"state": DONE, "result": "erased", "ended_at": at, "worker": None}
    conn.execute(update(DELIVERIES).where(mine, DELIVERIES.c.state != DONE).values(**ended))


def _redact_entry(entry: JournalEntry, requester: str, staff: Collection[str]) -> dict[str, Any]:
    """What is left of an entry's content."""
    left = dict(entry.content)
    if "by" in left and left.get("kind", "person") == "person":
        left["by"] = _anonymised_name(left["by"], requester, staff)
    if "external_id" in left:
        left["external_id"] = _mask_identifier(left["external_id"], requester, entry.ticket_id)
    if "delivery" in left:
        left["delivery"] = str(left["delivery"]).partition("-")[0]
    if "why" in left:
        left["why"] = {}
    return left


def redact_comments_elsewhere(conn: Connection, requester_names: Collection[str]) -> int:
    """What somebody of these names said about tickets of others loses its text and the name; how many comments."""
    kept = staff_names(conn)
    names = [name for name in requester_names if name not in kept]
    said = COMMENTS.c.actor.in_(names) & (COMMENTS.c.actor_kind == "person")
    n = conn.scalar(select(func.count()).select_from(COMMENTS).where(said)) or 0
    touched = set(conn.scalars(select(COMMENTS.c.ticket_id).where(said)))
    for row in conn.execute(select(COMMENTS.c.id, COMMENTS.c.key, COMMENTS.c.actor).where(said)).all():
        left = {
            "text": "",
            "shared": False,
            "actor": ANONYMOUS_PERSON,
            "key": _mask_identifier(row.key, row.actor, row.id),
        }
        conn.execute(update(COMMENTS).where(COMMENTS.c.id == row.id).values(**left))
    stepped = TICKET_HISTORY.c.actor.in_(names) & (TICKET_HISTORY.c.actor_kind == "person")
    touched |= set(conn.scalars(select(TICKET_HISTORY.c.ticket_id).where(stepped)))
    conn.execute(update(TICKET_HISTORY).where(stepped).values(actor=ANONYMOUS_PERSON, why=""))

    def nameless(entry: JournalEntry) -> dict[str, Any]:
        return entry.content | ({"by": ANONYMOUS_PERSON} if entry.content.get("by") in names else {})

    Journal.redact(conn, touched, _KINDS_WITH_NAMES, nameless)
    return n
