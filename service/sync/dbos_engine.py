"""The sync engine: durable work with external help desks that survives crashes. The only module that imports DBOS.

A delivery or notice and the workflow that sends it are stored in the transaction of the decision. DBOS assigns
workflows to processes by priority and recovers those of dead processes. Which attempt may act, and its outcome, is kept
in the outbox tables (`deskyard.sync.outbox`), so a workflow may run twice while a delivery is written once.

    deliver   write one delivery, read it back and settle it, retry it later, or park it for a person
    fetch     read one ticket after a webhook
    pull      read the changed tickets, every minute, independently of webhooks
    send      send one notice by its channel
    tidy      once a day: delete old rows, and erase texts after the policy's retention period
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import Connection, Row, create_engine, event, inspect
from sqlalchemy import Engine as SqlEngine
from sqlalchemy.exc import DBAPIError

from deskyard.db.database import Database
from deskyard.policy.versions import Policies
from deskyard.settings import settings
from deskyard.sync import connections, deliveries
from deskyard.sync.connections import StoreConnection
from deskyard.sync.outbox import WORKING, Outbox
from service.notifications import dispatch
from service.runtime.context import AppContext
from service.sync.executor_leases import RENEW_INTERVAL, ExecutorLeases
from service.sync.store_pool import StorePool
from service.sync.workflows import Workflows

log: Final = structlog.get_logger(__name__)

WORKFLOW_VERSION: Final = "deskyard-1"
"""The version of the workflows' names and arguments; changed together with these only. Waiting work of older versions
is enqueued again."""

CONCURRENT_DELIVERIES: Final = 8
"""Most deliveries that one process writes to one help desk at the same time."""

SHUTDOWN_SECONDS: Final = 10.0
"""Seconds in which running work may finish when a process ends; another process does the rest."""

SWEEP_INTERVAL: Final = 5.0
OVERDUE_AFTER: Final = timedelta(seconds=20)
"""Seconds between two searches for lost work, and how late work must be to be examined."""

DBOS_RETENTION: Final = timedelta(days=1)
"""How long DBOS's records of ended workflows are kept; the outbox rows are kept longer."""

STUCK_AFTER: Final = timedelta(minutes=10)
"""A delivery that a living process has held for so long is lost: no external call takes that long."""

_QUEUED_STATES: Final = ["ENQUEUED", "DELAYED"]
_LIVE_STATES: Final = [*_QUEUED_STATES, "PENDING"]
_ENDED_STATES: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_POLL_SECONDS: Final = 0.2

_DBOS_LOG: Final = logging.getLogger("dbos")
_DBOS_LOG.handlers = [logging.NullHandler()]  # else DBOS adds one that keeps the stderr of this moment
_DBOS_LOG.propagate = True
_DBOS_LOG.setLevel(logging.ERROR)


class SyncEngine:
    """The durable work of one process. Work can be enqueued in any process, whether or not this one executes it."""

    def __init__(self, database: Database) -> None:
        """Starts nothing; DBOS's tables are created with the first connection."""
        self.database = database
        self.executors = ExecutorLeases(database)
        self._sql_engine = _create_sql_engine(database)
        self._client: DBOSClient | None = None
        self._workflows: Workflows | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._registered: set[int] = set()
        self.stores = StorePool(database)
        self._swept = self._pulled = 0.0
        self._tidied = ""

    # Enqueueing

    def create_tables(self) -> None:
        """Create DBOS's tables, so that work can be enqueued."""
        if not self._has_tables():
            try:
                self._dbos_client()._sys_db.run_migrations()
            except Exception:
                if not self._has_tables():  # else another process has just created them
                    raise

    def _has_tables(self) -> bool:
        schema = None if self.database.is_sqlite else "dbos"
        return inspect(self._sql_engine).has_table("workflow_status", schema=schema)

    def enqueue_delivery(self, conn: Connection, connection: StoreConnection, number: int, urgency: int) -> None:
        """Enqueue a new delivery."""
        self._enqueue_attempt(conn, "deliver", _queue_name(connection.id), number, 1, urgency)

    def enqueue_notices(self, conn: Connection, ticket: int, queue: str, decision: int, event: str) -> None:
        """Enqueue the notices that a ticket reached a queue."""
        for number in dispatch.add_notifications(conn, ticket, queue, decision, event, datetime.now(UTC)):
            self._enqueue_attempt(conn, "send", "send", number, 1, 1)

    def retry_delivery(self, conn: Connection, row: Row[Any], attempt: int, after: float = 0.0) -> None:
        """Enqueue the next attempt at a delivery, `after` seconds from now."""
        self._enqueue_attempt(conn, "deliver", _queue_name(row.connection_id), row.id, attempt, row.urgency, after)

    def retry_notice(self, conn: Connection, row: Row[Any], attempt: int, after: float = 0.0) -> None:
        """Enqueue the next attempt at a notice, `after` seconds from now."""
        self._enqueue_attempt(conn, "send", "send", row.id, attempt, 1, after)

    def enqueue_fetch(self, conn: Connection, connection: StoreConnection, external_id: str, event_id: str) -> None:
        """Enqueue the reading of a ticket; a repeated event enqueues nothing."""
        self._enqueue(conn, "fetch", "fetch", f"fetch-{connection.id}-{event_id}", [connection.id, external_id])

    def enqueue_pull(self, connection: StoreConnection) -> None:
        """Enqueue a pull of changed tickets, unless one is enqueued for this interval."""
        interval = int(time.time() / settings().pull_interval)
        with self.database.writing() as conn:
            self._enqueue(conn, "pull", "pull", f"pull-{connection.id}-{interval}", [connection.id])

    def _enqueue_attempt(
        self, conn: Connection, kind: str, queue_name: str, number: int, attempt: int, urgency: int, after: float = 0.0
    ) -> None:
        self._enqueue(conn, kind, queue_name, f"{kind}-{number}-{attempt}", [number, attempt], urgency, after)

    def _enqueue(
        self,
        conn: Connection,
        kind: str,
        queue_name: str,
        name: str,
        arguments: Sequence[Any],
        urgency: int = 1,
        after: float = 0.0,
    ) -> None:
        options: Any = {
            "workflow_name": kind,
            "queue_name": queue_name,
            "workflow_id": name,
            "app_version": WORKFLOW_VERSION,
            "priority": urgency,
        }
        if after:
            options["delay_seconds"] = after
        self._dbos_client().enqueue_in_transaction(conn, options, *arguments)

    # Executing

    def start(self, context: AppContext) -> None:
        """Start the thread that executes work as soon as there is a connection, a target or a retention period."""
        self._workflows = Workflows(context, self.stores, self.executors, self)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the running work and stop."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self.is_running:
            self.workflows.wait_until_idle(SHUTDOWN_SECONDS)
            self._shut_down()
        self.stores.close()
        self._sql_engine.dispose()

    @property
    def is_running(self) -> bool:
        """Whether this process executes durable work."""
        return _running.engine is self

    def _run(self) -> None:
        while True:
            try:
                if not self.is_running:
                    self._launch()
                elif not self.executors.renew():
                    log.error("executor_lease_lost", executor=self.executors.name)
                    self._shut_down()
                else:
                    self._tick()
            except DBAPIError as error:
                log.warning("database_unavailable", error=type(error).__name__)
            except Exception:
                log.exception("engine_failed")
            if self._stop.wait(RENEW_INTERVAL if self.is_running else 1.0):
                return

    def _launch(self) -> None:
        with self.database.reading() as conn:
            active = _active_connections(conn)
            expires = Policies.current(conn).policy.retention_days is not None
            has_work = bool(active) or dispatch.has_targets(conn) or expires
        if not has_work or _running.engine is not None or not self.executors.acquire():
            return
        config: DBOSConfig = {
            "name": "deskyard",
            "system_database_engine": self._sql_engine,
            "application_version": WORKFLOW_VERSION,
            "executor_id": self.executors.name,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "ERROR",
            "use_listen_notify": False,
            "enable_otlp": False,
        }
        _running.engine = self
        try:
            DBOS(config=config)
            DBOS.launch()
            for name in ("fetch", "pull", "send", "tidy"):
                DBOS.register_queue(name, worker_concurrency=4, polling_interval_sec=_POLL_SECONDS)
            self._register_queues(active)
            self._cancel_older_versions()
        except BaseException:
            self._shut_down()
            raise
        self._swept = self._pulled = 0.0
        log.info("sync_started", executor=self.executors.name)
        self._tick()

    def _shut_down(self) -> None:
        _running.engine = None
        self._registered.clear()
        DBOS.destroy()
        with suppress(DBAPIError):
            self.executors.release()

    def _register_queues(self, connections_: Sequence[StoreConnection]) -> None:
        """Register a queue for each help desk, so that a slow or rate-limited one does not delay the others."""
        for connection in connections_:
            if connection.id not in self._registered:
                limit = connection.per_minute and {"limit": connection.per_minute, "period": 60.0}
                DBOS.register_queue(
                    _queue_name(connection.id),
                    worker_concurrency=CONCURRENT_DELIVERIES,
                    limiter=limit or None,  # type: ignore[arg-type]
                    polling_interval_sec=_POLL_SECONDS,
                    on_conflict="always_update",
                )
                self._registered.add(connection.id)

    def _tick(self) -> None:
        now = time.monotonic()
        with self.database.reading() as conn:
            active = _active_connections(conn)
        self._register_queues(active)
        if now - self._swept > SWEEP_INTERVAL:
            self._swept = now
            self._sweep()
        if now - self._pulled > settings().pull_interval / 4:
            self._pulled = now
            for connection in active:
                self.enqueue_pull(connection)
        if (day := datetime.now(UTC).date().isoformat()) != self._tidied:
            self._tidied = day
            with self.database.writing() as conn:
                self._enqueue(conn, "tidy", "tidy", f"tidy-{day}", [])

    def _sweep(self) -> None:
        """Recover lost work: workflows of dead processes, and outbox rows without a workflow."""
        dead = self.executors.expired_executors()
        if dead:
            abandoned = self._dbos_client().list_workflows(
                status="PENDING", executor_id=dead, app_version=WORKFLOW_VERSION, load_input=False, limit=1000
            )
            if abandoned:
                self._dbos_client().resume_workflows([one.workflow_id for one in abandoned])
        self._requeue_lost(deliveries.OUTBOX, "deliver", self.retry_delivery)
        self._requeue_lost(dispatch.OUTBOX, "send", self.retry_notice)

    def _requeue_lost(self, outbox: Outbox, kind: str, enqueue: Callable[[Connection, Row[Any], int], None]) -> None:
        with self.database.reading() as conn:
            is_alive = self.executors.living_processes(conn)
            late = outbox.overdue(conn, datetime.now(UTC) - OVERDUE_AFTER, 500)
        names = {row.id: f"{kind}-{row.id}-{row.attempt}" for row in late}
        if not names:
            return
        # A workflow that has started (PENDING) claims its row at once. A row that still waits was lost on the way, as
        # happens when the database restarts at that moment.
        queued = self._dbos_client().list_workflows(
            workflow_ids=list(names.values()),
            status=_QUEUED_STATES,
            app_version=WORKFLOW_VERSION,
            load_input=False,
            load_output=False,
        )
        known, now = {one.workflow_id for one in queued}, datetime.now(UTC)
        for row in late:
            held = (
                row.state == WORKING
                and row.worker is not None
                and is_alive(row.worker)
                and row.due_at > now - STUCK_AFTER
            )
            if held or names[row.id] in known:
                continue
            with self.database.writing() as conn:
                attempt = outbox.reassign(conn, row.id, row.attempt, datetime.now(UTC))
                if attempt is not None:
                    enqueue(conn, row, attempt)
                    log.warning("requeued", kind=kind, number=row.id, attempt=attempt)

    def _cancel_older_versions(self) -> None:
        """Cancel workflows of older versions: the sweep enqueues the outbox rows again, and pulls recur."""
        while True:
            found = self._dbos_client().list_workflows(
                status=_LIVE_STATES, load_input=False, load_output=False, limit=1000
            )
            older = [one.workflow_id for one in found if one.app_version not in (WORKFLOW_VERSION, None)]
            if not older:
                return
            self._dbos_client().cancel_workflows(older)
            log.info("older_workflows_cancelled", workflows=len(older))

    def clean_up(self) -> None:
        """Delete old rows and workflows, and erase expired texts."""
        self.workflows.delete_old_rows()
        self.workflows.erase_expired()
        before = (datetime.now(UTC) - DBOS_RETENTION).isoformat()
        while not self.is_stopping():
            old = self._dbos_client().list_workflows(
                status=_ENDED_STATES, end_time=before, load_input=False, load_output=False, limit=500
            )
            if not old:
                return
            self._dbos_client().delete_workflows([one.workflow_id for one in old])

    def is_stopping(self) -> bool:
        """Whether this process is stopping."""
        return self._stop.is_set()

    @property
    def workflows(self) -> Workflows:
        """The workflows of this process. Raises RuntimeError before `start`."""
        if self._workflows is None:
            raise RuntimeError("the engine was not started")
        return self._workflows

    def _dbos_client(self) -> DBOSClient:
        if self._client is None:
            self._client = DBOSClient(
                system_database_engine=self._sql_engine,
                serializer=DBOSPortableJSONSerializer(),
                application_name="deskyard",
                lazy=True,
            )
        return self._client


class _Running:
    """The one running engine of this process: DBOS is a singleton."""

    engine: SyncEngine | None = None


_running: Final = _Running()


def _running_engine() -> SyncEngine:
    if _running.engine is None:
        raise RuntimeError("no engine is running in this process")
    return _running.engine


@contextmanager
def _workflows_in_progress() -> Iterator[Workflows]:
    workflows = _running_engine().workflows
    with workflows.in_progress():
        yield workflows


@DBOS.workflow(name="deliver", max_recovery_attempts=100)
def _deliver(number: int, attempt: int) -> None:
    with _workflows_in_progress() as workflows:
        workflows.deliver(number, attempt)


@DBOS.workflow(name="fetch", max_recovery_attempts=100)
def _fetch(connection: int, ref: str) -> None:
    with _workflows_in_progress() as workflows:
        workflows.fetch(connection, ref)


@DBOS.workflow(name="pull", max_recovery_attempts=100)
def _pull(connection: int) -> None:
    with _workflows_in_progress() as workflows:
        workflows.pull(connection)


@DBOS.workflow(name="send", max_recovery_attempts=100)
def _send(number: int, attempt: int) -> None:
    with _workflows_in_progress() as workflows:
        workflows.send(number, attempt)


@DBOS.workflow(name="tidy", max_recovery_attempts=100)
def _tidy() -> None:
    _running_engine().clean_up()


def _active_connections(conn: Connection) -> list[StoreConnection]:
    return [one for one in connections.list_connections(conn) if one.active]


def _queue_name(connection: int) -> str:
    return f"deliver-{connection}"


def _create_sql_engine(database: Database) -> SqlEngine:
    """The SQLAlchemy engine for DBOS; on SQLite with the driver's own transactions, unlike that of `Database`."""
    if not database.is_sqlite:
        return create_engine(database.url, pool_pre_ping=True, pool_size=20, max_overflow=20, hide_parameters=True)
    engine = create_engine(database.url, connect_args={"timeout": 30, "isolation_level": "IMMEDIATE"})

    def prepare(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=30000")

    event.listen(engine, "connect", prepare)
    return engine
