"""Pages of the desk's tickets in the order in which they changed, without gaps.

The pages of a run are ordered by (`updated_at`, id). A transaction may commit after a later one was read, so the next
run begins a minute before the first page of this one was read, or at its last ticket if that is older: tickets may come
twice, and none is missed.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, literal, select, tuple_

from deskyard.connectors.base.ticket_store import StoredTicket, TicketPage
from deskyard.db.tables.base import Moment
from deskyard.db.tables.desk import COMMENTS, TICKET_HISTORY, TICKETS
from deskyard.desk.tickets import SELECT_TICKETS, DeskTicket, to_desk_ticket
from deskyard.domain.actors import Actor
from deskyard.errors import BadInput

OVERLAP: Final = timedelta(seconds=60)
"""Twice the time for which a writer waits for a lock (`deskyard.db.database.LOCK_TIMEOUT`)."""

DELIVERY_ACTOR: Final = Actor("machine", "deskyard delivery")
"""The actor of the changes and the note of a delivery."""

_KEY_PREFIX: Final = "delivery "


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a run continues: after the ticket `after` of the time `at`; `started_at` is when the run started."""

    at: datetime
    after: int
    started_at: datetime


def read_page(
    conn: Connection, cursor: str | None, limit: int, now: datetime, me: Actor = DELIVERY_ACTOR
) -> TicketPage:
    """At most `limit` tickets after the cursor; `me` is the actor whose changes count as ours. Raises BadInput for a
    cursor that was not made here."""
    position = _Cursor(_EARLIEST, 0, now) if cursor is None else _decode_cursor(cursor, now)
    here = tuple_(TICKETS.c.updated_at, TICKETS.c.id)
    after = tuple_(literal(position.at, Moment()), literal(position.after))
    rows = SELECT_TICKETS.where(here > after).order_by(TICKETS.c.updated_at, TICKETS.c.id).limit(limit + 1)
    found = [to_desk_ticket(row) for row in conn.execute(rows)]
    more, found = len(found) > limit, found[:limit]
    last = (found[-1].updated_at, found[-1].id) if found else (position.at, position.after)
    if more:
        following = _encode_cursor(_Cursor(*last, position.started_at), running=True)
    else:
        following = _encode_cursor(
            _Cursor(min(last[0], position.started_at - OVERLAP), 0, position.started_at), running=False
        )
    return TicketPage(tuple(to_stored_tickets(conn, found, me)), following, more)


def start_cursor(moment: datetime) -> str:
    """The cursor of a first page that begins at that time."""
    return _encode_cursor(_Cursor(moment, 0, moment), running=False)


def to_stored_tickets(conn: Connection, found: Sequence[DeskTicket], me: Actor = DELIVERY_ACTOR) -> list[StoredTicket]:
    """Tickets of the desk as stored tickets; `me` is the actor whose changes count as ours."""
    markers: dict[int, set[str]] = {one.id: set() for one in found}
    people: dict[int, set[str]] = {one.id: set() for one in found}
    newest: dict[int, tuple[datetime, Actor]] = {}
    for table in (TICKET_HISTORY, COMMENTS):
        rows = select(table.c.ticket_id, table.c.at, table.c.actor_kind, table.c.actor).order_by(table.c.id)
        for row in conn.execute(rows.where(table.c.ticket_id.in_(markers), table.c.actor_kind != "rule")):
            if row.ticket_id not in newest or row.at >= newest[row.ticket_id][0]:
                newest[row.ticket_id] = (row.at, Actor(row.actor_kind, row.actor))
    notes = select(COMMENTS.c.ticket_id, COMMENTS.c.key).where(
        COMMENTS.c.ticket_id.in_(markers), COMMENTS.c.key.startswith(_KEY_PREFIX), COMMENTS.c.actor_kind == "machine"
    )
    for number, key in conn.execute(notes):
        markers[number].add(key.removeprefix(_KEY_PREFIX))
    by_people = select(TICKET_HISTORY.c.ticket_id, TICKET_HISTORY.c.field).where(
        TICKET_HISTORY.c.ticket_id.in_(people), TICKET_HISTORY.c.actor_kind == "person"
    )
    for number, name in conn.execute(by_people.distinct()):
        people[number].add(name)
    last = {number: by for number, (_, by) in newest.items()}
    return [_to_stored_ticket(one, markers[one.id], people[one.id], ours=last.get(one.id) == me) for one in found]


def note_key(delivery: str) -> str:
    """The key of the note of a delivery."""
    return _KEY_PREFIX + delivery


def _to_stored_ticket(one: DeskTicket, markers: set[str], people: set[str], *, ours: bool) -> StoredTicket:
    return StoredTicket(
        ref=str(one.id),
        ticket=one.ticket,
        version=str(one.version),
        updated_at=one.updated_at,
        queue=one.queue,
        category=one.category,
        priority=one.priority,
        assignee=one.assignee,
        status=one.status,
        markers=frozenset(markers),
        last_change_by_deskyard=ours,
        set_by_people=frozenset(people),
    )


_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)


def _encode_cursor(cursor: _Cursor, *, running: bool) -> str:
    parts = [cursor.at.isoformat(), cursor.after, cursor.started_at.isoformat() if running else None]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _decode_cursor(cursor: str, now: datetime) -> _Cursor:
    try:
        at, after, started_at = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        if type(after) is int and 0 <= after < 2**63:
            return _Cursor(_parse_moment(at), after, _parse_moment(started_at) if started_at else now)
    except (ValueError, TypeError, RecursionError):
        pass
    raise BadInput("this cursor is not one of this desk: use `cursor` of the last page, or none to start again")


def _parse_moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found
