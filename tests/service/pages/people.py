"""Signed-in users for tests of pages without a browser, and tickets of another help desk."""

from datetime import UTC, datetime

from deskyard.auth import sessions, users
from deskyard.connectors.base.ticket_store import StoredTicket
from deskyard.desk import tickets
from deskyard.sync import connections, mirror
from service.auth.authorization import SESSION_COOKIE

PASSWORD = "a password of the tests"


def sign_in_as(client, name, role, queues=()):
    """Create a user and sign them in: the client then sends requests as from our own pages."""
    with client.app.state.context.database.writing() as conn:
        user = users.create_user(conn, name, role, PASSWORD, "test", datetime.now(UTC), queues)
        secret = sessions.start_session(conn, user, datetime.now(UTC))
    client.app.state.access.reload_keys()
    client.cookies.set(SESSION_COOKIE, secret)
    client.headers["Sec-Fetch-Site"] = "same-origin"
    return user


def make_foreign(client, number):
    """Make a ticket of the desk the mirror of one in another help desk."""
    with client.app.state.context.database.writing() as conn:
        now = datetime.now(UTC)
        there = connections.save_connection(conn, "elsewhere", "znuny", "https://desk.example", since=now)
        seen = StoredTicket(
            ref=f"T{number}", ticket=tickets.get_ticket(conn, number).ticket, updated_at=now, version="1"
        )
        mirror.add_mirror(conn, there, seen, number, now)
