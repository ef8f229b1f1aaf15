"""Why a retraining is wanted: noticed once, begun once, answered once."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard import wanted
from deskyard.journal import CORRECTED, Journal, Stamp

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def session(database):
    with database.writing() as opened:
        yield opened


def test_a_reason_that_is_held_is_not_wanted_twice(session):
    wanted.want(session, "drift", "Billing went wrong", NOW)
    wanted.want(session, "drift", "IT went wrong", NOW + HOUR)
    wanted.want(session, "schedule", "a week is over", NOW + HOUR)
    assert [(wish.why, wish.text) for wish in wanted.held(session)] == [
        ("drift", "Billing went wrong"),
        ("schedule", "a week is over"),
    ]


def test_one_begins_and_the_others_wait_until_it_has_ended_or_died(session):
    assert not wanted.claim(session, NOW)
    wanted.want(session, "person", "", NOW)
    assert wanted.claim(session, NOW)
    assert not wanted.claim(session, NOW + HOUR)
    assert wanted.claim(session, NOW + wanted.LOST + HOUR)
    wanted.let_go(session)
    assert wanted.claim(session, NOW + wanted.LOST + HOUR)


def test_what_is_wanted_after_it_began_is_not_answered_by_it(session):
    wanted.want(session, "schedule", "a week is over", NOW)
    wanted.want(session, "drift", "Billing went wrong", NOW + 2 * HOUR)
    wanted.ended(session, "new", "it waits", NOW + 3 * HOUR, until=NOW + HOUR)
    assert [wish.why for wish in wanted.held(session)] == ["drift"]
    assert wanted.last(session).bundle == "new"
    wanted.want(session, "schedule", "another week is over", NOW + 4 * HOUR)
    assert len(wanted.held(session)) == 2


def test_it_is_due_by_time_and_by_corrections_since_the_last_one(session):
    trained = NOW - timedelta(days=8)
    assert wanted.due(session, trained, NOW) == []
    assert [why for why, _ in wanted.due(session, trained, NOW, every=timedelta(days=7))] == ["schedule"]
    for n in range(3):
        Journal.record(session, Stamp(1, "0" * 64, NOW - n * HOUR, None, None), (CORRECTED, {"field": "queue"}))
    assert wanted.due(session, trained, NOW, corrected=4) == []
    assert [why for why, _ in wanted.due(session, trained, NOW, corrected=3)] == ["corrections"]
    wanted.told(session, "person", "", "new", "it waits", NOW - 2 * HOUR, NOW - HOUR / 2)
    assert wanted.due(session, trained, NOW, every=timedelta(days=7), corrected=3) == []
