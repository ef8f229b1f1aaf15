"""The road of a foreign ticket: mirror it, decide, and keep what is to be written, in one transaction.

In come tickets as a store shows them; out goes what was new and what changed. The help desk itself is only read before
and written after (`service.sync.dbos_engine`), never inside. A ticket that somebody has taken, or that stands in a
queue which is not ours to sort, is decided on and not touched.
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
from service.tickets.decision_record import Decided, InForce, Judged

WRITTEN_RESULTS: Final = (DeliveryResult.APPLIED, DeliveryResult.ALREADY_APPLIED)


class DeliveryScheduler(Protocol):
    """Who writes what is kept, later."""

    def enqueue_delivery(self, conn: Connection, connection: StoreConnection, number: int, urgency: int) -> None:
        """Hand a delivery out, in the transaction that keeps it."""
        ...

    def enqueue_notices(self, conn: Connection, ticket: int, queue: str, decision: int, event: str) -> None:
        """A ticket reached a queue: tell whoever wants to know."""
        ...


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What a reading brought: tickets that were new, that had changed, and deliveries that were made of it.

    `overtaken`: somebody else reads the same pages, and is farther.
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
    """Take over tickets as they were read at `read_at`, and how far the reading came, in one transaction.

    The same tickets again, in whatever order, change nothing.
    """
    newest = {one.ref: one for one in sorted(seen, key=lambda one: (one.updated_at, one.version))}
    with context.database.reading() as conn:
        there = mirror.find_mirrored(conn, connection.id, newest)
        in_force = Policies.current(conn).policy
    fresh = {
        ref: one for ref, one in newest.items() if ref not in there and _is_filed_since_connection(one, connection)
    }
    filed = {ref: _storable_ticket(one, connection) for ref, one in fresh.items()}
    champion, at = context.models.champion, datetime.now(UTC)
    deciding = InForce(champion, in_force, at)
    judged = deciding.judge(filed)
    made = _IngestTransaction(scheduler, connection, caps, catalogue, deciding, read_at)
    with context.database.writing() as conn:
        queues.ensure_queues(conn, catalogue.queues)
        there = mirror.find_mirrored(conn, connection.id, newest, to_change=True)
        for ref, ticket in filed.items():
            if ref not in there:
                made.file_ticket(conn, replace(fresh[ref], ticket=ticket), judged[ref])
        made.record_decisions(conn)
        made.record_changes(conn, there, newest)
        overtaken = cursor is not None and not connections.advance_cursor(conn, connection, cursor, at)
    return IngestResult(made.new, made.changed, made.deliveries, overtaken)


class _IngestTransaction:
    """One transaction in which tickets are taken over."""

    def __init__(
        self,
        hands: DeliveryScheduler,
        connection: StoreConnection,
        caps: Capabilities,
        catalogue: Catalogue,
        deciding: InForce,
        read_at: datetime,
    ) -> None:
        self.scheduler, self.connection, self.caps, self.catalogue = hands, connection, caps, catalogue
        self.deciding, self.at, self.read_at = deciding, deciding.at, read_at
        self.filed: list[tuple[StoredTicket, Decided]] = []
        self.new = self.changed = self.deliveries = 0

    def file_ticket(self, conn: Connection, seen: StoredTicket, judged: Judged) -> None:
        """File a new one where it stands. Somebody else may have been faster: then it is not new."""
        number = mirror.file_ticket(conn, self.connection, seen, self.at, judged.seal.salt)
        if number is None:
            return
        mirror.add_mirror(conn, self.connection, seen, number, self.read_at)
        here = self.catalogue.subset(judged.judgement.candidate_queues, judged.judgement.candidate_agents)
        came = {"source": self.connection.name, "external_id": seen.ref}
        stamp, verdict = self.deciding.stamp(number, judged), judged.judgement.apply_catalogue(here)
        self.filed.append((seen, Decided(stamp, verdict, here, came, mirror.mirror_queue(seen))))
        self.new += 1

    def record_decisions(self, conn: Connection) -> None:
        """Write down what was decided on those that were filed, and keep what is to be delivered."""
        there, why = Actor("rule", self.connection.name), f"where it stands in {self.connection.name}"
        entries = decision_record.record(conn, [one for _, one in self.filed])
        ticket_history.add_steps_by_ticket(
            conn,
            {
                one.stamp.ticket_id: [HistoryStep(self.at, there, "queue", None, one.place, why)]
                for _, one in self.filed
            },
        )
        wishes: list[EntryDraft] = []
        for (seen, one), entry in zip(self.filed, entries, strict=True):
            wanted = values_to_write(one.verdict, seen, self.connection, self.caps, self.catalogue)
            if wanted:
                wishes.append(self._create_delivery(conn, seen, one.stamp, one.verdict, entry.id, wanted))
        Journal.record_all(conn, wishes)

    def record_changes(
        self, conn: Connection, there: Mapping[str, MirroredTicket], newest: Mapping[str, StoredTicket]
    ) -> None:
        """Take over what changed in those that were here before."""
        moved = {ref: known for ref, known in there.items() if newest[ref].version != known.version}
        wished = deliveries.written_values(conn, [known.number for known in moved.values()])
        for ref, known in moved.items():
            ours = Actor("machine", "deskyard")
            wishes = wished.get(known.number, [])
            steps = mirror.update_from_store(
                conn, self.connection, newest[ref], known, self.read_at, wishes, ours, self.at
            )
            if steps:
                self.changed += 1
                corrections.record(conn, known.number, steps, self.at)

    def _create_delivery(
        self,
        conn: Connection,
        seen: StoredTicket,
        stamp: EntryHeader,
        verdict: RoutingResult,
        decision: int,
        values: dict[str, str],
    ) -> EntryDraft:
        expect = {name: seen.value(name) for name in dict.fromkeys((*values, "queue", "assignee", "status"))}
        delivery = Delivery(
            id=f"d{decision}-{stamp.ticket_hash[:10]}",
            ref=seen.ref,
            set=values,
            expect=expect,
            note=storable(
                decision_note.write_note(seen.ticket, verdict, values, decision, self.deciding.champion.digest)
            ),
            seen_version=seen.version,
        )
        priority = values.get("priority") or seen.priority
        number = deliveries.add_delivery(
            conn,
            delivery,
            ticket=stamp.ticket_id,
            connection=self.connection.id,
            decision=decision,
            priority=priority,
            at=self.at,
        )
        self.scheduler.enqueue_delivery(conn, self.connection, number, deliveries.dispatch_priority(priority))
        self.deliveries += 1
        return stamp, DELIVERY_REQUESTED, {"delivery": delivery.id, "set": values}


def values_to_write(
    verdict: RoutingResult, seen: StoredTicket, connection: StoreConnection, caps: Capabilities, catalogue: Catalogue
) -> dict[str, str]:
    """What shall be written: what was decided, the store can set and has, nobody has set, and does not stand there yet.

    Nothing for a ticket that somebody has taken, that is done with, or that stands where we do not sort.
    """
    if seen.assignee is not None or seen.status not in ("new", "open") or not connection.is_in_intake(seen.queue):
        return {}
    wanted: dict[str, str] = {}
    if verdict.placement.reason.code in PLACING_TARGETS:
        wanted["queue"] = verdict.placement.queue
    wanted |= {change.field: change.value for change in verdict.changes if change.source == "machine"}
    if seen.category is not None:
        wanted.pop("category", None)
    wanted = {name: value for name, value in wanted.items() if name in caps.settable_fields - seen.set_by_people}
    lacking = catalogue.find_unavailable(wanted, seen.queue)
    return {name: value for name, value in wanted.items() if name not in lacking and seen.value(name) != value}


def settle_delivery(
    conn: Connection,
    scheduler: DeliveryScheduler,
    connection: StoreConnection,
    row: Row[Any],
    outcome: DeliveryOutcome,
    read_at: datetime,
    at: datetime,
) -> None:
    """Write down what became of a delivery that needs no second attempt: done, or parked for a person."""
    why = {name: storable(reason)[:1000] for name, reason in outcome.reasons.items()}
    if outcome.observed is not None:
        _, known = mirror.find_by_ticket(conn, row.ticket_id) or _raise_not_mirrored(row)
        wished = deliveries.written_values(conn, [row.ticket_id]).get(row.ticket_id, [])
        ours = Actor("machine", "deskyard")
        steps = mirror.update_from_store(
            conn, connection, outcome.observed, known, read_at, wished, ours, at, row.decision
        )
        corrections.record(conn, row.ticket_id, steps, at)
    content = {"delivery": row.marker, "result": outcome.result.value, "why": why}
    Journal.record(conn, Journal.make_header(conn, row.ticket_id, at), (DELIVERED, content))
    if outcome.result in (*WRITTEN_RESULTS, DeliveryResult.CONFLICT):
        deliveries.OUTBOX.complete(conn, row.id, outcome.result.value, why, at)
    else:
        deliveries.OUTBOX.park(conn, row.id, outcome.result.value, why, at)
    if outcome.result in WRITTEN_RESULTS and row.wanted.get("queue"):
        scheduler.enqueue_notices(conn, row.ticket_id, row.wanted["queue"], row.decision, EVENT_ROUTED)


def _is_filed_since_connection(seen: StoredTicket, connection: StoreConnection) -> bool:
    """Whether a ticket that is not mirrored is for us: filed since we were connected."""
    filed = seen.ticket.created_at or seen.updated_at
    return filed >= connection.since


def _storable_ticket(seen: StoredTicket, connection: StoreConnection) -> Ticket:
    """The ticket under the connection's name, in texts that every database keeps."""
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
    raise LookupError(f"ticket {row.ticket_id} of delivery {row.id} is mirrored nowhere")
