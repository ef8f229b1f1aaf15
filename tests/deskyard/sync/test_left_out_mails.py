"""A mail that became no ticket is recorded once, whichever database keeps the record."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.db.database import open_database
from deskyard.sync import connections, left_out_mails

NOW = datetime.now(UTC)


@pytest.fixture
def desk(database_url):
    """A writing transaction on each kind of database, and a connection."""
    database = open_database(database_url)
    with database.writing() as conn:
        yield conn, connections.save_connection(conn, "mail", "imap", "imaps://x/INBOX", since=NOW)
    database.close()


def test_a_mail_that_is_left_out_again_is_counted_once_and_found_where_it_is_now(desk):
    conn, connection = desk
    for place, message_id in (("7.1", "a"), ("8.1", "a"), ("7.2", "b")):
        left_out_mails.record(
            conn, connection.id, message_id=message_id, fingerprint="f", place=place, kind="bounce", reason="why",
            sender="ann", subject="x" * 900, received_at=NOW, at=NOW,
        )  # fmt: skip
    newest, oldest = left_out_mails.list_mails(conn)
    assert (newest.place, oldest.place, len(oldest.subject)) == ("7.2", "8.1", 300)
    assert left_out_mails.count_by_kind(conn) == {connection.id: {"bounce": 2}}
    left_out_mails.request(conn, oldest.id, "me")
    assert [one.id for one in left_out_mails.list_requested(conn, connection.id)] == [oldest.id]
    assert left_out_mails.delete_before(conn, NOW + timedelta(days=1)) == 1
    assert (left_out_mails.count_of_senders(conn, ["ann"]), left_out_mails.delete_of_senders(conn, ["ann"])) == (1, 1)
