"""Users: made once, known by their password, asked for a code, and never told what they forgot."""

import time
from datetime import UTC, datetime

import pyotp
import pytest

from deskyard import audit, users
from deskyard.errors import BadInput

PASSWORD = "four words put together"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def ann(database):
    with database.writing() as conn:
        return users.create(conn, "ann", "agent", PASSWORD, "boss", NOW, ["IT"])


def proved(database, name="ann", password=PASSWORD, code="", now=0.0):
    with database.writing() as conn:
        return users.proved(conn, name, password, code, now)


def test_a_password_lets_in_whom_it_belongs_to(database, ann):
    assert proved(database) == ann
    assert (ann.role, ann.queues) == ("agent", ("IT",))
    for name, password in (("ann", PASSWORD + " "), ("ann", ""), ("bob", PASSWORD), ("Ann", PASSWORD)):
        assert proved(database, name, password) is None


def test_what_is_kept_of_a_password_is_no_password(database, ann):
    one, other = users.hashed(PASSWORD), users.hashed(PASSWORD)
    assert PASSWORD not in one
    assert one != other
    assert users.matches(PASSWORD, one)


def test_whoever_signs_in_elsewhere_has_no_password_that_fits(database):
    with database.writing() as conn:
        users.create(conn, "oidc", "viewer", "", "boss", NOW)
    assert proved(database, "oidc", "") is None


def test_a_code_is_good_once_and_for_half_a_minute_either_side(database, ann):
    key, address = users.new_second_factor("ann")
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
        users.create(conn, name, role, password, "boss", NOW)


def test_a_name_is_given_once_and_each_deed_is_in_the_audit_log(database, ann):
    with database.writing() as conn:
        users.set_password(conn, "ann", PASSWORD + "!", "boss", NOW)
        users.set_role(conn, "ann", "manager", [], "boss", NOW)
        users.disable(conn, "ann", "boss", NOW)
    assert proved(database, password=PASSWORD + "!") is None
    with pytest.raises(BadInput, match="stays theirs"), database.writing() as conn:
        users.create(conn, "ann", "agent", PASSWORD, "boss", NOW)
    with database.reading() as conn:
        deeds = [(deed.deed, deed.subject) for deed in audit.listed(conn).items]
    assert deeds == [
        ("user.disable", "ann"),
        ("user.change", "ann: manager; all queues"),
        ("user.change", "ann: password"),
        ("user.create", "ann (agent)"),
    ]
