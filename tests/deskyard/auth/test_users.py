"""Users: created once, known by their password and second factor; secrets are never shown again."""

import base64
import hashlib
import time
from datetime import UTC, datetime

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from deskyard.auth import users
from deskyard.errors import BadInput
from deskyard.journal import audit_log

PASSWORD = "four words put together"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def ann(database):
    with database.writing() as conn:
        return users.create_user(conn, "ann", "agent", PASSWORD, "boss", NOW, ["IT"])


def proved(database, name="ann", password=PASSWORD, code="", now=0.0):
    with database.reading() as conn:
        checked = users.check_password(password, users.get_password_hash(conn, name))
    with database.writing() as conn:
        return users.authenticate(conn, name, checked, code, now)


def test_a_password_that_was_changed_after_it_was_checked_lets_nobody_in(database, ann):
    with database.reading() as conn:
        checked = users.check_password(PASSWORD, users.get_password_hash(conn, "ann"))
    with database.writing() as conn:
        users.set_password(conn, "ann", PASSWORD, "boss", NOW)
        assert users.authenticate(conn, "ann", checked, "", 0.0) is None
    assert proved(database) == ann


def test_a_password_lets_in_whom_it_belongs_to(database, ann):
    assert proved(database) == ann
    assert (ann.role, ann.queues) == ("agent", ("IT",))
    for name, password in (("ann", PASSWORD + " "), ("ann", ""), ("bob", PASSWORD), ("Ann", PASSWORD)):
        assert proved(database, name, password) is None


def test_what_is_kept_of_a_password_is_no_password(database, ann):
    one, other = users.hash_password(PASSWORD), users.hash_password(PASSWORD)
    assert PASSWORD not in one
    assert one != other
    assert users.verify_password(PASSWORD, one)


def kept(database, name="ann"):
    with database.reading() as conn:
        return conn.execute(text("SELECT password FROM access_users WHERE name = :name"), {"name": name}).scalar_one()


def keep(database, password, name="ann"):
    with database.writing() as conn:
        expected = {"password": password, "name": name}
        conn.execute(text("UPDATE access_users SET password = :password WHERE name = :name"), expected)


def scrypt(password):
    """A password as version 0.1 kept it."""
    salt = bytes(range(16))
    made = hashlib.scrypt(password.encode(), salt=salt, dklen=32, n=2**15, r=8, p=1, maxmem=64 * 2**20)
    return f"scrypt${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


def test_a_new_password_is_kept_with_argon2_and_stays_so_after_signing_in(database, ann):
    before = kept(database)
    assert before.startswith("$argon2id$")
    assert proved(database) == ann
    assert kept(database) == before


@pytest.mark.parametrize(
    "older", [scrypt, PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash], ids=["scrypt", "cheaper"]
)
def test_a_hash_of_before_is_accepted_and_renewed_when_its_user_signs_in(database, ann, older):
    before = older(PASSWORD)
    keep(database, before)
    assert proved(database, password=PASSWORD + "!") is None
    assert kept(database) == before, "a wrong password renews nothing"
    assert proved(database) == ann
    renewed = kept(database)
    assert (renewed.startswith("$argon2id$"), users.is_outdated(renewed)) == (True, False)
    assert proved(database) == ann
    assert proved(database, password=PASSWORD + "!") is None


def test_an_old_hash_is_not_renewed_without_the_second_factor(database, ann):
    with database.writing() as conn:
        users.set_second_factor(conn, "ann", users.make_second_factor("ann")[0], "boss", NOW)
    keep(database, scrypt(PASSWORD))
    assert proved(database, now=NOW.timestamp()) is None
    assert kept(database) == scrypt(PASSWORD)


def test_a_name_that_nobody_has_costs_a_guesser_as_much_as_one_that_somebody_has():
    assert users._DUMMY_HASH.startswith("$argon2id$")
    assert not users.is_outdated(users._DUMMY_HASH)
    assert not users.verify_password(PASSWORD, users._DUMMY_HASH)


def test_whoever_signs_in_elsewhere_has_no_password_that_fits(database):
    with database.writing() as conn:
        users.create_user(conn, "oidc", "viewer", "", "boss", NOW)
    assert proved(database, "oidc", "") is None


def test_a_code_is_good_once_and_for_half_a_minute_either_side(database, ann):
    key, address = users.make_second_factor("ann")
    assert address.startswith("otpauth://totp/deskyard:ann?secret=")
    with database.writing() as conn:
        users.set_second_factor(conn, "ann", key, "boss", NOW)
    now = time.time()
    code = pyotp.TOTP(key).at(int(now))
    assert proved(database, now=now) is None
    assert proved(database, code=code, now=now + 90) is None
    assert proved(database, code=code, now=now) is not None
    assert proved(database, code=code, now=now) is None


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [("", "agent", PASSWORD), (" ann", "agent", PASSWORD), ("a\nb", "agent", PASSWORD), ("x" * 101, "agent", PASSWORD),
     ("bob", "machine", PASSWORD), ("bob", "king", PASSWORD), ("bob", "agent", "short")],
)  # fmt: skip
def test_what_can_be_no_user_is_told(database, name, role, password):
    with pytest.raises(BadInput), database.writing() as conn:
        users.create_user(conn, name, role, password, "boss", NOW)


def test_a_name_is_given_once_and_each_deed_is_in_the_audit_log(database, ann):
    with database.writing() as conn:
        users.set_password(conn, "ann", PASSWORD + "!", "boss", NOW)
        users.set_role(conn, "ann", "manager", [], "boss", NOW)
        users.disable_user(conn, "ann", "boss", NOW)
    assert proved(database, password=PASSWORD + "!") is None
    with pytest.raises(BadInput, match="there is or was a user named"), database.writing() as conn:
        users.create_user(conn, "ann", "agent", PASSWORD, "boss", NOW)
    with database.reading() as conn:
        entries = [(entry.action, entry.subject) for entry in audit_log.list_entries(conn).items]
    assert entries == [
        ("user.disable", "ann"),
        ("user.change", "ann: manager; all queues"),
        ("user.change", "ann: password"),
        ("user.create", "ann (agent)"),
    ]
