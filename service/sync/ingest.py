"""The road of a foreign ticket: mirror it, decide, and keep what is to be written, in one transaction.

In come tickets as a store shows them; out goes what was new and what changed. The help desk itself is only read before
and written after (`service.sync.dbos_engine`), never inside. A ticket that somebody has taken, or that stands in a queue which is
not ours to sort, is decided on and not touched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Row

from deskyard.connectors.base.ticket_store import Capabilities, Delivery, Outcome, Result, StoredTicket
from deskyard.db.tables.base import storable
from deskyard.desk import queues, ticket_history
from deskyard.desk.ticket_history import Actor, Step
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import Ticket
from deskyard.journal.journal import DELIVERED, WISHED, Event, Journal, Stamp
from deskyard.policy.policy import PLACING, Verdict
from deskyard.policy.versions import Policies
from deskyard.sync import connections, deliveries, mirror
from deskyard.sync.connections import StoreConnection
from deskyard.sync.mirror import Known
from deskyard.sync.notifications import ROUTED
from service.runtime.context import Yard
from service.sync import decision_note
from service.tickets import corrections, decision_record
from service.tickets.decision_record import Decided, InForce, Judged

WRITTEN: Final = (Result.APPLIED, Result.ALREADY_APPLIED)


class Hands(Protocol):
    """Who writes what is kept, later."""

    def deliver(self, conn: Connection, connection: StoreConnection, number: int, urgency: int) -> None:
        """Hand a delivery out, in the transaction that keeps it."""
        ...

    def told(self, conn: Connection, ticket: int, queue: str, decision: int, event: str) -> None:
        """A ticket reached a queue: tell whoever wants to know."""
        ...


@dataclass(frozen=True, slots=True)
class Received:
    """What a reading brought: tickets that were new, that had changed, and deliveries that were made of it.

    `overtaken`: somebody else reads the same pages, and is farther.
    """

    new: int
    changed: int
    deliveries: int
    overtaken: bool = False


def receive(
    yard: Yard,
    hands: Hands,
    connection: StoreConnection,
    caps: Capabilities,
    catalogue: Catalogue,
    seen: Sequence[StoredTicket],
    read_at: datetime,
    cursor: str | None = None,
) -> Received:
    """Take over tickets as they were read at `read_at`, and how far the reading came, in one transaction.

    The same tickets again, in whatever order, change nothing.
    """
    newest = {one.ref: one for one in sorted(seen, key=lambda one: (one.updated_at, one.version))}
    with yard.database.reading() as conn:
        there = mirror.known(conn, connection.id, newest)
        in_force = Policies.current(conn).policy
    fresh = {ref: one for ref, one in newest.items() if ref not in there and _ours(one, connection)}
    filed = {ref: _ticket(one, connection) for ref, one in fresh.items()}
    champion, at = yard.models.champion, datetime.now(UTC)
    deciding = InForce(champion, in_force, at)
    judged = deciding.judge(filed)
    made = _Receiving(hands, connection, caps, catalogue, deciding, read_at)
    with yard.database.writing() as conn:
        queues.ensure(conn, catalogue.queues)
        there = mirror.known(conn, connection.id, newest, to_change=True)
        for ref, ticket in filed.items():
            if ref not in there:
                made.file(conn, replace(fresh[ref], ticket=ticket), judged[ref])
        made.decide(conn)
        made.observe(conn, there, newest)
        overtaken = cursor is not None and not connections.read_to(conn, connection, cursor, at)
    return Received(made.new, made.changed, made.deliveries, overtaken)


class _Receiving:
    """One transaction in which tickets are taken over."""

    def __init__(
        self,
        hands: Hands,
        connection: StoreConnection,
        caps: Capabilities,
        catalogue: Catalogue,
        deciding: InForce,
        read_at: datetime,
    ) -> None:
        self.hands, self.connection, self.caps, self.catalogue = hands, connection, caps, catalogue
        self.deciding, self.at, self.read_at = deciding, deciding.at, read_at
        self.filed: list[tuple[StoredTicket, Decided]] = []
        self.new = self.changed = self.deliveries = 0

    def file(self, conn: Connection, seen: StoredTicket, judged: Judged) -> None:
        """File a new one where it stands. Somebody else may have been faster: then it is not new."""
        number = mirror.file(conn, self.connection, seen, self.at, judged.seal.salt)
        if number is None:
            return
        mirror.make(conn, self.connection, seen, number, self.read_at)
        here = self.catalogue.part(judged.judgement.queues, judged.judgement.agents)
        came = {"source": self.connection.name, "external_id": seen.ref}
        stamp, verdict = self.deciding.stamp(number, judged), judged.judgement.enact(here)
        self.filed.append((seen, Decided(stamp, verdict, here, came, mirror.place(seen))))
        self.new += 1

    def decide(self, conn: Connection) -> None:
        """Write down what was decided on those that were filed, and keep what is to be delivered."""
        there, why = Actor("rule", self.connection.name), f"where it stands in {self.connection.name}"
        entries = decision_record.record(conn, [one for _, one in self.filed])
        ticket_history.take_all(
            conn,
            {one.stamp.ticket_id: [Step(self.at, there, "queue", None, one.place, why)] for _, one in self.filed},
        )
        wishes: list[Event] = []
        for (seen, one), entry in zip(self.filed, entries, strict=True):
            wanted = wish(one.verdict, seen, self.connection, self.caps, self.catalogue)
            if wanted:
                wishes.append(self._keep(conn, seen, one.stamp, one.verdict, entry.id, wanted))
        Journal.record_all(conn, wishes)

    def observe(self, conn: Connection, there: Mapping[str, Known], newest: Mapping[str, StoredTicket]) -> None:
        """Take over what changed in those that were here before."""
        moved = {ref: known for ref, known in there.items() if newest[ref].version != known.version}
        wished = deliveries.wished(conn, [known.number for known in moved.values()])
        for ref, known in moved.items():
            ours = Actor("machine", "deskyard")
            wishes = wished.get(known.number, [])
            steps = mirror.observe(conn, self.connection, newest[ref], known, self.read_at, wishes, ours, self.at)
            if steps:
                self.changed += 1
                corrections.record(conn, known.number, steps, self.at)

    def _keep(
        self,
        conn: Connection,
        seen: StoredTicket,
        stamp: Stamp,
        verdict: Verdict,
        decision: int,
        wanted: dict[str, str],
    ) -> Event:
        expect = {name: seen.value(name) for name in dict.fromkeys((*wanted, "queue", "assignee", "status"))}
        delivery = Delivery(
            id=f"d{decision}-{stamp.ticket_hash[:10]}",
            ref=seen.ref,
            set=wanted,
            expect=expect,
            note=storable(decision_note.written(seen.ticket, verdict, wanted, decision, self.deciding.champion.digest)),
            seen_version=seen.version,
        )
        priority = wanted.get("priority") or seen.priority
        number = deliveries.add(
            conn,
            delivery,
            ticket=stamp.ticket_id,
            connection=self.connection.id,
            decision=decision,
            priority=priority,
            at=self.at,
        )
        self.hands.deliver(conn, self.connection, number, deliveries.urgency(priority))
        self.deliveries += 1
        return stamp, WISHED, {"delivery": delivery.id, "set": wanted}


def wish(
    verdict: Verdict, seen: StoredTicket, connection: StoreConnection, caps: Capabilities, catalogue: Catalogue
) -> dict[str, str]:
    """What shall be written: what was decided, the store can set and has, nobody has set, and does not stand there yet.

    Nothing for a ticket that somebody has taken, that is done with, or that stands where we do not sort.
    """
    if seen.assignee is not None or seen.status not in ("new", "open") or not connection.sorts(seen.queue):
        return {}
    wanted: dict[str, str] = {}
    if verdict.placement.reason.code in PLACING:
        wanted["queue"] = verdict.placement.queue
    wanted |= {change.field: change.value for change in verdict.changes if change.by == "machine"}
    if seen.category is not None:
        wanted.pop("category", None)
    wanted = {name: value for name, value in wanted.items() if name in caps.sets - seen.by_people}
    lacking = catalogue.lacks(wanted, seen.queue)
    return {name: value for name, value in wanted.items() if name not in lacking and seen.value(name) != value}


def settle(
    conn: Connection,
    hands: Hands,
    connection: StoreConnection,
    row: Row[Any],
    outcome: Outcome,
    read_at: datetime,
    at: datetime,
) -> None:
    """Write down what became of a delivery that needs no second attempt: done, or parked for a person."""
    why = {name: storable(reason)[:1000] for name, reason in outcome.why.items()}
    if outcome.observed is not None:
        _, known = mirror.of_ticket(conn, row.ticket_id) or _gone(row)
        wished = deliveries.wished(conn, [row.ticket_id]).get(row.ticket_id, [])
        ours = Actor("machine", "deskyard")
        steps = mirror.observe(conn, connection, outcome.observed, known, read_at, wished, ours, at, row.decision)
        corrections.record(conn, row.ticket_id, steps, at)
    content = {"delivery": row.marker, "result": outcome.result.value, "why": why}
    Journal.record(conn, Journal.stamp(conn, row.ticket_id, at), (DELIVERED, content))
    if outcome.result in (*WRITTEN, Result.CONFLICT):
        deliveries.OUTBOX.end(conn, row.id, outcome.result.value, why, at)
    else:
        deliveries.OUTBOX.park(conn, row.id, outcome.result.value, why, at)
    if outcome.result in WRITTEN and row.wanted.get("queue"):
        hands.told(conn, row.ticket_id, row.wanted["queue"], row.decision, ROUTED)


def _ours(seen: StoredTicket, connection: StoreConnection) -> bool:
    """Whether a ticket that is not mirrored is for us: filed since we were connected."""
    filed = seen.ticket.created_at or seen.updated_at
    return filed >= connection.since


def _ticket(seen: StoredTicket, connection: StoreConnection) -> Ticket:
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


def _gone(row: Row[Any]) -> tuple[int, Known]:
    raise LookupError(f"ticket {row.ticket_id} of delivery {row.id} is mirrored nowhere")
