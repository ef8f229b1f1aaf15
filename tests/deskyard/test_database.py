"""The database: migrations, and what a transaction promises."""

import multiprocessing
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from deskyard.database import Database, open_database
from deskyard.errors import BadInput, PartMissing, StoreUnreachable
from deskyard.migrations import env
from deskyard.tables import Base, Moment, QueueRow, TicketRow

FORK = multiprocessing.get_context("fork")
"""Starts in milliseconds, so that processes really meet; none of these tests holds a connection when it forks."""


def revisions(file):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT version_num FROM desk_alembic_version").fetchall()


@pytest.fixture
def database(tmp_path):
    opened = open_database(f"sqlite:///{tmp_path}/state/desk.db")
    yield opened
    opened.close()


def test_the_migrations_make_exactly_the_tables_that_the_code_expects(database):
    with database.engine.connect() as connection:
        options = {"include_object": env.ours, "version_table": "desk_alembic_version", "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_tables_of_other_owners_are_not_looked_at(database):
    with database.writing() as session:
        session.execute(text("CREATE TABLE operation_outputs (x TEXT)"))
    with database.engine.connect() as connection:
        options = {"include_object": env.ours, "version_table": "desk_alembic_version"}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_a_migrated_database_is_at_the_newest_revision_and_migrates_again_without_a_change(database):
    assert database.revision() == database.newest()
    database.migrate()
    assert database.revision() == database.newest()


def _open(url, together):
    together.wait()
    open_database(url).close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_that_start_at_once_share_one_new_database(tmp_path):
    together = FORK.Barrier(6)
    started = [FORK.Process(target=_open, args=(f"sqlite:///{tmp_path}/desk.db", together)) for _ in range(6)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * 6
    assert revisions(tmp_path / "desk.db") == [(Database.newest(),)]


def test_sqlite_is_opened_so_that_accepted_means_stored(database):
    with database.reading() as session:
        found = {
            name: session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        waits = session.scalar(text("PRAGMA busy_timeout"))
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert waits == 30_000


def test_a_ticket_can_not_exist_without_a_queue(database):
    now = datetime.now(UTC)
    texts = dict.fromkeys(("subject", "body", "channel", "language", "requester", "organisation"), "")
    row = {"source": "api", "fields": {}, "created_at": now, "received_at": now, **texts}
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(insert(TicketRow), {**row, "queue_id": None})
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(insert(TicketRow), {**row, "queue_id": 4711})


def test_a_transaction_that_fails_leaves_no_trace(database):
    def fail():
        with database.writing() as session:
            session.execute(insert(QueueRow), {"name": "IT", "created_at": datetime.now(UTC)})
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    with database.reading() as session:
        assert session.scalars(select(QueueRow.name)).all() == []


def test_writers_take_turns_and_readers_do_not_wait(database):
    writing, done = threading.Event(), threading.Event()

    def write():
        with database.writing() as session:
            session.execute(insert(QueueRow), {"name": "IT", "created_at": datetime.now(UTC)})
            writing.set()
            assert done.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    assert writing.wait(10)
    with database.reading() as session:
        assert session.scalars(select(QueueRow.name)).all() == []
    done.set()
    writer.join()
    with database.writing() as session:
        assert session.scalars(select(QueueRow.name)).all() == ["IT"]


def _add_queues(url, prefix, together):
    together.wait()
    opened = Database(url)
    for number in range(50):
        with opened.writing() as session:
            session.execute(text("SELECT count(*) FROM desk_queues"))
            session.execute(insert(QueueRow), {"name": f"{prefix}{number}", "created_at": datetime.now(UTC)})
    opened.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_writers_of_several_processes_wait_for_each_other(tmp_path):
    url = f"sqlite:///{tmp_path}/desk.db"
    open_database(url).close()
    together = FORK.Barrier(3)
    started = [FORK.Process(target=_add_queues, args=(url, prefix, together)) for prefix in "abc"]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * 3
    with closing(sqlite3.connect(tmp_path / "desk.db")) as connection:
        assert connection.execute("SELECT count(*) FROM desk_queues").fetchone() == (150,)


def test_a_moment_comes_back_in_utc_and_without_a_zone_is_refused():
    class Lite:
        name = "sqlite"

    east = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=3)))
    stored = Moment().process_bind_param(east, Lite())
    assert stored == "2026-01-31T09:00:00.000005+00:00"
    assert Moment().process_result_value(stored, Lite()) == east
    with pytest.raises(ValueError, match="no time zone"):
        Moment().process_bind_param(datetime(2026, 1, 31), Lite())


def test_the_tables_can_be_made_on_postgresql():
    dialect = postgresql.dialect()
    for table in Base.metadata.sorted_tables:
        made = str(CreateTable(table).compile(dialect=dialect))
        assert "BIGSERIAL" in made or len(table.primary_key) > 1
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/desk", "not a url", ""])
def test_a_url_that_can_not_keep_tickets_is_refused_with_a_sentence(url):
    with pytest.raises((BadInput, PartMissing), match=r"SQLite|sqlite|URL"):
        Database(url)


def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "desk.db").write_text("This is not a database. " * 100)
    with pytest.raises(StoreUnreachable, match="not a database"):
        open_database(f"sqlite:///{tmp_path}/desk.db")


def test_a_database_of_a_newer_deskyard_is_left_alone(database, tmp_path):
    with database.writing() as session:
        session.execute(text("UPDATE desk_alembic_version SET version_num = '9999'"))
    with pytest.raises(BadInput, match="newer"):
        open_database(f"sqlite:///{tmp_path}/state/desk.db")


def test_an_error_of_the_database_never_quotes_a_ticket(database):
    with pytest.raises(IntegrityError) as caught, database.writing() as session:
        session.execute(text("INSERT INTO desk_queues (name) VALUES (:name)"), {"name": "secret of a customer"})
    assert "secret" not in str(caught.value)
