"""The workflows of the sync engine: deliver, fetch, pull, send and tidy. Each may be interrupted at any step.

Further work is enqueued by the `WorkScheduler` in the transaction that records the outcome. Nothing here depends on
DBOS.
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
from deskyard.sync import connections, deliveries, left_out_mails, mirror
from deskyard.sync.connections import StoreConnection
from deskyard.sync.outbox import Outbox
from service.notifications import dispatch
from service.runtime.context import AppContext
from service.sync import ingest, mail_intake
from service.sync.executor_leases import ExecutorLeases
from service.sync.store_pool import StorePool

log: Final = structlog.get_logger(__name__)

PAGE_SIZE: Final = 100
"""Most tickets that one transaction takes over."""

RETENTION: Final = timedelta(days=90)
"""How long settled deliveries, notices, and the record of left-out mails are kept."""

RETENTION_ACTOR: Final = Actor("rule", "retention")

P = ParamSpec("P")
R = TypeVar("R")


class WorkScheduler(ingest.DeliveryScheduler, Protocol):
    """Enqueues work."""

    def retry_delivery(self, conn: Connection, row: Row[Any], attempt: int, after: float) -> None:
        """Enqueue the next attempt at a delivery, `after` seconds from now."""
        ...

    def retry_notice(self, conn: Connection, row: Row[Any], attempt: int, after: float) -> None:
        """Enqueue the next attempt at a notice, `after` seconds from now."""
        ...

    def is_stopping(self) -> bool:
        """Whether this process is stopping."""
        ...


class Workflows:
    """The workflows of one process."""

    def __init__(
        self, context: AppContext, stores: StorePool, executors: ExecutorLeases, scheduler: WorkScheduler
    ) -> None:
        """`executors`: the lease of this process, and which processes are alive."""
        self.context, self.stores, self.executors, self.scheduler = context, stores, executors, scheduler
        self.database: Database = context.database
        self._running = 0
        self._condition = threading.Condition()

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """A context manager around work that `wait_until_idle` waits for."""
        with self._condition:
            self._running += 1
        try:
            yield
        finally:
            with self._condition:
                self._running -= 1
                self._condition.notify_all()

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until no work is running, for `seconds` at most."""
        with self._condition:
            self._condition.wait_for(lambda: not self._running, seconds)

    def deliver(self, number: int, attempt: int) -> None:
        """Write a delivery, read it back, and settle it, retry it later, or park it for a person."""
        row = retry_database_errors(self._claim, deliveries.OUTBOX, number, attempt)
        if row is None:
            return
        connection = retry_database_errors(self._connection, row.connection_id)
        if not connection.active:
            outcome = DeliveryOutcome(DeliveryResult.REJECTED, None, {"store": f"{connection.name} was disconnected"})
            retry_database_errors(self._settle, connection, row, outcome, datetime.now(UTC))
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
        """Read one ticket; if it can't be read now, the next pull reads it."""
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
            ingest.ingest, self.context, self.scheduler, connection, store.caps, catalogue, seen, read_at
        )

    def pull(self, connection_id: int) -> None:
        """Read the changed tickets page by page; each page is stored together with the cursor of the next."""
        more = True
        while more and not self.scheduler.is_stopping():
            connection = retry_database_errors(self._connection, connection_id)
            if not connection.active or _pause_seconds(connection):
                return
            try:
                more = (
                    mail_intake.pull_mail(self.context, connection)
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
        """Send one notice by its channel."""
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
        """Delete deliveries and notices settled, and records of mails left out, before the retention period."""
        with self.database.writing() as conn:
            for outbox in (deliveries.OUTBOX, dispatch.OUTBOX):
                outbox.delete_done(conn, datetime.now(UTC) - RETENTION)
            left_out_mails.delete_before(conn, datetime.now(UTC) - RETENTION)

    def erase_expired(self) -> None:
        """Erase the texts of solved tickets after the retention period of the policy."""
        with self.database.reading() as conn:
            days = Policies.current(conn).policy.retention_days
        if days is None:
            return
        erased = erasure.erase_expired(
            self.database,
            days,
            RETENTION_ACTOR,
            lambda: datetime.now(UTC),
            lambda: not self.scheduler.is_stopping(),  # checked between two batches
        )
        if erased:
            self.context.explanations.forget()
            is_scrubbed = self.database.scrub()
            log.info("expired", tickets=erased, days=days, clean=is_scrubbed)

    def _pull_page(self, connection: StoreConnection) -> bool:
        read_at = datetime.now(UTC)
        store: TicketStore = self.stores.get(connection)
        page, catalogue = store.pull(connection.cursor, PAGE_SIZE), store.catalogue()
        seen = self._with_changes_by_people(store, connection, page.tickets)
        result = retry_database_errors(
            ingest.ingest,
            self.context,
            self.scheduler,
            connection,
            store.caps,
            catalogue,
            seen,
            read_at,
            page.cursor,
        )
        if result.new or result.changed:
            log.info(
                "pulled",
                store=connection.name,
                new=result.new,
                changed=result.changed,
                deliveries=result.deliveries,
            )
        return page.more and not result.superseded

    def _with_changes_by_people(
        self, store: TicketStore, connection: StoreConnection, seen: Sequence[StoredTicket]
    ) -> list[StoredTicket]:
        """The same tickets, with the fields of new ones that people set before, if the store tells who changed what."""
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
        except Exception as error:  # a bug in a connector must not lose a delivery
            log.exception("delivery_failed", delivery=row.marker)
            return DeliveryOutcome(DeliveryResult.RETRY_LATER, None, {"deskyard": type(error).__name__}, 5.0)

    def _claim(self, outbox: Outbox, number: int, attempt: int) -> Row[Any] | None:
        with self.database.writing() as conn:
            is_alive = self.executors.living_processes(conn)
            return outbox.claim(conn, number, attempt, self.executors.process_id, is_alive, datetime.now(UTC))

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
        enqueue: Callable[[Connection, Row[Any], int, float], None],
        row: Row[Any],
        why: Mapping[str, str],
        after: float,
        is_failure: bool,
    ) -> None:
        with self.database.writing() as conn:
            if outbox.is_claimed_by(conn, row.id, row.attempt, self.executors.process_id):
                following = outbox.reschedule(conn, row, why, datetime.now(UTC), after, is_failure=is_failure)
                if following is not None:
                    enqueue(conn, row, *following)

    def _connection(self, number: int) -> StoreConnection:
        with self.database.reading() as conn:
            return connections.get_connection(conn, number)

    def _record_error(self, connection: StoreConnection, message: str) -> None:
        with self.database.writing() as conn:
            connections.set_trouble(conn, connection.id, message)

    def _pause(self, connection: StoreConnection, seconds: float) -> None:
        with self.database.writing() as conn:
            connections.pause_until(conn, connection.id, datetime.now(UTC) + timedelta(seconds=seconds))


def retry_database_errors(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `work`, and again while the database is unavailable, so that the outcome of an external call is recorded."""
    for attempt in stamina.retry_context(on=DBAPIError, attempts=None, timeout=120, wait_initial=0.2, wait_max=3):
        with attempt:
            return work(*args, **kwargs)
    raise AssertionError("unreachable")


def _is_changed_since_filing(seen: StoredTicket) -> bool:
    created_at = seen.ticket.created_at
    return created_at is None or seen.updated_at - created_at > timedelta(seconds=1)


def _pause_seconds(connection: StoreConnection) -> float:
    """Seconds for which a help desk must not be called yet."""
    if connection.held_until is None:
        return 0.0
    return max(0.0, (connection.held_until - datetime.now(UTC)).total_seconds())
