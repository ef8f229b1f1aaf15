"""A mail has one id, however often it is read; another mail with its Message-ID has another one."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from deskyard.db.database import open_database
from deskyard.db.tables.sync import MAILS
from deskyard.sync import connections, filed_mails

ONE, OTHER = "1" * 64, "2" * 64


@pytest.fixture
def desk(database_url):
    """A writing transaction on each kind of database, and a connection."""
    database = open_database(database_url)
    with database.writing() as conn:
        yield conn, connections.save_connection(conn, "mail", "imap", "imaps://x/INBOX", since=datetime.now(UTC))
    database.close()


def assign(desk, fingerprint):
    return filed_mails.assign_external_id(*desk, "a@x", fingerprint, sender="ann", text="It is down.")


def test_ids_are_kept_and_an_id_that_another_process_took_is_not_used_twice(desk):
    conn, connection = desk
    assert [assign(desk, one) for one in (ONE, OTHER, ONE, OTHER)] == 2 * ["a@x", f"a@x#{OTHER[:16]}"]
    third, taken = "3" * 64, f"a@x#{'3' * 16}"
    row = {"connection_id": connection.id, "message_id": "other", "fingerprint": "f", "external_id": taken}
    conn.execute(insert(MAILS), row)
    assert assign(desk, third) == f"a@x#{third}"


def test_the_hash_of_an_erased_mail_is_deleted_and_its_id_is_known(desk):
    conn, connection = desk
    assign(desk, ONE)
    filed_mails.record_ticket(conn, connection, "a@x", 7)
    filed_mails.erase_of_tickets(conn, [7], ["ann"])
    assert [one.partition("-")[0] for one in conn.scalars(select(MAILS.c.fingerprint))] == ["erased"]
    assert assign(desk, ONE) == assign(desk, OTHER) == "a@x"
    filed_mails.erase_of_tickets(conn, [7], ["A@x"])
    assert all(one.startswith("erased-") for one in conn.scalars(select(MAILS.c.message_id)))
