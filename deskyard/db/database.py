"""The database: opens it from a URL, migrates it, and gives connections for short transactions.

The connections are SQLAlchemy's, each in one transaction. (ORM sessions would track objects, which nothing here uses,
at 0.2 ms a transaction.) On SQLite, what is committed survives a power failure (WAL, synchronous=FULL), a writer waits
for its turn instead of failing halfway (BEGIN IMMEDIATE), and references hold (foreign_keys). On PostgreSQL, a reader
sees one state (REPEATABLE READ) and can't write; a writer sees what others have committed before each of its statements
(READ COMMITTED), so it must lock what must not change meanwhile. This module knows nothing of tickets.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from deskyard.errors import BadInput, ExtraMissing, StoreUnreachable
from deskyard.settings import settings

if TYPE_CHECKING:
    from alembic.config import Config

LOCK_TIMEOUT: Final = 30.0
"""Seconds to wait for a writer of another process."""

_CONNECT_TIMEOUT: Final = 10
"""Seconds that PostgreSQL may take to accept a connection, unless the URL says otherwise."""

_WRITE_OPTIONS: Final[dict[bool, dict[str, Any]]] = {
    True: {"deskyard_writes": True},
    False: {"isolation_level": "READ COMMITTED"},
}
_READ_OPTIONS: Final[dict[bool, dict[str, Any]]] = {
    True: {},
    False: {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
"""Execution options of a transaction, for SQLite (True) and PostgreSQL (False)."""

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_VERSION_TABLE: Final = "desk_alembic_version"
_MIGRATION_LOCK: Final = 0x6465736B79617264  # "deskyard" in ASCII: the key of PostgreSQL's advisory lock


class Database:
    """One database: its engine, transactions and migrations.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     database = Database(f"sqlite:///{folder}/desk.db")
    ...     database.migrate()
    ...     with database.reading() as conn:
    ...         conn.scalar(text("SELECT count(*) FROM desk_tickets"))
    ...     database.close()
    0
    """

    def __init__(self, url: str) -> None:
        """Prepare the engine; the first connection is made when it is needed. Raises BadInput for an unusable URL."""
        self.url = _parse_url(url)
        self._sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _create_engine(self.url)
        self._writer = self.engine.execution_options(**_WRITE_OPTIONS[self._sqlite])
        self._reader = self.engine.execution_options(**_READ_OPTIONS[self._sqlite])
        # Threads of this process wait here: SQLite itself makes a waiting writer sleep and try again, which is neither
        # fair nor fast.
        self._write_lock: AbstractContextManager[Any] = threading.Lock() if self._sqlite else nullcontext()

    @property
    def safe_url(self) -> str:
        """The URL without its password, for messages."""
        return self.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite; else PostgreSQL."""
        return self._sqlite

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database and must not change it."""
        with self._reader.connect() as conn:
            yield conn

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection whose transaction is committed at the end of the block, or rolled back if the block raises.

        On SQLite it excludes all other writers, so compute before it and never call `writing` inside it.
        """
        with self._write_lock, self._writer.begin() as conn:
            yield conn

    def migrate(self) -> None:
        """Migrate the tables to the newest revision; many processes may call this at once.

        Raises StoreUnreachable when the database can't be used, BadInput when a newer deskyard has migrated it.
        """
        try:
            if self.revision() != self.head_revision():
                self.check_encoding()
                self._migrate()
        except (DBAPIError, OSError) as error:
            reason = getattr(error, "orig", None) or error
            raise StoreUnreachable(f"the database {self.safe_url} can't be used: {reason}") from error

    def revision(self) -> str | None:
        """The revision of the tables; None before the first migration."""
        with self.engine.connect() as connection:
            return _read_revision(connection)

    @staticmethod
    @cache
    def head_revision() -> str:
        """The newest revision that this version of deskyard knows."""
        from alembic.script import ScriptDirectory

        return str(ScriptDirectory(str(_MIGRATIONS)).get_current_head())

    def check_encoding(self) -> None:
        """Raise BadInput for a PostgreSQL database whose encoding is not UTF-8."""
        if self._sqlite:
            return
        with self.engine.connect() as connection:
            found = connection.scalar(text("SHOW server_encoding"))
        if found != "UTF8":
            raise BadInput(
                f"the database {self.safe_url} has the encoding {found}: create it again with ENCODING 'UTF8'"
            )

    def _migrate(self) -> None:
        from alembic import command
        from alembic.script import ScriptDirectory

        known = {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}
        with self._write_lock, self._writer.connect() as connection:
            if self._sqlite:
                # Alembic changes a table by copying it, and dropping the old one must not empty those that refer to it.
                # The pragma works only outside a transaction, so it goes to the driver.
                _driver_connection(connection).execute("PRAGMA foreign_keys=OFF")
            try:
                with connection.begin():
                    if not self._sqlite:
                        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                    found = _read_revision(connection)
                    if found not in {None, *known}:
                        raise BadInput(
                            f"the database {self.safe_url} is at revision {found!r}, which this version of deskyard "
                            "does not know: a newer one has migrated it. Install that version again."
                        )
                    command.upgrade(_alembic_config(connection), "head")
            finally:
                if self._sqlite:
                    _driver_connection(connection).execute("PRAGMA foreign_keys=ON")

    def scrub(self) -> bool:
        """Remove deleted and overwritten data from SQLite's files: rewrite the database and truncate its journal. False
        where somebody reads all the while, or the disk is full: then it must be tried again.

        Writers wait meanwhile, 3 to 9 s for 670 MB on two cores. PostgreSQL does it by itself (autovacuum).
        """
        if not self._sqlite:
            return True
        with self._write_lock, self.engine.connect() as connection:
            driver = _driver_connection(connection)
            try:
                driver.execute("VACUUM")
                busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError:
                return False
            return not busy

    def close(self) -> None:
        """Close the idle connections."""
        self.engine.dispose()


def open_database(url: str | None = None) -> Database:
    """The database of `url` (None: of the settings) at its newest revision; a missing folder is made.

    Raises BadInput for an unusable URL, StoreUnreachable when the database or its folder can't be used.
    """
    database = Database(url if url is not None else settings().database)
    if database.url.get_backend_name() == "sqlite" and database.url.database:
        try:
            Path(database.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreUnreachable(f"the folder of {database.safe_url} can't be made: {error}") from error
    try:
        database.migrate()
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def desk_database(url: str | None = None) -> Iterator[Database]:
    """The database of `url` (None: of the settings) at its newest revision, closed at the end of the block.

    Raises as `open_database` does.
    """
    database = open_database(url)
    try:
        yield database
    finally:
        database.close()


def _parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise BadInput(
            "DESKYARD_DATABASE_URL is not a database URL: write sqlite:////folder/desk.db or "
            "postgresql+psycopg://user:password@host/name, or leave it out"
        ) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise BadInput(f"{parsed.get_backend_name()!r} databases are not supported: use SQLite or PostgreSQL")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise BadInput("a database in memory loses its tickets: give SQLite a file, such as sqlite:////folder/desk.db")
    return parsed


def _create_engine(url: URL) -> Engine:
    # hide_parameters: error messages must not quote texts of tickets. The pool has room for all threads of requests.
    options: dict[str, Any] = {"hide_parameters": True, "pool_size": 40, "max_overflow": 8}
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    connect_args = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_TIMEOUT}
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args=connect_args, **options)
    except ImportError as error:
        raise ExtraMissing("PostgreSQL needs its driver: pip install 'deskyard[postgres]'") from error
    event.listen(engine, "handle_error", _strip_error_detail)
    return engine


def _strip_error_detail(context: ExceptionContext) -> None:
    """Remove PostgreSQL's DETAIL from an error's message: it quotes whole rows."""
    error, wrapper = context.original_exception, context.sqlalchemy_exception
    short = getattr(getattr(error, "diag", None), "message_primary", None)
    if short and wrapper is not None:
        wrapper.args = (str(wrapper.args[0]).replace(str(error), short),)
        error.args = (short,)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins no transactions; `_begin_sqlite` does
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            # When processes open a new file together, the change to WAL fails ("locked") at once, whatever the timeout.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten, not only unlinked
    connection.create_function("lower", 1, _unicode_lower, deterministic=True)  # SQLite's own knows A to Z only


def _unicode_lower(text: str | float | bytes | None) -> str | float | bytes | None:
    return text.lower() if isinstance(text, str) else text


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("deskyard_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _driver_connection(connection: Connection) -> sqlite3.Connection:
    driver: sqlite3.Connection | None = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the connection is closed")
    return driver


def _read_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    found = connection.scalar(text(f"SELECT version_num FROM {_VERSION_TABLE}"))  # noqa: S608 - our own constant
    return None if found is None else str(found)


def _alembic_config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
