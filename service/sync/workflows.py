"""The durable work itself: what each workflow of the engine does, in steps that may be cut off anywhere.

In come numbers of rows and connections; out go calls to help desks and channels, and what became of them. What is to be
done next is handed to `WorkScheduler` in the transaction that says so. Nothing here knows who runs it.
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

from deskyard.connectors.base.ticket_store import DeliveryOutcome, DeliveryResult, StoredTicket, TicketStore
from deskyard.db.database import Database
from deskyard.domain.actors import Actor
from deskyard.errors import AccessDenied, DeskyardError, NotFound, StoreUnreachable
from deskyard.policy.versions import Policies
from deskyard.privacy import erasure
from deskyard.sync import connections, deliveries, mirror
from deskyard.sync.connections import StoreConnection
from deskyard.sync.outbox import Outbox
from service.notifications import dispatch
from service.runtime.context import AppContext
from service.sync import ingest, mail_intake
from service.sync.executor_leases import ExecutorLeases
from service.sync.store_pool import StorePool

log: Final = structlog.get_logger(__name__)

PAGE_SIZE: Final = 100
"""Tickets that one transaction takes over."""

RETENTION: Final = timedelta(days=90)
"""How long settled deliveries and notices are remembered."""

RETENTION_ACTOR: Final = Actor("rule", "retention")

Given = ParamSpec("Given")
Made = TypeVar("Made")


class WorkScheduler(ingest.DeliveryScheduler, Protocol):
    """Who hands work out."""

    def retry_delivery(self, conn: Connection, row: Row[Any], attempt: int, after: float) -> None:
        """The next attempt at a delivery, so many seconds from now."""
        ...

    def retry_notice(self, conn: Connection, row: Row[Any], attempt: int, after: float) -> None:
        """The next attempt at a notice."""
        ...

    def is_stopping(self) -> bool:
        """Whether this process is about to end."""
        ...


class Workflows:
    """The work of one process."""

    def __init__(
        self, context: AppContext, stores: StorePool, executors: ExecutorLeases, scheduler: WorkScheduler
    ) -> None:
        """`executors` says who we are, and who else lives."""
        self.yard, self.stores, self.executors, self.scheduler = context, stores, executors, scheduler
        self.database: Database = context.database
        self._in_hand = 0
        self._counting = threading.Condition()

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """Something that is to be finished before the process ends."""
        with self._counting:
            self._in_hand += 1
        try:
            yield
        finally:
            with self._counting:
                self._in_hand -= 1
                self._counting.notify_all()

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until nothing is in hand, so long at most."""
        with self._counting:
            self._counting.wait_for(lambda: not self._in_hand, seconds)

    def deliver(self, number: int, attempt: int) -> None:
        """Write a delivery, read it back, and settle it: done, later, or parked for a person."""
        row = retry_database_errors(self._claim, deliveries.OUTBOX, number, attempt)
        if row is None:
            return
        connection = retry_database_errors(self._connection, row.connection_id)
        if not connection.active:
            left = DeliveryOutcome(DeliveryResult.REJECTED, None, {"store": f"{connection.name} was disconnected"})
            retry_database_errors(self._settle, connection, row, left, datetime.now(UTC))
            return
        if wait := _pause_seconds(connection):
            retry_database_errors(
                self._reschedule, deliveries.OUTBOX, self.scheduler.retry_delivery, row, {}, wait, False
            )
            return
        outcome = self._apply(connection, row)
        read_at = datetime.now(UTC)
        if outcome.result is DeliveryResult.RETRY_LATER:
            after = outcome.retry_after or 1.0
            retry_database_errors(self._pause, connection, after)
            retry_database_errors(
                self._reschedule, deliveries.OUTBOX, self.scheduler.retry_delivery, row, outcome.reasons, after, True
            )
        else:
            retry_database_errors(self._settle, connection, row, outcome, read_at)
        log.info("delivery", delivery=row.marker, result=outcome.result.value, store=connection.name)

    def fetch(self, connection_id: int, ref: str) -> None:
        """Read one ticket; where it can't be read now, the next pull brings it."""
        connection = retry_database_errors(self._connection, connection_id)
        if connection.kind == mail_intake.MAIL_KIND or not connection.active or _pause_seconds(connection):
            return
        read_at = datetime.now(UTC)
        try:
            store = self.stores.get(connection)
            seen, catalogue = self._with_changes_by_people(store, connection, [store.fetch(ref)]), store.catalogue()
        except NotFound:
            return
        except DeskyardError as error:
            log.warning("fetch_failed", store=connection.name, error=type(error).__name__)
            return
        retry_database_errors(
            ingest.ingest, self.yard, self.scheduler, connection, store.caps, catalogue, seen, read_at
        )

    def pull(self, connection_id: int) -> None:
        """Read what changed, page by page, each kept together with the place where the next one begins."""
        more = True
        while more and not self.scheduler.is_stopping():
            connection = retry_database_errors(self._connection, connection_id)
            if not connection.active or _pause_seconds(connection):
                return
            try:
                more = (
                    mail_intake.pull_mail(self.yard, connection)
                    if connection.kind == mail_intake.MAIL_KIND
                    else self._pull_page(connection)
                )
            except DeskyardError as error:
                log.warning("pull_failed", store=connection.name, error=type(error).__name__)
                retry_database_errors(self._record_error, connection, str(error))
                if isinstance(error, StoreUnreachable):
                    retry_database_errors(self._pause, connection, error.retry_after)
                return

    def send(self, number: int, attempt: int) -> None:
        """Tell one channel of one ticket."""
        row = retry_database_errors(self._claim, dispatch.OUTBOX, number, attempt)
        if row is None:
            return
        failed = dispatch.send_notice(self.database, row)
        if failed is not None and failed.retry_after is not None:
            retry_database_errors(
                self._reschedule,
                dispatch.OUTBOX,
                self.scheduler.retry_notice,
                row,
                failed.reason,
                failed.retry_after,
                True,
            )
        else:
            retry_database_errors(self._finish_notice, row, failed)

    def delete_old_rows(self) -> None:
        """Forget what was settled long ago."""
        with self.database.writing() as conn:
            for outbox in (deliveries.OUTBOX, dispatch.OUTBOX):
                outbox.delete_done(conn, datetime.now(UTC) - RETENTION)

    def erase_expired(self) -> None:
        """Erase the texts of solved tickets that were kept as long as the policy says."""
        with self.database.reading() as conn:
            days = Policies.current(conn).policy.retention_days
        if days is None:
            return
        go_on = lambda: not self.scheduler.is_stopping()  # noqa: E731 - asked between two batches
        erased = erasure.erase_expired(self.database, days, RETENTION_ACTOR, lambda: datetime.now(UTC), go_on)
        if erased:
            self.yard.explanations.forget()
            clean = self.database.scrub()
            log.info("expired", tickets=erased, days=days, clean=clean)

    def _pull_page(self, connection: StoreConnection) -> bool:
        read_at = datetime.now(UTC)
        store: TicketStore = self.stores.get(connection)
        page, catalogue = store.pull(connection.cursor, PAGE_SIZE), store.catalogue()
        seen = self._with_changes_by_people(store, connection, page.tickets)
        given = (connection, store.caps, catalogue, seen, read_at, page.cursor)
        done = retry_database_errors(ingest.ingest, self.yard, self.scheduler, *given)
        if done.new or done.changed:
            log.info("pulled", store=connection.name, new=done.new, changed=done.changed, wished=done.deliveries)
        return page.more and not done.superseded

    def _with_changes_by_people(
        self, store: TicketStore, connection: StoreConnection, seen: Sequence[StoredTicket]
    ) -> list[StoredTicket]:
        """The same tickets, each new one with the fields that people set before we saw it, where the store tells."""
        if not store.caps.moves:
            return list(seen)
        known = retry_database_errors(self._known_refs, connection, [one.ref for one in seen])
        return [
            one
            if one.ref in known or not _is_changed_since_filing(one)
            else replace(
                one,
                set_by_people=one.set_by_people | {m.field for m in store.fetch_moves(one.ref) if not m.by_deskyard},
            )
            for one in seen
        ]

    def _known_refs(self, connection: StoreConnection, refs: Sequence[str]) -> set[str]:
        with self.database.reading() as conn:
            return set(mirror.find_mirrored(conn, connection.id, refs))

    def _apply(self, connection: StoreConnection, row: Row[Any]) -> DeliveryOutcome:
        try:
            return self.stores.get(connection).apply(deliveries.to_delivery(row))
        except AccessDenied as error:
            retry_database_errors(self._record_error, connection, str(error))
            return DeliveryOutcome(DeliveryResult.REJECTED, None, {"store": str(error)})
        except StoreUnreachable as error:
            return DeliveryOutcome(DeliveryResult.RETRY_LATER, None, {"store": str(error)}, error.retry_after)
        except DeskyardError as error:
            return DeliveryOutcome(DeliveryResult.REJECTED, None, {"store": str(error)})
        except Exception as error:  # a bug in a store must not lose a delivery
            log.exception("delivery_failed", delivery=row.marker)
            return DeliveryOutcome(DeliveryResult.RETRY_LATER, None, {"deskyard": type(error).__name__}, 5.0)

    def _claim(self, outbox: Outbox, number: int, attempt: int) -> Row[Any] | None:
        with self.database.writing() as conn:
            lives = self.executors.living_processes(conn)
            return outbox.claim(conn, number, attempt, self.executors.process_id, lives, datetime.now(UTC))

    def _settle(self, connection: StoreConnection, row: Row[Any], outcome: DeliveryOutcome, read_at: datetime) -> None:
        with self.database.writing() as conn:
            if deliveries.OUTBOX.is_claimed_by(conn, row.id, row.attempt, self.executors.process_id):
                ingest.settle_delivery(conn, self.scheduler, connection, row, outcome, read_at, datetime.now(UTC))

    def _finish_notice(self, row: Row[Any], failed: dispatch.SendFailure | None) -> None:
        with self.database.writing() as conn:
            if dispatch.OUTBOX.is_claimed_by(conn, row.id, row.attempt, self.executors.process_id):
                if failed is None:
                    dispatch.OUTBOX.complete(conn, row.id, "sent", {}, datetime.now(UTC))
                else:
                    dispatch.OUTBOX.park(conn, row.id, "refused", failed.reason, datetime.now(UTC))

    def _reschedule(
        self,
        outbox: Outbox,
        hand_out: Callable[[Connection, Row[Any], int, float], None],
        row: Row[Any],
        why: Mapping[str, str],
        after: float,
        counts: bool,
    ) -> None:
        with self.database.writing() as conn:
            if outbox.is_claimed_by(conn, row.id, row.attempt, self.executors.process_id):
                following = outbox.reschedule(conn, row, why, datetime.now(UTC), after, is_failure=counts)
                if following is not None:
                    hand_out(conn, row, *following)

    def _connection(self, number: int) -> StoreConnection:
        with self.database.reading() as conn:
            return connections.get_connection(conn, number)

    def _record_error(self, connection: StoreConnection, message: str) -> None:
        with self.database.writing() as conn:
            connections.set_trouble(conn, connection.id, message)

    def _pause(self, connection: StoreConnection, seconds: float) -> None:
        with self.database.writing() as conn:
            connections.pause_until(conn, connection.id, datetime.now(UTC) + timedelta(seconds=seconds))


def retry_database_errors(work: Callable[Given, Made], *given: Given.args, **named: Given.kwargs) -> Made:
    """Do it, and again while the database is away: what was done outside must be written down."""
    for attempt in stamina.retry_context(on=DBAPIError, attempts=None, timeout=120, wait_initial=0.2, wait_max=3):
        with attempt:
            return work(*given, **named)
    raise AssertionError("unreachable")


def _is_changed_since_filing(seen: StoredTicket) -> bool:
    filed = seen.ticket.created_at
    return filed is None or seen.updated_at - filed > timedelta(seconds=1)


def _pause_seconds(connection: StoreConnection) -> float:
    """Seconds for which a help desk does not want to be called."""
    if connection.held_until is None:
        return 0.0
    return max(0.0, (connection.held_until - datetime.now(UTC)).total_seconds())
