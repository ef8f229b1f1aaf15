"""Requests to retrain: noticed once, started once, answered once."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.journal.journal import CORRECTED, EntryHeader, Journal
from deskyard.registry import retraining_requests

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def conn(database):
    with database.writing() as opened:
        yield opened


def test_a_reason_that_is_held_is_not_wanted_twice(conn):
    retraining_requests.request_retraining(conn, "drift", "Billing went wrong", NOW)
    retraining_requests.request_retraining(conn, "drift", "IT went wrong", NOW + HOUR)
    retraining_requests.request_retraining(conn, "schedule", "a week is over", NOW + HOUR)
    assert [(request.reason, request.detail) for request in retraining_requests.list_pending(conn)] == [
        ("drift", "Billing went wrong"),
        ("schedule", "a week is over"),
    ]


def test_one_begins_and_the_others_wait_until_it_has_ended_or_died(conn):
    assert not retraining_requests.claim_pending(conn, NOW)
    retraining_requests.request_retraining(conn, "person", "", NOW)
    assert retraining_requests.claim_pending(conn, NOW)
    assert not retraining_requests.claim_pending(conn, NOW + HOUR)
    assert retraining_requests.claim_pending(conn, NOW + retraining_requests.ABANDONED_AFTER + HOUR)
    retraining_requests.release_claim(conn)
    assert retraining_requests.claim_pending(conn, NOW + retraining_requests.ABANDONED_AFTER + HOUR)


def test_what_is_wanted_after_it_began_is_not_answered_by_it(conn):
    retraining_requests.request_retraining(conn, "schedule", "a week is over", NOW)
    retraining_requests.request_retraining(conn, "drift", "Billing went wrong", NOW + 2 * HOUR)
    retraining_requests.finish_pending(conn, "new", "it waits", NOW + 3 * HOUR, requested_until=NOW + HOUR)
    assert [request.reason for request in retraining_requests.list_pending(conn)] == ["drift"]
    assert retraining_requests.get_last_finished(conn).bundle == "new"
    retraining_requests.request_retraining(conn, "schedule", "another week is over", NOW + 4 * HOUR)
    assert len(retraining_requests.list_pending(conn)) == 2


def test_it_is_due_by_time_and_by_corrections_since_the_last_one(conn):
    trained = NOW - timedelta(days=8)
    assert retraining_requests.find_due_reasons(conn, trained, NOW) == []
    assert [why for why, _ in retraining_requests.find_due_reasons(conn, trained, NOW, max_age=timedelta(days=7))] == [
        "schedule"
    ]
    for n in range(3):
        Journal.record(conn, EntryHeader(1, "0" * 64, NOW - n * HOUR, None, None), (CORRECTED, {"field": "queue"}))
    assert retraining_requests.find_due_reasons(conn, trained, NOW, min_corrections=4) == []
    assert [why for why, _ in retraining_requests.find_due_reasons(conn, trained, NOW, min_corrections=3)] == [
        "corrections"
    ]
    retraining_requests.record_retraining(conn, "person", "", "new", "it waits", NOW - 2 * HOUR, NOW - HOUR / 2)
    assert retraining_requests.find_due_reasons(conn, trained, NOW, max_age=timedelta(days=7), min_corrections=3) == []
