"""The database: migrations, and the guarantees of a transaction."""

import multiprocessing
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert, make_url, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from deskyard.cli import check
from deskyard.db.database import Database, _alembic_config, desk_database, open_database
from deskyard.db.migrations import env
from deskyard.db.tables import METADATA
from deskyard.db.tables.base import Moment
from deskyard.db.tables.desk import QUEUES, TICKETS
from deskyard.desk import queues, ticket_history, tickets
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput, ExtraMissing, StoreUnreachable
from deskyard.journal.journal import Journal, fingerprint_ticket, hash_ticket
from deskyard.settings import Settings, settings

FORK = multiprocessing.get_context("fork")
"""Starts in milliseconds, so that processes really meet; none of these tests holds a connection when it forks."""


def rows(url, query):
    """What a query gives, without the code under test."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return found


@pytest.fixture
def database(empty_url):
    """A database that the migrations made here and now, of each kind in turn."""
    opened = open_database(empty_url)
    yield opened
    opened.close()


@pytest.fixture
def lite(tmp_path):
    opened = open_database(f"sqlite:///{tmp_path}/state/desk.db")
    yield opened
    opened.close()


@pytest.fixture
def server(postgres_url):
    opened = open_database(postgres_url)
    yield opened
    opened.close()


def test_the_migrations_make_exactly_the_tables_that_the_code_expects(database):
    with database.engine.connect() as connection:
        options = {"include_object": env.is_our_table, "version_table": "desk_alembic_version", "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_tables_of_other_owners_are_not_looked_at(database):
    with database.writing() as conn:
        conn.execute(text("CREATE TABLE operation_outputs (x TEXT)"))
    with database.engine.connect() as connection:
        options = {"include_object": env.is_our_table, "version_table": "desk_alembic_version"}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_a_migrated_database_is_at_the_newest_revision_and_migrates_again_without_a_change(database):
    assert database.revision() == database.head_revision()
    database.migrate()
    assert database.revision() == database.head_revision()


def upgrade(database, revision):
    """As `Database.migrate` does, and no further than that."""
    with database.engine.begin() as connection:
        command.upgrade(_alembic_config(connection), revision)


OLD = """
INSERT INTO desk_queues (id, name, description, open, created_at) VALUES (7, 'IT', '', TRUE, :now);
INSERT INTO desk_tickets (id, source, external_id, subject, body, channel, language, requester, organisation, fields,
    created_at, received_at, queue_id)
    VALUES (41, 'mail', '4711', 'Почта 📧', '', '', '', '', '', '{"a": "б"}', :now, :now, 7);
INSERT INTO desk_journey (id, ticket_id, at, actor_kind, actor, field, became, why)
    VALUES (1, 41, :now, 'machine', 'm', 'queue', 'IT', '')
"""
"""A desk as deskyard 0.1 kept it, before tickets had versions."""


def test_a_ticket_filed_before_an_upgrade_is_still_there_after_it(empty_url):
    database = Database(empty_url)
    upgrade(database, "0002")
    now = "2026-01-31T09:00:00.000005+00:00"
    with database.engine.begin() as connection:
        for statement in OLD.replace(":now", f"'{now}'").split(";"):
            connection.exec_driver_sql(statement)
    database.migrate()
    with database.reading() as conn:
        file_one = tickets.find_existing(conn, "mail", "4711", None)
        assert (file_one.id, file_one.version, file_one.status, file_one.queue) == (41, 1, "new", "IT")
        assert (file_one.ticket.subject, file_one.ticket.fields) == ("Почта 📧", {"a": "б"})
        assert file_one.updated_at == file_one.received_at == datetime.fromisoformat(now)
        assert [step.became for step in ticket_history.list_steps(conn, 41)] == ["IT"]
    database.close()


def test_hashes_of_before_an_upgrade_are_keyed_by_it_and_still_fit_their_tickets(empty_url):
    database = Database(empty_url)
    upgrade(database, "0002")
    now = "2026-01-31T09:00:00.000005+00:00"
    ticket = Ticket(
        id="4711",
        source="mail",
        subject="Почта 📧",
        created_at=datetime.fromisoformat(now),
        fields={"a": "б"},
    )
    plain = fingerprint_ticket(ticket)
    with database.engine.begin() as connection:
        for statement in OLD.replace(":now", f"'{now}'").split(";"):
            connection.exec_driver_sql(statement)
        seen = (
            "INSERT INTO journal_entries (at, kind, ticket_id, ticket_hash, content) VALUES (:at, 'seen', :n, :h, '{}')"
        )
        connection.execute(text(seen), [{"at": now, "n": n, "h": plain} for n in (41, 41, 99)])
    database.migrate()
    with database.reading() as conn:
        file_one = tickets.get_ticket(conn, 41)
        hashes = [one.ticket_hash for one in (*Journal.list_entries(conn, 41), *Journal.list_entries(conn, 99))]
    assert hashes[:2] == [hash_ticket(file_one.ticket, file_one.salt).ticket_hash] * 2
    assert file_one.ticket == ticket
    assert plain not in hashes
    assert len(set(hashes)) == 2
    database.close()


def test_steps_of_before_an_upgrade_that_took_a_decision_back_say_which(empty_url):
    database = Database(empty_url)
    upgrade(database, "0012")
    now = "2026-01-31T09:00:00.000005+00:00"
    queue = "INSERT INTO desk_queues (id, name, description, open, created_at) VALUES (7, 'IT', '', TRUE, :at)"
    ticket = """
        INSERT INTO desk_tickets (id, source, subject, body, channel, language, requester, organisation, fields,
            created_at, received_at, updated_at, queue_id, version, status)
        VALUES (41, 'mail', 'VPN', '', '', '', '', '', '{}', :at, :at, :at, 7, 1, 'new')
    """
    with database.engine.begin() as connection:
        connection.execute(text(queue), {"at": now})
        connection.execute(text(ticket), {"at": now})
    step = text(
        "INSERT INTO desk_journey (id, ticket_id, at, actor_kind, actor, field, became, why)"
        " VALUES (:id, 41, :at, :kind, :actor, 'queue', 'triage', :why)"
    )
    steps = [
        {"kind": "rule", "actor": "undo by ann", "why": "decision 17 was undone"},
        {"kind": "rule", "actor": "desk", "why": "decision 18 was undone"},
        {"kind": "person", "actor": "undo by bob", "why": "decision 19 was undone"},
        {"kind": "rule", "actor": "undo by ann", "why": "for another reason"},
    ]
    with database.engine.begin() as connection:
        connection.execute(step, [{"at": now, "id": n, **one} for n, one in enumerate(steps, 1)])
    database.migrate()
    with database.reading() as conn:
        found = ticket_history.list_steps(conn, 41)
    assert [one.undoes for one in found] == [17, None, None, None]
    database.close()


def test_texts_are_compared_byte_by_byte_on_both_databases(database):
    names = ["IT", "it", "ёлка", "елка", "Ёлка", "e\u0301", "\u00e9", "a ", "a", "straße", "strasse", "%", "_"]
    with database.writing() as conn:
        queues.ensure_queues(conn, names)
    with database.reading() as conn:
        assert [queue.name for queue in queues.list_queues(conn).items] == [TRIAGE, *names]
        assert [queues.find_queue(conn, name).name for name in names] == names


def _open(url, together):
    together.wait()
    open_database(url).close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_that_start_at_once_share_one_new_database(empty_url):
    together = FORK.Barrier(6)
    started = [FORK.Process(target=_open, args=(empty_url, together)) for _ in range(6)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * 6
    assert rows(empty_url, "SELECT version_num FROM desk_alembic_version") == [(Database.head_revision(),)]


def test_sqlite_is_opened_so_that_accepted_means_stored(lite):
    with lite.reading() as conn:
        found = {name: conn.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")}
        waits = conn.scalar(text("PRAGMA busy_timeout"))
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert waits == 30_000


def test_a_ticket_can_not_exist_without_a_queue(database):
    now = datetime.now(UTC)
    texts = dict.fromkeys(("subject", "body", "channel", "language", "requester", "organisation"), "")
    row = {"source": "api", "fields": {}, "created_at": now, "received_at": now, **texts}
    with pytest.raises(IntegrityError), database.writing() as conn:
        conn.execute(insert(TICKETS), {**row, "queue_id": None})
    with pytest.raises(IntegrityError), database.writing() as conn:
        conn.execute(insert(TICKETS), {**row, "queue_id": 4711})


def test_a_transaction_that_fails_leaves_no_trace(database):
    def fail():
        with database.writing() as conn:
            conn.execute(insert(QUEUES), {"name": "IT", "created_at": datetime.now(UTC)})
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    with database.reading() as conn:
        assert conn.scalars(select(QUEUES.c.name)).all() == []


def test_a_reader_sees_one_state_of_the_database_whatever_is_written_meanwhile(database):
    def names(conn):
        return conn.scalars(select(QUEUES.c.name)).all()

    with database.reading() as reader:
        assert names(reader) == []
        with database.writing() as conn:
            conn.execute(insert(QUEUES), {"name": "IT", "created_at": datetime.now(UTC)})
        assert names(reader) == []
    with database.reading() as reader:
        assert names(reader) == ["IT"]


def test_a_desk_database_is_closed_at_the_end_of_its_block_even_if_the_block_raises(empty_url):
    pools = []

    def fail():
        with desk_database(empty_url) as opened:
            with opened.writing() as conn:
                queues.ensure_queues(conn, ["IT"])
            pools.append(opened.engine.pool)
            assert pools[0].checkedin() == 1
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert pools[0].checkedin() == 0
    with desk_database(empty_url) as opened, opened.reading() as conn:
        assert queues.list_queue_names(conn) == ["IT", TRIAGE]


def test_a_desk_database_without_a_url_is_the_one_of_the_settings(home):
    with desk_database() as opened:
        assert opened.url == make_url(settings().database)
        assert opened.revision() == Database.head_revision()


def test_on_postgresql_a_reader_can_not_write(server):
    with pytest.raises(DBAPIError, match="read-only"), server.reading() as conn:
        conn.execute(insert(QUEUES), {"name": "IT", "created_at": datetime.now(UTC)})


def test_writers_take_turns_and_readers_do_not_wait(database):
    writing, done = threading.Event(), threading.Event()

    def write():
        with database.writing() as conn:
            conn.execute(insert(QUEUES), {"name": "IT", "created_at": datetime.now(UTC)})
            writing.set()
            assert done.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    assert writing.wait(10)
    with database.reading() as conn:
        assert conn.scalars(select(QUEUES.c.name)).all() == []
    done.set()
    writer.join()
    with database.writing() as conn:
        assert conn.scalars(select(QUEUES.c.name)).all() == ["IT"]


def _add_queues(url, prefix, together):
    together.wait()
    opened = Database(url)
    for number in range(50):
        with opened.writing() as conn:
            conn.execute(text("SELECT count(*) FROM desk_queues"))
            conn.execute(insert(QUEUES), {"name": f"{prefix}{number}", "created_at": datetime.now(UTC)})
    opened.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_writers_of_several_processes_wait_for_each_other(empty_url):
    open_database(empty_url).close()
    together = FORK.Barrier(3)
    started = [FORK.Process(target=_add_queues, args=(empty_url, prefix, together)) for prefix in "abc"]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * 3
    assert rows(empty_url, "SELECT count(*) FROM desk_queues") == [(150,)]


def test_a_moment_comes_back_in_utc_and_without_a_zone_is_refused():
    class Lite:
        name = "sqlite"

    east = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=3)))
    stored = Moment().process_bind_param(east, Lite())
    assert stored == "2026-01-31T09:00:00.000005+00:00"
    assert Moment().process_result_value(stored, Lite()) == east
    with pytest.raises(ValueError, match="no time zone"):
        Moment().process_bind_param(datetime(2026, 1, 31), Lite())


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/desk", "not a url", ""])
def test_a_url_that_can_not_keep_tickets_is_refused_with_a_sentence(url):
    with pytest.raises((BadInput, ExtraMissing), match=r"SQLite|sqlite|URL"):
        Database(url)


def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "desk.db").write_text("This is not a database. " * 100)
    with pytest.raises(StoreUnreachable, match="not a database"):
        open_database(f"sqlite:///{tmp_path}/desk.db")


def test_a_database_of_a_newer_deskyard_is_left_alone(database, empty_url):
    with database.writing() as conn:
        conn.execute(text("UPDATE desk_alembic_version SET version_num = '9999'"))
    with pytest.raises(BadInput, match="newer"):
        open_database(empty_url)


def test_an_error_of_the_database_never_quotes_a_ticket(database):
    with pytest.raises(IntegrityError) as caught, database.writing() as conn:
        conn.execute(text("INSERT INTO desk_queues (name) VALUES (:name)"), {"name": "secret of a customer"})
    assert "secret" not in str(caught.value)


def test_postgresql_without_its_driver_names_the_extra_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'deskyard\[postgres\]'"):
        Database("postgresql+psycopg://localhost/desk")


def test_a_postgresql_that_does_not_answer_is_told_in_a_sentence():
    with pytest.raises(StoreUnreachable, match=r"postgresql.*can't be used"):
        open_database("postgresql+psycopg://ann:secret@127.0.0.1:1/desk")
    finding = check._check_database("postgresql+psycopg://ann:secret@127.0.0.1:1/desk")
    assert (finding.level, "secret" in finding.text) == ("fail", False)


def test_check_knows_an_empty_and_a_migrated_postgresql(postgres_url, tmp_path):
    def finding():
        chosen = Settings(home=tmp_path, database_url=postgres_url)
        (found,) = [one for one in check.run_checks(chosen, 0) if one.subject == "database"]
        return found

    assert (finding().level, "will be made" in finding().text) == ("ok", True)
    open_database(postgres_url).close()
    assert (finding().level, f"at revision {Database.head_revision()}" in finding().text) == ("ok", True)


def test_a_postgresql_that_can_not_keep_every_script_is_refused(postgres):
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"))
    url = make_url(postgres).set(database="latin").render_as_string(hide_password=False)
    try:
        with pytest.raises(BadInput, match="UTF8"):
            open_database(url)
        assert check._check_database(url).level == "fail"
    finally:
        with engine.connect() as connection:
            connection.execute(text("DROP DATABASE latin WITH (FORCE)"))
        engine.dispose()
