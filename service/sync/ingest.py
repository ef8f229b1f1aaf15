"""Taking over tickets of an external help desk: mirror them, decide, and store the deliveries, in one transaction.

The help desk is read before the transaction and written after it (`service.sync.dbos_engine`), never within. Tickets
that somebody has taken, or that are outside the intake queues, are decided on but not changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Row

from deskyard.connectors.base.ticket_store import Capabilities, Delivery, DeliveryOutcome, DeliveryResult, StoredTicket
from deskyard.desk import queues, ticket_history
from deskyard.desk.ticket_history import HistoryStep
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.missing_labels import means_nothing
from deskyard.domain.ticket import PLACING_TARGETS, Ticket
from deskyard.journal.journal import DELIVERED, DELIVERY_REQUESTED, EntryDraft, EntryHeader, Journal
from deskyard.policy.policy import RoutingResult
from deskyard.policy.versions import Policies
from deskyard.sync import connections, deliveries, mirror
from deskyard.sync.connections import StoreConnection
from deskyard.sync.mirror import MirroredTicket
from deskyard.sync.notifications import EVENT_ROUTED
from deskyard.text.storable import storable
from service.runtime.context import AppContext
from service.sync import decision_note
from service.tickets import corrections, decision_record
from service.tickets.decision_record import DecisionContext, DecisionDraft, ProposedDecision

WRITTEN_RESULTS: Final = (DeliveryResult.APPLIED, DeliveryResult.ALREADY_APPLIED)


class DeliveryScheduler(Protocol):
    """Schedules deliveries and notices, to be sent after the transaction."""

    def enqueue_delivery(self, conn: Connection, connection: StoreConnection, number: int, urgency: int) -> None:
        """Schedule a delivery in the transaction that stores it."""
        ...

    def enqueue_notices(self, conn: Connection, ticket: int, queue: str, decision: int, event: str) -> None:
        """Schedule the notices that a ticket reached a queue."""
        ...


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The numbers of new tickets, of changed tickets, and of stored deliveries.

    `superseded`: another process reads the same pages and is ahead.
    """

    new: int
    changed: int
    deliveries: int
    superseded: bool = False


def ingest(
    context: AppContext,
    scheduler: DeliveryScheduler,
    connection: StoreConnection,
    caps: Capabilities,
    catalogue: Catalogue,
    seen: Sequence[StoredTicket],
    read_at: datetime,
    cursor: str | None = None,
) -> IngestResult:
    """Take over tickets that were read at `read_at`, and the cursor, in one transaction.

    Taking over the same tickets again, in any order, changes nothing.
    """
    newest = {one.ref: one for one in sorted(seen, key=lambda one: (one.updated_at, one.version))}
    with context.database.reading() as conn:
        mirrored = mirror.find_mirrored(conn, connection.id, newest)
        policy = Policies.current(conn).policy
    new = {
        ref: one for ref, one in newest.items() if ref not in mirrored and _is_filed_since_connection(one, connection)
    }
    new_tickets = {ref: _storable_ticket(one, connection) for ref, one in new.items()}
    champion, at = context.models.champion, datetime.now(UTC)
    decision_context = DecisionContext(champion, policy, at)
    proposed = decision_context.propose(new_tickets)
    transaction = _IngestTransaction(scheduler, connection, caps, catalogue, decision_context, read_at)
    with context.database.writing() as conn:
        queues.ensure_queues(conn, catalogue.queues)
        mirrored = mirror.find_mirrored(conn, connection.id, newest, to_change=True)
        for ref, ticket in new_tickets.items():
            if ref not in mirrored:
                transaction.file_ticket(conn, replace(new[ref], ticket=ticket), proposed[ref])
        transaction.record_decisions(conn)
        transaction.record_changes(conn, mirrored, newest)
        superseded = cursor is not None and not connections.advance_cursor(conn, connection, cursor, at)
    return IngestResult(transaction.new, transaction.changed, transaction.deliveries, superseded)


class _IngestTransaction:
    """Takes over tickets in one transaction, and counts them."""

    def __init__(
        self,
        scheduler: DeliveryScheduler,
        connection: StoreConnection,
        caps: Capabilities,
        catalogue: Catalogue,
        decision_context: DecisionContext,
        read_at: datetime,
    ) -> None:
        self.scheduler, self.connection, self.caps, self.catalogue = scheduler, connection, caps, catalogue
        self.decision_context, self.at, self.read_at = decision_context, decision_context.at, read_at
        self.filed: list[tuple[StoredTicket, DecisionDraft]] = []
        self.new = self.changed = self.deliveries = 0

    def file_ticket(self, conn: Connection, seen: StoredTicket, proposed: ProposedDecision) -> None:
        """File a new ticket in its present queue, unless another process has just done so."""
        number = mirror.file_ticket(conn, self.connection, seen, self.at, proposed.hashed.salt)
        if number is None:
            return
        mirror.add_mirror(conn, self.connection, seen, number, self.read_at)
        catalogue = self.catalogue.subset(proposed.proposal.candidate_queues, proposed.proposal.candidate_agents)
        received = {"source": self.connection.name, "external_id": seen.ref}
        header, routing = (
            self.decision_context.make_header(number, proposed),
            proposed.proposal.apply_catalogue(catalogue),
        )
        self.filed.append((seen, DecisionDraft(header, routing, catalogue, received, mirror.mirror_queue(seen))))
        self.new += 1

    def record_decisions(self, conn: Connection) -> None:
        """Record the decisions on the filed tickets, and store their deliveries."""
        store, why = Actor("rule", self.connection.name), f"its queue in {self.connection.name}"
        entries = decision_record.record(conn, [one for _, one in self.filed])
        ticket_history.add_steps_by_ticket(
            conn,
            {
                one.header.ticket_id: [HistoryStep(self.at, store, "queue", None, one.queue, why)]
                for _, one in self.filed
            },
        )
        drafts: list[EntryDraft] = []
        for (seen, one), entry in zip(self.filed, entries, strict=True):
            values = values_to_write(one.routing, seen, self.connection, self.caps, self.catalogue)
            if values:
                drafts.append(self._create_delivery(conn, seen, one.header, one.routing, entry.id, values))
        Journal.record_all(conn, drafts)

    def record_changes(
        self, conn: Connection, mirrored: Mapping[str, MirroredTicket], newest: Mapping[str, StoredTicket]
    ) -> None:
        """Take over the changes of tickets that were mirrored before."""
        changed = {ref: known for ref, known in mirrored.items() if newest[ref].version != known.version}
        written = deliveries.written_values(conn, [known.number for known in changed.values()])
        for ref, known in changed.items():
            deskyard, values = Actor("machine", "deskyard"), written.get(known.number, [])
            steps = mirror.update_from_store(
                conn, self.connection, newest[ref], known, self.read_at, values, deskyard, self.at
            )
            if steps:
                self.changed += 1
                corrections.record(conn, known.number, steps, self.at)

    def _create_delivery(
        self,
        conn: Connection,
        seen: StoredTicket,
        header: EntryHeader,
        routing: RoutingResult,
        decision: int,
        values: dict[str, str],
    ) -> EntryDraft:
        expect = {name: seen.value(name) for name in dict.fromkeys((*values, "queue", "assignee", "status"))}
        delivery = Delivery(
            id=f"d{decision}-{header.ticket_hash[:10]}",
            ref=seen.ref,
            set=values,
            expect=expect,
            note=storable(
                decision_note.write_note(seen.ticket, routing, values, decision, self.decision_context.champion.digest)
            ),
            seen_version=seen.version,
        )
        priority = values.get("priority") or seen.priority
        number = deliveries.add_delivery(
            conn,
            delivery,
            ticket=header.ticket_id,
            connection=self.connection.id,
            decision=decision,
            priority=priority,
            at=self.at,
        )
        self.scheduler.enqueue_delivery(conn, self.connection, number, deliveries.dispatch_priority(priority))
        self.deliveries += 1
        return header, DELIVERY_REQUESTED, {"delivery": delivery.id, "set": values}


def values_to_write(
    routing: RoutingResult, seen: StoredTicket, connection: StoreConnection, caps: Capabilities, catalogue: Catalogue
) -> dict[str, str]:
    """The values to write to the help desk: decided values that it can set and knows, that nobody has set by hand, and
    that differ from the present ones.

    Empty for a ticket that somebody has taken, that is neither new nor open, or that is outside the intake queues.
    """
    if seen.assignee is not None or seen.status not in ("new", "open") or not connection.is_in_intake(seen.queue):
        return {}
    values: dict[str, str] = {}
    if routing.placement.reason.code in PLACING_TARGETS:
        values["queue"] = routing.placement.queue
    values |= {change.field: change.value for change in routing.changes if change.source == "machine"}
    if seen.category is not None and not means_nothing(seen.category):
        values.pop("category", None)
    values = {name: catalogue.spell(name, value) for name, value in values.items()}
    values = {name: value for name, value in values.items() if name in caps.settable_fields - seen.set_by_people}
    unavailable = catalogue.find_unavailable(values, seen.queue)
    return {name: value for name, value in values.items() if name not in unavailable and seen.value(name) != value}


def settle_delivery(
    conn: Connection,
    scheduler: DeliveryScheduler,
    connection: StoreConnection,
    row: Row[Any],
    outcome: DeliveryOutcome,
    read_at: datetime,
    at: datetime,
) -> None:
    """Record the outcome of a delivery that is not retried: it is done, or parked for a person."""
    why = {name: storable(reason)[:1000] for name, reason in outcome.reasons.items()}
    if outcome.observed is not None:
        _, known = mirror.find_by_ticket(conn, row.ticket_id) or _raise_not_mirrored(row)
        written = deliveries.written_values(conn, [row.ticket_id]).get(row.ticket_id, [])
        deskyard = Actor("machine", "deskyard")
        steps = mirror.update_from_store(
            conn, connection, outcome.observed, known, read_at, written, deskyard, at, row.decision
        )
        corrections.record(conn, row.ticket_id, steps, at)
    content = {"delivery": row.marker, "result": outcome.result.value, "why": why}
    Journal.record(conn, Journal.make_header(conn, row.ticket_id, at), (DELIVERED, content))
    if outcome.result in (*WRITTEN_RESULTS, DeliveryResult.CONFLICT):
        deliveries.OUTBOX.complete(conn, row.id, outcome.result.value, why, at)
    else:
        deliveries.OUTBOX.park(conn, row.id, outcome.result.value, why, at)
    if outcome.result in WRITTEN_RESULTS and row.set_values.get("queue"):
        scheduler.enqueue_notices(conn, row.ticket_id, row.set_values["queue"], row.decision, EVENT_ROUTED)


def _is_filed_since_connection(seen: StoredTicket, connection: StoreConnection) -> bool:
    """Whether a ticket was created since the connection was made."""
    created_at = seen.ticket.created_at or seen.updated_at
    return created_at >= connection.since


def _storable_ticket(seen: StoredTicket, connection: StoreConnection) -> Ticket:
    """The ticket with the connection as its source, and texts that every database can store."""
    ticket = seen.ticket
    return replace(
        ticket,
        id=seen.ref,
        source=connection.name,
        created_at=ticket.created_at or seen.updated_at,
        fields={storable(name): storable(value) for name, value in ticket.fields.items()},
        **{
            name: storable(getattr(ticket, name))
            for name in ("subject", "body", "channel", "language", "requester", "organisation")
        },
    )


def _raise_not_mirrored(row: Row[Any]) -> tuple[int, MirroredTicket]:
    raise LookupError(f"ticket {row.ticket_id} of delivery {row.id} is not mirrored")
