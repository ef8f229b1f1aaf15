"""`deskyard user`: made, changed, listed and shut out, each in a sentence."""

import pyotp

from deskyard.auth import sessions, users
from deskyard.db.database import open_database
from deskyard.settings import settings

PASSWORD = "four words put together"


def made(command, *more, name="ann", role="agent"):
    return command("user", "create", name, "--role", role, "--password", PASSWORD, *more)


def test_a_user_is_made_listed_changed_and_disabled(command, home):
    assert "There is no user" in command("user", "list").out
    assert made(command).out == "'ann' may sign in as agent.\n"
    assert command("user", "list").out == "ann: agent, all queues\n"
    assert command("user", "change", "ann", "--role", "manager", "--queue", "triage").out == "ann: manager, triage\n"
    assert command("user", "change", "ann", "--all-queues").out == "ann: manager, all queues\n"
    assert command("user", "disable", "ann").code == 0
    assert "disabled" in command("user", "list").out


def test_a_queue_that_is_not_there_and_a_short_password_are_told(command, home):
    wrong = made(command, "--queue", "Nowhere")
    assert (wrong.code, "there is no queue 'Nowhere'" in wrong.err) == (2, True)
    short = command("user", "create", "ann", "--role", "agent", "--password", "short")
    assert (short.code, "10 characters" in short.err) == (2, True)
    assert "There is no user" in command("user", "list").out


def test_a_new_password_ends_every_session(command, home):
    made(command)
    database = open_database(settings().database)
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    with database.writing() as conn:
        secret = sessions.start_session(conn, users.get_user(conn, "ann"), now)
    assert command("user", "password", "ann", "--password", PASSWORD + "!").code == 0
    with database.reading() as conn:
        assert sessions.find_session_user(conn, secret, now) is None
    database.close()


def test_a_second_factor_is_a_key_that_an_app_reads(command, home):
    made(command)
    result = command("user", "second-factor", "ann").out
    address = result.split()[-1]
    assert pyotp.parse_uri(address).name == "ann"
    assert "with a second factor" in command("user", "list").out
    command("user", "second-factor", "ann", "--off")
    assert "with a second factor" not in command("user", "list").out


def test_with_the_first_user_the_door_is_shut(command, home):
    from deskyard.auth import api_keys

    made(command)
    database = open_database(settings().database)
    with database.reading() as conn:
        assert api_keys.load_active_keys(conn).is_required
    database.close()
