"""A naive ticket store, as written in an afternoon: it does not read back, retries writes, and takes its own for news.

`check_store` must fail it case by case; what it gets right, every store gets right.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from deskyard.connectors.base.ticket_store import (
    Capabilities,
    DeliveryOutcome,
    DeliveryResult,
    Health,
    StoredTicket,
    TicketPage,
    WebhookEvent,
)
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import Ticket
from deskyard.testing import StoreHarness


@dataclass
class Desk:
    """A small help desk in memory that believes everything, as GLPI does: 200, and nonsense is stored."""

    tickets: dict[str, StoredTicket] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)

    def make(self, n, at):
        at = at or datetime.now(UTC)
        refs = [str(len(self.tickets) + 1 + place) for place in range(n)]
        for ref in refs:
            ticket = Ticket(id=ref, subject="VPN")
            self.tickets[ref] = StoredTicket(ref=ref, ticket=ticket, version="1", updated_at=at, queue="new")
        return refs

    def put(self, ref, values):
        """The API's one write. A queue that does not exist is silently left out."""
        here = self.tickets[ref]
        known = {name: value for name, value in values.items() if name != "queue" or value in ("A", "B", "C")}
        version = str(int(here.version) + 1)
        self.tickets[ref] = replace(here, **known, version=version, updated_at=datetime.now(UTC))

    def harness(self):
        return StoreHarness(
            make_tickets=self.make,
            set_as_person=lambda ref, name, value: self.put(ref, {name: value}),
            read_notes=lambda ref: list(self.notes.get(ref, ())),
            close_queue=self.closed.add,
            make_absent=self.away.add,
            start_queue="new",
            queues=("A", "B", "C"),
            agents=("ann", "bob"),
        )


class NaiveStore:
    """The connector to it."""

    caps = Capabilities(settable_fields=frozenset({"queue", "priority", "assignee"}), reports_people=True, notes=True)

    def __init__(self, desk):
        self.desk = desk

    def health(self):
        return Health("1.0", "api")

    def catalogue(self):
        """As it was when the connector was configured."""
        return Catalogue({name: {} for name in ("new", "A", "B", "C")}, dict.fromkeys(("ann", "bob"), ("A",)))

    def pull(self, cursor, limit):
        """Strictly after the newest moment seen."""
        changed = sorted(self.desk.tickets.values(), key=lambda one: one.updated_at)
        found = [one for one in changed if cursor is None or one.updated_at.isoformat() > cursor]
        here = tuple(found[:limit])
        return TicketPage(here, here[-1].updated_at.isoformat() if here else cursor or "", len(found) > limit)

    def cursor_at(self, moment):
        return moment.isoformat()

    def fetch(self, ref):
        return self.desk.tickets[ref]

    def fetch_moves(self, ref):
        return []

    def parse_webhook(self, headers, raw, now):
        return [WebhookEvent("1", "1")]

    def apply(self, delivery):
        self.desk.put(
            delivery.ref, {name: value for name, value in delivery.set.items() if name in self.caps.settable_fields}
        )
        self.desk.notes.setdefault(delivery.ref, []).append(delivery.full_note)
        return DeliveryOutcome(DeliveryResult.APPLIED)

    def invalidate_catalogue(self):
        """It never asks again."""

    def close(self):
        """Nothing to let go of."""
