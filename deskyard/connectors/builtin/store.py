"""The built-in desk as a ticket store: the same doors as any foreign help desk, and the measure for all of them.

In come deliveries and cursors, out go tickets and outcomes. A delivery is one transaction: the fields, the journal and
the note that bears its id, or nothing. It never writes what a person spoke against, and sends no webhooks.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from deskyard import __version__
from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    Event,
    Health,
    Move,
    Outcome,
    Page,
    Result,
    StoredTicket,
    Values,
    unsupported,
)
from deskyard.connectors.builtin import changes as desk_pull
from deskyard.connectors.builtin.changes import ME, key_of, seen
from deskyard.db.database import Database, open_database
from deskyard.db.tables.base import storable
from deskyard.desk import catalogue as floor
from deskyard.desk import changes, comments, ticket_history, tickets
from deskyard.desk.ticket_history import Actor, Step
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import BadSignature, DeskyardError, StoreConflict, StoreRefused
from deskyard.journal.journal import CHANGED, COMMENTED, Journal, Stamp, seal

SETS: Final = frozenset({"queue", "category", "priority", "assignee"})


class DeskStore:
    """The tickets of a database of ours."""

    caps: Final = Capabilities(
        sets=SETS, one_write=True, checks_version=True, knows_people=True, notes=True, moves=True
    )

    def __init__(self, database: Database) -> None:
        """Keep the database; `close` closes it."""
        self.database = database

    @classmethod
    def opened(cls, place: str) -> "DeskStore":
        """The desk in the database of that URL; of the settings where it is empty."""
        return cls(open_database(place or None))

    def health(self) -> Health:
        """Whether the database answers and is at the revision that this deskyard knows."""
        missing = []
        try:
            if self.database.revision() != self.database.newest():
                missing.append("the database is not at the newest revision: `deskyard serve` upgrades it")
        except (SQLAlchemyError, DeskyardError, OSError) as error:
            missing.append(f"the database {self.database.place} does not answer ({type(error).__name__})")
        return Health(__version__, ME.name, 0.0, tuple(missing))

    def catalogue(self) -> Catalogue:
        """The open queues and the present agents."""
        with self.database.reading() as conn:
            return floor.catalogue(conn)

    def forget(self) -> None:
        """Nothing is remembered."""

    def pull(self, cursor: str | None, limit: int) -> Page:
        """The tickets that changed since the cursor, and those of the last minute again."""
        with self.database.reading() as conn:
            return desk_pull.page(conn, cursor, limit, datetime.now(UTC))

    def cursor_at(self, moment: datetime) -> str:
        """The cursor after which a pull gives what changed since that moment."""
        return desk_pull.begin(moment)

    def fetch(self, ref: str) -> StoredTicket:
        """One ticket as it is now. Raises NotThere."""
        with self.database.reading() as conn:
            return _read(conn, tickets.number_of(ref))

    def moves(self, ref: str) -> list[Move]:
        """Its journey after the first decision. Raises NotThere."""
        with self.database.reading() as conn:
            filed = tickets.get(conn, tickets.number_of(ref))
            steps = [step for step in ticket_history.of(conn, filed.id) if step.at > filed.received_at]
        return [Move(s.at, s.actor.name, s.field, s.was, s.became, s.actor == ME) for s in steps]

    def parse_webhook(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[Event]:
        """Always raises BadSignature: nobody can have sent one in the desk's name."""
        raise BadSignature("the built-in desk sends no webhooks")

    def apply(self, delivery: Delivery) -> Outcome:
        """Write it once. A delivery whose note is there is not looked at again, whatever has changed since."""
        if why := unsupported(self.caps, delivery):
            return Outcome(Result.UNSUPPORTED, None, why)
        try:
            with self.database.writing() as conn:
                return _apply(conn, delivery)
        except StoreConflict as error:
            return Outcome(Result.CONFLICT, self.fetch(delivery.ref), dict.fromkeys(delivery.set, str(error)))
        except StoreRefused as error:
            return Outcome(Result.REJECTED, self.fetch(delivery.ref), {error.field: error.reason})

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def _apply(conn: Connection, delivery: Delivery) -> Outcome:
    number = tickets.number_of(delivery.ref)
    tickets.get(conn, number, to_change=True)
    found = _read(conn, number)
    changed = found.differing(delivery.set)
    if delivery.id in found.markers or (delivery.set and not changed):
        return Outcome(Result.ALREADY_APPLIED, found)
    here = floor.catalogue(conn, *_asked(found, delivery.set))
    if why := here.lacks({name: delivery.set[name] for name in changed}, found.queue):
        return Outcome(Result.REJECTED, found, why)
    if moved := found.differing(delivery.expect):
        return Outcome(Result.CONFLICT, found, {name: f"it is {value!r} by now" for name, value in moved.items()})
    if not delivery.expect and delivery.seen_version not in (None, found.version):
        return Outcome(Result.CONFLICT, found, dict.fromkeys(delivery.set, "the ticket was changed meanwhile"))
    at = datetime.now(UTC)
    steps = changes.change(conn, number, delivery.set, ME, at=at, why=f"delivery {delivery.id}")
    note = storable(delivery.text)
    said, _ = comments.add(conn, number, ME, note, public=False, at=at, key=key_of(delivery.id))
    _write_down(conn, number, found, at, steps, said.id)
    now = _read(conn, number)
    if lost := now.differing(delivery.set):
        why = {name: f"it is {value!r} after the write" for name, value in lost.items()}
        return Outcome(Result.PARTIAL, now, why)
    return Outcome(Result.APPLIED, now)


def _asked(found: StoredTicket, wanted: Values) -> tuple[Collection[str], Collection[str]]:
    """The queues and agents that a change hangs on."""
    return (
        {name for name in (found.queue, wanted.get("queue")) if name},
        {name for name in (found.assignee, wanted.get("assignee")) if name},
    )


def _write_down(conn: Connection, number: int, found: StoredTicket, at: datetime, steps: list[Step], note: int) -> None:
    first = Journal.first_decision(conn, number)
    stamp = Journal.stamp(conn, number, at) if first else _stamp(conn, number, found, at)
    told = [(CHANGED, {"field": s.field, "from": s.was, "to": s.became, **_by(s.actor)}) for s in steps]
    Journal.record(conn, stamp, *told, (COMMENTED, {"comment": note, **_by(ME), "public": False}))


def _stamp(conn: Connection, number: int, found: StoredTicket, at: datetime) -> Stamp:
    """Of a ticket that was never decided on."""
    return Stamp(number, seal(found.ticket, tickets.get(conn, number).salt).ticket_hash, at, None, None)


def _by(actor: Actor) -> dict[str, str]:
    return {"by": actor.name, "kind": actor.kind}


def _read(conn: Connection, number: int) -> StoredTicket:
    return seen(conn, [tickets.get(conn, number)])[0]
