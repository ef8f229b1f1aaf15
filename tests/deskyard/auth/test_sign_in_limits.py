"""Failures to sign in: how many, for whom, and that nobody locks another out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from deskyard.auth import sign_in_limits, users
from deskyard.auth.sign_in_limits import MOST_BROWSERS, MOST_FAILURES, SECONDS_PER_FAILURE, attempt_keys
from deskyard.db.tables.auth import KNOWN_BROWSERS, SIGN_IN_FAILURES

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = NOW.timestamp()
ANN = attempt_keys("203.0.113.7", "ann", "")


def attempt(database, keys=ANN, at=SECOND):
    with database.writing() as conn:
        return sign_in_limits.count_attempt(conn, keys, at)


@pytest.mark.databases
def test_so_many_at_once_and_then_one_in_some_seconds(database):
    assert [attempt(database) for _ in range(MOST_FAILURES)] == [0.0] * MOST_FAILURES
    assert attempt(database) == pytest.approx(SECONDS_PER_FAILURE)
    with database.reading() as conn:
        assert sign_in_limits.find_wait(conn, ANN, SECOND) == pytest.approx(SECONDS_PER_FAILURE)
    assert attempt(database, at=SECOND + SECONDS_PER_FAILURE + 0.01) == 0
    assert attempt(database, at=SECOND + SECONDS_PER_FAILURE + 0.02) > 0


@pytest.mark.databases
def test_many_at_once_are_no_more_than_one_after_another(database):
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: attempt(database), range(4 * MOST_FAILURES)))
    assert waits.count(0.0) == MOST_FAILURES


def test_what_succeeds_counts_nothing(database):
    for _ in range(3 * MOST_FAILURES):
        assert attempt(database) == 0
        with database.writing() as conn:
            sign_in_limits.uncount_attempt(conn, ANN)


def test_a_name_is_counted_from_everywhere_and_a_network_for_every_name(database):
    for number in range(MOST_FAILURES):
        attempt(database, attempt_keys(f"198.51.100.{number}", "ann", ""))
    assert attempt(database, attempt_keys("192.0.2.1", "ann", "")) > 0
    assert attempt(database, attempt_keys("192.0.2.1", "борис", "")) == 0
    for number in range(MOST_FAILURES):
        attempt(database, attempt_keys("192.0.2.2", f"name {number}", ""))
    assert attempt(database, attempt_keys("192.0.2.2", "борис", "")) > 0
    assert attempt(database, attempt_keys("192.0.2.2", "ann", "a browser of hers")) == 0


@pytest.mark.databases
def test_what_is_forgotten_leaves_no_row(database):
    for number in range(50):
        attempt(database, attempt_keys(f"198.51.100.{number}", f"name {number}", ""))
    attempt(database, at=SECOND + 2 * SECONDS_PER_FAILURE)
    with database.reading() as conn:
        assert conn.scalar(select(func.count()).select_from(SIGN_IN_FAILURES)) == len(ANN)


@pytest.mark.databases
def test_a_browser_is_known_for_its_user_alone_and_for_a_time(database):
    with database.writing() as conn:
        ann, boris = (
            users.create_user(conn, name, "agent", "several unrelated words", "test", NOW) for name in ("ann", "борис")
        )
        first = sign_in_limits.remember_browser(conn, ann, "", NOW)
        second = sign_in_limits.remember_browser(conn, ann, first, NOW)
        assert not sign_in_limits.is_known_browser(conn, "ann", first, NOW), "each sign-in has a cookie of its own"
        assert sign_in_limits.is_known_browser(conn, "ann", second, NOW)
        assert not sign_in_limits.is_known_browser(conn, "борис", second, NOW)
        assert not sign_in_limits.is_known_browser(conn, "ann", "", NOW)
        assert not sign_in_limits.is_known_browser(conn, "ann", second, NOW + timedelta(days=181))
        for number in range(2 * MOST_BROWSERS):
            last = sign_in_limits.remember_browser(conn, ann, "", NOW + timedelta(seconds=number))
        assert sign_in_limits.is_known_browser(conn, "ann", last, NOW)
        assert not sign_in_limits.is_known_browser(conn, "ann", second, NOW)
        sign_in_limits.remember_browser(conn, boris, "", NOW)
        assert conn.scalar(select(func.count()).select_from(KNOWN_BROWSERS)) == MOST_BROWSERS + 1
