"""The durable work itself: what each workflow of the engine does, in steps that may be cut off anywhere.

In come numbers of rows and connections; out go calls to help desks and channels, and what became of them. What is to be
done next is handed to `Hands` in the transaction that says so. Nothing here knows who runs it.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, ParamSpec, Protocol, TypeVar

import stamina
import structlog
from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError

from deskyard.connectors.base.ticket_store import Outcome, Result, StoredTicket, TicketStore
from deskyard.db.database import Database
from deskyard.desk.ticket_history import Actor
from deskyard.errors import DeskyardError, NotAllowed, NotThere, StoreUnreachable
from deskyard.policy.versions import Policies
from deskyard.privacy import erasure
from deskyard.sync import connections, deliveries, mirror
from deskyard.sync.connections import StoreConnection
from deskyard.sync.outbox import Outbox
from service.notifications import dispatch
from service.runtime.context import Yard
from service.sync import ingest, mail_intake
from service.sync.executor_leases import Executors
from service.sync.store_pool import Opened

log: Final = structlog.get_logger(__name__)

PAGE: Final = 100
"""Tickets that one transaction takes over."""

KEPT: Final = timedelta(days=90)
"""How long settled deliveries and notices are remembered."""

ME: Final = Actor("rule", "retention")

Given = ParamSpec("Given")
Made = TypeVar("Made")


class Hands(ingest.Hands, Protocol):
    """Who hands work out."""

    def deliver_later(self, conn: Connection, row: Row[Any], attempt: int, after: float) -> None:
        """The next attempt at a delivery, so many seconds from now."""
        ...

    def send_later(self, conn: Connection, row: Row[Any], attempt: int, after: float) -> None:
        """The next attempt at a notice."""
        ...

    def stopping(self) -> bool:
        """Whether this process is about to end."""
        ...


class Work:
    """The work of one process."""

    def __init__(self, yard: Yard, stores: Opened, executors: Executors, hands: Hands) -> None:
        """`executors` says who we are, and who else lives."""
        self.yard, self.stores, self.executors, self.hands = yard, stores, executors, hands
        self.database: Database = yard.database
        self._in_hand = 0
        self._counting = threading.Condition()

    @contextmanager
    def in_hand(self) -> Iterator[None]:
        """Something that is to be finished before the process ends."""
        with self._counting:
            self._in_hand += 1
        try:
            yield
        finally:
            with self._counting:
                self._in_hand -= 1
                self._counting.notify_all()

    def finish(self, seconds: float) -> None:
        """Wait until nothing is in hand, so long at most."""
        with self._counting:
            self._counting.wait_for(lambda: not self._in_hand, seconds)

    def deliver(self, number: int, attempt: int) -> None:
        """Write a delivery, read it back, and settle it: done, later, or parked for a person."""
        row = patiently(self._take, deliveries.OUTBOX, number, attempt)
        if row is None:
            return
        connection = patiently(self._connection, row.connection_id)
        if not connection.active:
            left = Outcome(Result.REJECTED, None, {"store": f"{connection.name} was disconnected"})
            patiently(self._settle, connection, row, left, datetime.now(UTC))
            return
        if wait := _held(connection):
            patiently(self._later, deliveries.OUTBOX, self.hands.deliver_later, row, {}, wait, False)
            return
        outcome = self._apply(connection, row)
        read_at = datetime.now(UTC)
        if outcome.result is Result.RETRY_LATER:
            after = outcome.retry_after or 1.0
            patiently(self._hold, connection, after)
            patiently(self._later, deliveries.OUTBOX, self.hands.deliver_later, row, outcome.why, after, True)
        else:
            patiently(self._settle, connection, row, outcome, read_at)
        log.info("delivery", delivery=row.marker, result=outcome.result.value, store=connection.name)

    def fetch(self, connection_id: int, ref: str) -> None:
        """Read one ticket; where it can't be read now, the next pull brings it."""
        connection = patiently(self._connection, connection_id)
        if connection.kind == mail_intake.KIND or not connection.active or _held(connection):
            return
        read_at = datetime.now(UTC)
        try:
            store = self.stores.of(connection)
            seen, catalogue = self._touched(store, connection, [store.fetch(ref)]), store.catalogue()
        except NotThere:
            return
        except DeskyardError as error:
            log.warning("fetch_failed", store=connection.name, error=type(error).__name__)
            return
        patiently(ingest.receive, self.yard, self.hands, connection, store.caps, catalogue, seen, read_at)

    def pull(self, connection_id: int) -> None:
        """Read what changed, page by page, each kept together with the place where the next one begins."""
        more = True
        while more and not self.hands.stopping():
            connection = patiently(self._connection, connection_id)
            if not connection.active or _held(connection):
                return
            try:
                more = (
                    mail_intake.pull(self.yard, connection)
                    if connection.kind == mail_intake.KIND
                    else self._pull_page(connection)
                )
            except DeskyardError as error:
                log.warning("pull_failed", store=connection.name, error=type(error).__name__)
                patiently(self._trouble, connection, str(error))
                if isinstance(error, StoreUnreachable):
                    patiently(self._hold, connection, error.retry_after)
                return

    def send(self, number: int, attempt: int) -> None:
        """Tell one channel of one ticket."""
        row = patiently(self._take, dispatch.OUTBOX, number, attempt)
        if row is None:
            return
        failed = dispatch.send(self.database, row)
        if failed is not None and failed.after is not None:
            patiently(self._later, dispatch.OUTBOX, self.hands.send_later, row, failed.why, failed.after, True)
        else:
            patiently(self._sent, row, failed)

    def forget_old(self) -> None:
        """Forget what was settled long ago."""
        with self.database.writing() as conn:
            for outbox in (deliveries.OUTBOX, dispatch.OUTBOX):
                outbox.forget(conn, datetime.now(UTC) - KEPT)

    def expire(self) -> None:
        """Erase the texts of solved tickets that were kept as long as the policy says."""
        with self.database.reading() as conn:
            days = Policies.current(conn).policy.retention_days
        if days is None:
            return
        go_on = lambda: not self.hands.stopping()  # noqa: E731 - asked between two batches
        erased = erasure.expire(self.database, days, ME, lambda: datetime.now(UTC), go_on)
        if erased:
            self.yard.explaining.forget()
            clean = self.database.scrub()
            log.info("expired", tickets=erased, days=days, clean=clean)

    def _pull_page(self, connection: StoreConnection) -> bool:
        read_at = datetime.now(UTC)
        store: TicketStore = self.stores.of(connection)
        page, catalogue = store.pull(connection.cursor, PAGE), store.catalogue()
        seen = self._touched(store, connection, page.tickets)
        given = (connection, store.caps, catalogue, seen, read_at, page.cursor)
        done = patiently(ingest.receive, self.yard, self.hands, *given)
        if done.new or done.changed:
            log.info("pulled", store=connection.name, new=done.new, changed=done.changed, wished=done.deliveries)
        return page.more and not done.overtaken

    def _touched(
        self, store: TicketStore, connection: StoreConnection, seen: Sequence[StoredTicket]
    ) -> list[StoredTicket]:
        """The same tickets, each new one with the fields that people set before we saw it, where the store tells."""
        if not store.caps.moves:
            return list(seen)
        known = patiently(self._known, connection, [one.ref for one in seen])
        return [
            one
            if one.ref in known or not _changed_since_filed(one)
            else replace(one, by_people=one.by_people | {m.field for m in store.moves(one.ref) if not m.ours})
            for one in seen
        ]

    def _known(self, connection: StoreConnection, refs: Sequence[str]) -> set[str]:
        with self.database.reading() as conn:
            return set(mirror.known(conn, connection.id, refs))

    def _apply(self, connection: StoreConnection, row: Row[Any]) -> Outcome:
        try:
            return self.stores.of(connection).apply(deliveries.delivery(row))
        except NotAllowed as error:
            patiently(self._trouble, connection, str(error))
            return Outcome(Result.REJECTED, None, {"store": str(error)})
        except StoreUnreachable as error:
            return Outcome(Result.RETRY_LATER, None, {"store": str(error)}, error.retry_after)
        except DeskyardError as error:
            return Outcome(Result.REJECTED, None, {"store": str(error)})
        except Exception as error:  # a bug in a store must not lose a delivery
            log.exception("delivery_failed", delivery=row.marker)
            return Outcome(Result.RETRY_LATER, None, {"deskyard": type(error).__name__}, 5.0)

    def _take(self, outbox: Outbox, number: int, attempt: int) -> Row[Any] | None:
        with self.database.writing() as conn:
            lives = self.executors.living(conn)
            return outbox.begin(conn, number, attempt, self.executors.me, lives, datetime.now(UTC))

    def _settle(self, connection: StoreConnection, row: Row[Any], outcome: Outcome, read_at: datetime) -> None:
        with self.database.writing() as conn:
            if deliveries.OUTBOX.mine(conn, row.id, row.attempt, self.executors.me):
                ingest.settle(conn, self.hands, connection, row, outcome, read_at, datetime.now(UTC))

    def _sent(self, row: Row[Any], failed: dispatch.Failed | None) -> None:
        with self.database.writing() as conn:
            if dispatch.OUTBOX.mine(conn, row.id, row.attempt, self.executors.me):
                if failed is None:
                    dispatch.OUTBOX.end(conn, row.id, "sent", {}, datetime.now(UTC))
                else:
                    dispatch.OUTBOX.park(conn, row.id, "refused", failed.why, datetime.now(UTC))

    def _later(
        self,
        outbox: Outbox,
        hand_out: Callable[[Connection, Row[Any], int, float], None],
        row: Row[Any],
        why: Mapping[str, str],
        after: float,
        counts: bool,
    ) -> None:
        with self.database.writing() as conn:
            if outbox.mine(conn, row.id, row.attempt, self.executors.me):
                following = outbox.later(conn, row, why, datetime.now(UTC), after, counts=counts)
                if following is not None:
                    hand_out(conn, row, *following)

    def _connection(self, number: int) -> StoreConnection:
        with self.database.reading() as conn:
            return connections.get(conn, number)

    def _trouble(self, connection: StoreConnection, told: str) -> None:
        with self.database.writing() as conn:
            connections.in_trouble(conn, connection.id, told)

    def _hold(self, connection: StoreConnection, seconds: float) -> None:
        with self.database.writing() as conn:
            connections.held(conn, connection.id, datetime.now(UTC) + timedelta(seconds=seconds))


def patiently(work: Callable[Given, Made], *given: Given.args, **named: Given.kwargs) -> Made:
    """Do it, and again while the database is away: what was done outside must be written down."""
    for attempt in stamina.retry_context(on=DBAPIError, attempts=None, timeout=120, wait_initial=0.2, wait_max=3):
        with attempt:
            return work(*given, **named)
    raise AssertionError("unreachable")


def _changed_since_filed(seen: StoredTicket) -> bool:
    filed = seen.ticket.created_at
    return filed is None or seen.updated_at - filed > timedelta(seconds=1)


def _held(connection: StoreConnection) -> float:
    """Seconds for which a help desk does not want to be called."""
    if connection.held_until is None:
        return 0.0
    return max(0.0, (connection.held_until - datetime.now(UTC)).total_seconds())
