"""Keys and the audit log, on each kind of database."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from deskyard.auth import api_keys
from deskyard.domain.actors import Actor
from deskyard.errors import BadInput
from deskyard.journal import audit_log

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def made(database, name="ci", role="machine"):
    with database.writing() as conn:
        return api_keys.create_key(conn, name, role, "ann", NOW)


def found(database, secret):
    with database.reading() as conn:
        return api_keys.load_active_keys(conn).find_key(secret)


def test_a_secret_holds_256_random_bits_and_says_whose_it_is(database):
    secrets = {made(database, f"key {number}") for number in range(20)}
    assert len(secrets) == 20
    assert all(re.fullmatch(r"dy_[A-Za-z0-9_-]{43}", secret) for secret in secrets)


def test_a_secret_finds_its_key_and_nothing_else_does(database):
    secret = made(database)
    assert found(database, secret) == api_keys.ApiKey("ci", "machine", NOW, "ann", None)
    for wrong in ("", "dy_", secret[:-1], secret + "x", secret.upper(), "пароль", hashlib.sha256(b"x").hexdigest()):
        assert found(database, wrong) is None


def test_the_database_holds_the_hash_and_never_the_secret(database):
    secret = made(database)
    with database.reading() as conn:
        rows = [
            *conn.execute(text("SELECT * FROM access_keys")),
            *conn.execute(text("SELECT * FROM access_audit")),
        ]
    assert hashlib.sha256(secret.encode()).hexdigest() in str(rows)
    assert secret not in str(rows)
    assert secret.removeprefix("dy_") not in str(rows)


def test_a_revoked_key_opens_nothing_and_the_others_do(database):
    gone, kept = made(database, "gone"), made(database, "stays")
    with database.writing() as conn:
        api_keys.revoke_key(conn, "gone", "борис", NOW + timedelta(days=1))
    assert found(database, gone) is None
    assert found(database, kept).name == "stays"
    with database.reading() as conn:
        assert [(key.name, key.revoked_at) for key in api_keys.list_keys(conn)] == [
            ("gone", NOW + timedelta(days=1)), ("stays", None),
        ]  # fmt: skip


def test_a_key_is_needed_from_the_first_one_on_and_for_ever(database):
    with database.reading() as conn:
        assert not api_keys.has_any_key(conn)
        assert not api_keys.load_active_keys(conn).is_required
    made(database)
    with database.writing() as conn:
        api_keys.revoke_key(conn, "ci", "ann", NOW)
    with database.reading() as conn:
        assert api_keys.has_any_key(conn)
        assert api_keys.load_active_keys(conn).is_required


def test_a_name_is_given_once_even_after_its_key_was_revoked(database):
    made(database)
    with pytest.raises(BadInput, match="choose another"):
        made(database)
    with database.writing() as conn:
        api_keys.revoke_key(conn, "ci", "ann", NOW)
    with pytest.raises(BadInput, match="choose another"):
        made(database)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00b", "\ud800", "x" * 101])
def test_a_name_that_nobody_could_read_is_refused(database, name):
    with pytest.raises(BadInput, match="1 to 100 printable characters"):
        made(database, name)


def test_a_role_that_does_not_exist_is_refused(database):
    with pytest.raises(BadInput, match="viewer, agent, manager, admin, machine"):
        made(database, role="root")


def test_revoking_what_is_not_in_use_is_a_sentence(database):
    made(database)
    with database.writing() as conn:
        api_keys.revoke_key(conn, "ci", "ann", NOW)
    for name in ("ci", "nobody"):
        with pytest.raises(BadInput, match="deskyard key list"), database.writing() as conn:
            api_keys.revoke_key(conn, name, "ann", NOW)


def test_the_audit_log_tells_who_made_and_revoked_keys_newest_first(database):
    made(database)
    with database.writing() as conn:
        api_keys.revoke_key(conn, "ci", "борис", NOW)
    with database.reading() as conn:
        entries = audit_log.list_entries(conn).items
    assert [(entry.actor, entry.action, entry.subject) for entry in entries] == [
        (Actor("person", "борис"), "key.revoke", "ci"),
        (Actor("person", "ann"), "key.create", "ci (machine)"),
    ]


def test_a_deed_that_failed_leaves_no_note(database):
    def make_and_fail():
        with database.writing() as conn:
            api_keys.create_key(conn, "ci", "admin", "ann", NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        make_and_fail()
    with database.reading() as conn:
        assert audit_log.list_entries(conn).items == []


def test_the_audit_log_is_read_in_pages_that_new_deeds_do_not_shift(database):
    def note(number):
        with database.writing() as conn:
            audit_log.record_action(conn, Actor("machine", "ci"), "undo", str(number), NOW)

    for number in range(5):
        note(number)
    with database.reading() as conn:
        first = audit_log.list_entries(conn, 2)
    note(5)
    with database.reading() as conn:
        second = audit_log.list_entries(conn, 2, first.next_cursor)
        last = audit_log.list_entries(conn, 2, second.next_cursor)
    assert [[entry.subject for entry in page.items] for page in (first, second, last)] == [
        ["4", "3"],
        ["2", "1"],
        ["0"],
    ]
    assert last.next_cursor is None
