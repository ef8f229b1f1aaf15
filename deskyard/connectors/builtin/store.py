"""The built-in desk as a ticket store, with the same interface as external help desks.

A delivery is one transaction: the fields, the journal and the note with its id, or nothing. A value set by a person is
never overwritten. The built-in desk sends no webhooks.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    DeliveryOutcome,
    DeliveryResult,
    FieldValues,
    Health,
    Move,
    StoredTicket,
    TicketPage,
    WebhookEvent,
    unsupported_fields,
)
from deskyard.connectors.builtin import changes as changed_tickets
from deskyard.connectors.builtin.changes import DELIVERY_ACTOR, note_key, to_stored_tickets
from deskyard.db.database import Database, open_database
from deskyard.desk import catalogue as desk_catalogue
from deskyard.desk import changes, comments, ticket_history, tickets
from deskyard.desk.ticket_history import HistoryStep
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import BadSignature, DeskyardError, StoreConflict, StoreRefused
from deskyard.journal.journal import CHANGED, COMMENTED, EntryHeader, Journal, hash_ticket
from deskyard.text.storable import storable
from deskyard.version import __version__

SETTABLE_FIELDS: Final = frozenset({"queue", "category", "priority", "assignee"})


class DeskStore:
    """The tickets of a deskyard database."""

    caps: Final = Capabilities(
        settable_fields=SETTABLE_FIELDS,
        atomic_writes=True,
        checks_version=True,
        reports_people=True,
        notes=True,
        moves=True,
    )

    def __init__(self, database: Database) -> None:
        """The database is closed by `close`."""
        self.database = database

    @classmethod
    def from_address(cls, address: str) -> "DeskStore":
        """The desk in the database of that URL, or in that of the settings if it is empty."""
        return cls(open_database(address or None))

    def health(self) -> Health:
        """Whether the database answers and has the revision of this version of deskyard."""
        missing = []
        try:
            if self.database.revision() != self.database.head_revision():
                missing.append("the database is not at the newest revision: `deskyard serve` upgrades it")
        except (SQLAlchemyError, DeskyardError, OSError) as error:
            missing.append(f"the database {self.database.safe_url} does not answer ({type(error).__name__})")
        return Health(__version__, DELIVERY_ACTOR.name, 0.0, tuple(missing))

    def catalogue(self) -> Catalogue:
        """The open queues and the present agents."""
        with self.database.reading() as conn:
            return desk_catalogue.load_catalogue(conn)

    def invalidate_catalogue(self) -> None:
        """Do nothing: the catalogue is not cached."""

    def pull(self, cursor: str | None, limit: int) -> TicketPage:
        """The tickets that changed since the cursor, and those of the last minute again."""
        with self.database.reading() as conn:
            return changed_tickets.read_page(conn, cursor, limit, datetime.now(UTC))

    def cursor_at(self, moment: datetime) -> str:
        """The cursor from which a pull gives what changed since that time."""
        return changed_tickets.start_cursor(moment)

    def fetch(self, ref: str) -> StoredTicket:
        """The current state of a ticket. Raises NotFound."""
        with self.database.reading() as conn:
            return _read_ticket(conn, tickets.parse_ticket_number(ref))

    def fetch_moves(self, ref: str) -> list[Move]:
        """Its history after it was received. Raises NotFound."""
        with self.database.reading() as conn:
            ticket = tickets.get_ticket(conn, tickets.parse_ticket_number(ref))
            steps = [step for step in ticket_history.list_steps(conn, ticket.id) if step.at > ticket.received_at]
        return [Move(s.at, s.actor.name, s.field, s.was, s.became, s.actor == DELIVERY_ACTOR) for s in steps]

    def parse_webhook(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """Always raises BadSignature: the built-in desk sends no webhooks."""
        raise BadSignature("the built-in desk sends no webhooks")

    def apply(self, delivery: Delivery) -> DeliveryOutcome:
        """Write a delivery, once. If its note is there it is done, whatever has changed since."""
        if reasons := unsupported_fields(self.caps, delivery):
            return DeliveryOutcome(DeliveryResult.UNSUPPORTED, None, reasons)
        try:
            with self.database.writing() as conn:
                return _apply_delivery(conn, delivery)
        except StoreConflict as error:
            return DeliveryOutcome(
                DeliveryResult.CONFLICT, self.fetch(delivery.ref), dict.fromkeys(delivery.set, str(error))
            )
        except StoreRefused as error:
            return DeliveryOutcome(DeliveryResult.REJECTED, self.fetch(delivery.ref), {error.field: error.reason})

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def _apply_delivery(conn: Connection, delivery: Delivery) -> DeliveryOutcome:
    number = tickets.parse_ticket_number(delivery.ref)
    tickets.get_ticket(conn, number, for_update=True)
    found = _read_ticket(conn, number)
    changed = found.differing(delivery.set)
    if delivery.id in found.markers or (delivery.set and not changed):
        return DeliveryOutcome(DeliveryResult.ALREADY_APPLIED, found)
    available = desk_catalogue.load_catalogue(conn, *_involved_names(found, delivery.set))
    if reasons := available.find_unavailable({name: delivery.set[name] for name in changed}, found.queue):
        return DeliveryOutcome(DeliveryResult.REJECTED, found, reasons)
    if moved := found.differing(delivery.expect):
        return DeliveryOutcome(
            DeliveryResult.CONFLICT, found, {name: f"it is now {value!r}" for name, value in moved.items()}
        )
    if not delivery.expect and delivery.seen_version not in (None, found.version):
        return DeliveryOutcome(
            DeliveryResult.CONFLICT, found, dict.fromkeys(delivery.set, "the ticket was changed in the meantime")
        )
    at = datetime.now(UTC)
    steps = changes.change_ticket(conn, number, delivery.set, DELIVERY_ACTOR, at=at, why=f"delivery {delivery.id}")
    note = storable(delivery.full_note)
    added, _ = comments.add_comment(conn, number, DELIVERY_ACTOR, note, public=False, at=at, key=note_key(delivery.id))
    _record_in_journal(conn, number, found, at, steps, added.id)
    now = _read_ticket(conn, number)
    if lost := now.differing(delivery.set):
        reasons = {name: f"it is {value!r} after the write" for name, value in lost.items()}
        return DeliveryOutcome(DeliveryResult.PARTIAL, now, reasons)
    return DeliveryOutcome(DeliveryResult.APPLIED, now)


def _involved_names(found: StoredTicket, values: FieldValues) -> tuple[Collection[str], Collection[str]]:
    """The queues and agents that a change involves."""
    return (
        {name for name in (found.queue, values.get("queue")) if name},
        {name for name in (found.assignee, values.get("assignee")) if name},
    )


def _record_in_journal(
    conn: Connection, number: int, found: StoredTicket, at: datetime, steps: list[HistoryStep], note: int
) -> None:
    first = Journal.first_decision(conn, number)
    header = Journal.make_header(conn, number, at) if first else _make_header(conn, number, found, at)
    entries = [(CHANGED, {"field": s.field, "from": s.was, "to": s.became, **_actor_fields(s.actor)}) for s in steps]
    comment = (COMMENTED, {"comment": note, **_actor_fields(DELIVERY_ACTOR), "public": False})
    Journal.record(conn, header, *entries, comment)


def _make_header(conn: Connection, number: int, found: StoredTicket, at: datetime) -> EntryHeader:
    """The header of entries about a ticket that was never decided on."""
    return EntryHeader(
        number, hash_ticket(found.ticket, tickets.get_ticket(conn, number).salt).ticket_hash, at, None, None
    )


def _actor_fields(actor: Actor) -> dict[str, str]:
    return {"by": actor.name, "kind": actor.kind}


def _read_ticket(conn: Connection, number: int) -> StoredTicket:
    return to_stored_tickets(conn, [tickets.get_ticket(conn, number)])[0]
