"""The engine: durable work with foreign help desks, whoever dies on the way. The only module that imports DBOS.

What is to be done stands in our own tables, in the transaction that decided it, and beside it, in the same transaction,
the workflow that does it. DBOS hands workflows to processes, most urgent first, and finds those of a dead one again;
which attempt may act, and what became of it, our own rows say (`deskyard.sync.outbox`). So a workflow may run twice,
and a delivery is written once.

    deliver   write one delivery, read back, settle it; again later, or parked for a person
    fetch     read one ticket that a webhook hinted at
    pull      read what changed, each minute: the truth, whatever webhooks said
    send      tell one person's channel of one ticket
    tidy      once a day: forget what is long done, and the texts that were kept as long as the policy says
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
from service.runtime.context import Yard
from service.sync.executor_leases import BEAT, Executors
from service.sync.store_pool import Opened
from service.sync.workflows import Work

log: Final = structlog.get_logger(__name__)

VERSION: Final = "deskyard-1"
"""Of the workflows below: their names and what they are given. Changed with them, and only then; what older versions
left waiting is handed out anew."""

AT_ONCE: Final = 8
"""Deliveries that one process writes to one help desk at the same time."""

PATIENCE: Final = 10.0
"""Seconds that what is in hand has to be finished when a process ends; what is not is done by another."""

SWEEP: Final = 5.0
OVERDUE: Final = timedelta(seconds=20)
"""How often what got lost is looked for, and how late something must be to be looked at."""

KEPT: Final = timedelta(days=1)
"""How long DBOS's records of ended workflows are kept; ours are kept longer."""

STUCK: Final = timedelta(minutes=10)
"""A process that lives and has held a delivery for so long has lost it; no call outside takes that long."""

_QUEUED: Final = ["ENQUEUED", "DELAYED"]
_LIVE: Final = [*_QUEUED, "PENDING"]
_ENDED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_POLL: Final = 0.2

_DBOS_LOG: Final = logging.getLogger("dbos")
_DBOS_LOG.handlers = [logging.NullHandler()]  # else DBOS adds one of its own, which holds on to today's stderr
_DBOS_LOG.propagate = True
_DBOS_LOG.setLevel(logging.ERROR)


class Engine:
    """The work of one process; what is to be done may be handed out whether or not this process works."""

    def __init__(self, database: Database) -> None:
        """Nothing is started; DBOS's tables are made when the first connection is."""
        self.database = database
        self.executors = Executors(database)
        self._own = _engine(database)
        self._client: DBOSClient | None = None
        self._work: Work | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._known: set[int] = set()
        self.stores = Opened(database)
        self._swept = self._pulled = 0.0
        self._tidied = ""

    # what is to be done

    def prepare(self) -> None:
        """Make DBOS's tables, so that work can be handed out."""
        if not self._is_prepared():
            try:
                self._sending()._sys_db.run_migrations()
            except Exception:
                if not self._is_prepared():  # else another process was faster
                    raise

    def _is_prepared(self) -> bool:
        schema = None if self.database.is_sqlite else "dbos"
        return inspect(self._own).has_table("workflow_status", schema=schema)

    def deliver(self, conn: Connection, connection: StoreConnection, number: int, urgency: int) -> None:
        """Hand a new delivery out."""
        self._hand_out(conn, "deliver", _line(connection.id), number, 1, urgency)

    def told(self, conn: Connection, ticket: int, queue: str, decision: int, event: str) -> None:
        """A ticket reached a queue: hand the notices out."""
        for number in dispatch.keep(conn, ticket, queue, decision, event, datetime.now(UTC)):
            self._hand_out(conn, "send", "send", number, 1, 1)

    def deliver_later(self, conn: Connection, row: Row[Any], attempt: int, after: float = 0.0) -> None:
        """Hand the next attempt at a delivery out, to be made so many seconds from now."""
        self._hand_out(conn, "deliver", _line(row.connection_id), row.id, attempt, row.urgency, after)

    def send_later(self, conn: Connection, row: Row[Any], attempt: int, after: float = 0.0) -> None:
        """Hand the next attempt at a notice out."""
        self._hand_out(conn, "send", "send", row.id, attempt, 1, after)

    def fetch(self, conn: Connection, connection: StoreConnection, ref: str, event_id: str) -> None:
        """Hand out the reading of a ticket; the same event again is the same reading."""
        self._enqueue(conn, "fetch", "fetch", f"fetch-{connection.id}-{event_id}", [connection.id, ref])

    def pull(self, connection: StoreConnection) -> None:
        """Hand out the reading of what changed, unless it is handed out already."""
        moment = int(time.time() / settings().pull_every)
        with self.database.writing() as conn:
            self._enqueue(conn, "pull", "pull", f"pull-{connection.id}-{moment}", [connection.id])

    def _hand_out(
        self, conn: Connection, kind: str, line: str, number: int, attempt: int, urgency: int, after: float = 0.0
    ) -> None:
        self._enqueue(conn, kind, line, f"{kind}-{number}-{attempt}", [number, attempt], urgency, after)

    def _enqueue(
        self,
        conn: Connection,
        kind: str,
        line: str,
        name: str,
        given: Sequence[Any],
        urgency: int = 1,
        after: float = 0.0,
    ) -> None:
        options: Any = {
            "workflow_name": kind,
            "queue_name": line,
            "workflow_id": name,
            "app_version": VERSION,
            "priority": urgency,
        }
        if after:
            options["delay_seconds"] = after
        self._sending().enqueue_in_transaction(conn, options, *given)

    # doing it

    def start(self, yard: Yard) -> None:
        """Work from now on, as soon as there is a connection, a notice to send or a text to expire; a thread looks."""
        self._work = Work(yard, self.stores, self.executors, self)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand, and work no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self.works:
            self.work.finish(PATIENCE)
            self._end()
        self.stores.close()
        self._own.dispose()

    @property
    def works(self) -> bool:
        """Whether this process does durable work."""
        return _running.engine is self

    def _run(self) -> None:
        while True:
            try:
                if not self.works:
                    self._begin()
                elif not self.executors.beat():
                    log.error("place_lost", place=self.executors.name)
                    self._end()
                else:
                    self._look_around()
            except DBAPIError as error:
                log.warning("database_away", error=type(error).__name__)
            except Exception:
                log.exception("engine_failed")
            if self._stop.wait(BEAT if self.works else 1.0):
                return

    def _begin(self) -> None:
        with self.database.reading() as conn:
            there = _active(conn)
            expires = Policies.current(conn).policy.retention_days is not None
            wanted = bool(there) or dispatch.any_target(conn) or expires
        if not wanted or _running.engine is not None or not self.executors.claim():
            return
        config: DBOSConfig = {
            "name": "deskyard",
            "system_database_engine": self._own,
            "application_version": VERSION,
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
            for line in ("fetch", "pull", "send", "tidy"):
                DBOS.register_queue(line, worker_concurrency=4, polling_interval_sec=_POLL)
            self._take_lines(there)
            self._cancel_older()
        except BaseException:
            self._end()
            raise
        self._swept = self._pulled = 0.0
        log.info("engine_works", place=self.executors.name)
        self._look_around()

    def _end(self) -> None:
        _running.engine = None
        self._known.clear()
        DBOS.destroy()
        with suppress(DBAPIError):
            self.executors.leave()

    def _take_lines(self, there: Sequence[StoreConnection]) -> None:
        """A line of its own for each help desk, so that one that is slow or limited holds up no other."""
        for connection in there:
            if connection.id not in self._known:
                limit = connection.per_minute and {"limit": connection.per_minute, "period": 60.0}
                DBOS.register_queue(
                    _line(connection.id),
                    worker_concurrency=AT_ONCE,
                    limiter=limit or None,  # type: ignore[arg-type]
                    polling_interval_sec=_POLL,
                    on_conflict="always_update",
                )
                self._known.add(connection.id)

    def _look_around(self) -> None:
        now = time.monotonic()
        with self.database.reading() as conn:
            there = _active(conn)
        self._take_lines(there)
        if now - self._swept > SWEEP:
            self._swept = now
            self._sweep()
        if now - self._pulled > settings().pull_every / 4:
            self._pulled = now
            for connection in there:
                self.pull(connection)
        if (day := datetime.now(UTC).date().isoformat()) != self._tidied:
            self._tidied = day
            with self.database.writing() as conn:
                self._enqueue(conn, "tidy", "tidy", f"tidy-{day}", [])

    def _sweep(self) -> None:
        """Find what got lost: the workflows of dead processes, and rows that nobody works on any more."""
        dead = self.executors.dead()
        if dead:
            left = self._sending().list_workflows(
                status="PENDING", executor_id=dead, app_version=VERSION, load_input=False, limit=1000
            )
            if left:
                self._sending().resume_workflows([one.workflow_id for one in left])
        self._find(deliveries.OUTBOX, "deliver", self.deliver_later)
        self._find(dispatch.OUTBOX, "send", self.send_later)

    def _find(self, outbox: Outbox, kind: str, hand_out: Callable[[Connection, Row[Any], int], None]) -> None:
        with self.database.reading() as conn:
            lives = self.executors.living(conn)
            late = outbox.overdue(conn, datetime.now(UTC) - OVERDUE, 500)
        names = {row.id: f"{kind}-{row.id}-{row.attempt}" for row in late}
        if not names:
            return
        # A workflow that was taken in hand (PENDING) begins its row at once: one that waits all the same got lost on
        # the way, as happens where the database restarts in that moment.
        queued = self._sending().list_workflows(
            workflow_ids=list(names.values()), status=_QUEUED, app_version=VERSION, load_input=False, load_output=False
        )
        known, now = {one.workflow_id for one in queued}, datetime.now(UTC)
        for row in late:
            held = row.state == WORKING and row.worker is not None and lives(row.worker) and row.due_at > now - STUCK
            if held or names[row.id] in known:
                continue
            with self.database.writing() as conn:
                attempt = outbox.handed_out_again(conn, row.id, row.attempt, datetime.now(UTC))
                if attempt is not None:
                    hand_out(conn, row, attempt)
                    log.warning("handed_out_again", kind=kind, number=row.id, attempt=attempt)

    def _cancel_older(self) -> None:
        """What older versions left: our rows are handed out anew by the sweep, and readings come by themselves."""
        while True:
            found = self._sending().list_workflows(status=_LIVE, load_input=False, load_output=False, limit=1000)
            older = [one.workflow_id for one in found if one.app_version not in (VERSION, None)]
            if not older:
                return
            self._sending().cancel_workflows(older)
            log.info("older_work_cancelled", workflows=len(older))

    def tidy(self) -> None:
        """Forget what ended long ago, and what was kept long enough."""
        self.work.forget_old()
        self.work.expire()
        before = (datetime.now(UTC) - KEPT).isoformat()
        while not self.stopping():
            old = self._sending().list_workflows(
                status=_ENDED, end_time=before, load_input=False, load_output=False, limit=500
            )
            if not old:
                return
            self._sending().delete_workflows([one.workflow_id for one in old])

    def stopping(self) -> bool:
        """Whether this process is about to end."""
        return self._stop.is_set()

    @property
    def work(self) -> Work:
        """What the workflows do."""
        if self._work is None:
            raise RuntimeError("the engine was not started")
        return self._work

    def _sending(self) -> DBOSClient:
        if self._client is None:
            self._client = DBOSClient(
                system_database_engine=self._own,
                serializer=DBOSPortableJSONSerializer(),
                application_name="deskyard",
                lazy=True,
            )
        return self._client


class _Running:
    """DBOS is one for each process, and so is the engine that works."""

    engine: Engine | None = None


_running: Final = _Running()


def _engine_here() -> Engine:
    if _running.engine is None:
        raise RuntimeError("no engine works in this process")
    return _running.engine


@contextmanager
def _work() -> Iterator[Work]:
    work = _engine_here().work
    with work.in_hand():
        yield work


@DBOS.workflow(name="deliver", max_recovery_attempts=100)
def _deliver(number: int, attempt: int) -> None:
    with _work() as work:
        work.deliver(number, attempt)


@DBOS.workflow(name="fetch", max_recovery_attempts=100)
def _fetch(connection: int, ref: str) -> None:
    with _work() as work:
        work.fetch(connection, ref)


@DBOS.workflow(name="pull", max_recovery_attempts=100)
def _pull(connection: int) -> None:
    with _work() as work:
        work.pull(connection)


@DBOS.workflow(name="send", max_recovery_attempts=100)
def _send(number: int, attempt: int) -> None:
    with _work() as work:
        work.send(number, attempt)


@DBOS.workflow(name="tidy", max_recovery_attempts=100)
def _tidy() -> None:
    _engine_here().tidy()


def _active(conn: Connection) -> list[StoreConnection]:
    return [one for one in connections.every(conn) if one.active]


def _line(connection: int) -> str:
    return f"deliver-{connection}"


def _engine(database: Database) -> SqlEngine:
    """DBOS's way into the database: the driver's own transactions on SQLite (ours begin differently), else the same."""
    if not database.is_sqlite:
        return create_engine(database.url, pool_pre_ping=True, pool_size=20, max_overflow=20, hide_parameters=True)
    made = create_engine(database.url, connect_args={"timeout": 30, "isolation_level": "IMMEDIATE"})

    def prepare(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=30000")

    event.listen(made, "connect", prepare)
    return made
