"""Automatic retraining: a due retraining is started once, and its result is recorded."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from deskyard.db.database import open_database
from deskyard.domain.actors import Actor
from deskyard.journal.journal import CORRECTED, EntryHeader, Journal
from deskyard.policy.policy import Policy, RetrainingRule
from deskyard.policy.versions import Policies
from deskyard.registry import promotion, retraining_requests
from deskyard.settings import Settings
from service.background import training_process as module
from service.background.auto_retraining import AutoRetrainer
from service.background.training_process import TrainingProcess
from service.runtime.context import AppContext


@pytest.fixture
def retraining(tmp_path, champion, monkeypatch):
    """A desk with a model and without solved tickets, so that a retraining ends soon with a message."""
    monkeypatch.setattr(module, "NICENESS", 0)
    chosen = Settings(home=tmp_path)
    (tmp_path / "models").symlink_to(champion / "models")
    database = open_database(chosen.database)
    promotion.promote(database, chosen.models, "tiny", Actor("person", "ann"))
    learning = TrainingProcess(chosen)
    yield AutoRetrainer(AppContext(database, chosen.models), learning)
    learning.cancel()
    until(lambda: (run := learning.newest_run()) is None or run.state != "running")
    database.close()


def until(holds, seconds=300):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def rule(retraining, retrain_rule):
    with retraining.context.changing_settings() as conn:
        Policies.add_version(conn, Policy(retrain=retrain_rule), "ann", datetime.now(UTC))


def correct(retraining, times):
    with retraining.context.database.writing() as conn:
        for _ in range(times):
            stamp = EntryHeader(1, "0" * 64, datetime.now(UTC), None, None)
            Journal.record(conn, stamp, (CORRECTED, {"field": "queue", "from": "IT", "to": "Billing"}))


def held(retraining):
    with retraining.context.database.reading() as conn:
        return [(request.reason, request.started_at is not None) for request in retraining_requests.list_pending(conn)]


def test_without_a_rule_nothing_begins_whatever_is_wanted(retraining):
    correct(retraining, 3)
    with retraining.context.database.writing() as conn:
        retraining_requests.request_retraining(conn, "drift", "Billing went wrong", datetime.now(UTC))
    assert not retraining.start_if_due(datetime.now(UTC))
    rule(retraining, RetrainingRule(corrections=100, drift=False))
    assert not retraining.start_if_due(datetime.now(UTC))
    assert held(retraining) == [("drift", False)]
    assert retraining.training.newest_run() is None


def test_it_is_not_begun_before_its_time(retraining):
    rule(retraining, RetrainingRule(every="7d"))
    now = datetime.now(UTC)
    assert not retraining.start_if_due(now)
    assert not retraining.start_if_due(now + timedelta(days=6))
    assert held(retraining) == []


def test_corrections_begin_one_run_whose_end_is_written_down(retraining):
    rule(retraining, RetrainingRule(corrections=2))
    correct(retraining, 2)
    now = datetime.now(UTC)
    assert retraining.start_if_due(now)
    assert not retraining.start_if_due(now + timedelta(minutes=1))
    assert held(retraining) in ([("corrections", True)], [])
    until(lambda: retraining.training.newest_run().state != "running")
    until(lambda: held(retraining) == [])
    with retraining.context.database.reading() as conn:
        last = retraining_requests.get_last_finished(conn)
    assert last.reason == "corrections"
    assert "people have corrected 2 decisions" in last.detail
    assert last.outcome
    assert not retraining.start_if_due(datetime.now(UTC)), "what was corrected before it is answered by it"
