"""A challenger scores new tickets beside the model in use, changes none, and is compared by people's labels."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from deskyard.analytics import rollups
from deskyard.db.tables.desk import QUEUES
from deskyard.db.tables.registry import SHADOW_ANSWERS
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.errors import BadInput, BundleError
from deskyard.registry import active_model, bundle, challengers, promotion
from deskyard.simulate.world import SimulatedWorld
from service.background import shadow_scoring as module
from service.background.shadow_scoring import ShadowScorer
from service.runtime.context import AppContext
from service.tickets.corrections import change_ticket
from service.tickets.routing import IncomingTicket, route_batch

ANN = Actor("person", "ann")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nothing else writes during these tests, so the newest entries need not wait for others."""
    monkeypatch.setattr(module, "COMMIT_LAG", timedelta(0))


@pytest.fixture
def models(tmp_path, learnt, made):
    """A champion that knows the simulated desk, and a challenger that knows three words."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / learnt.name).symlink_to(learnt)
    bundle.save_bundle(folder / "tiny", *made, {})
    return folder


@pytest.fixture
def context(database, models):
    promotion.promote(database, models, "learnt", ANN)
    return AppContext(database, models)


def arrive(context, n, seed=5):
    """Route new tickets of the same desk; returns their true queues by number."""
    new = list(SimulatedWorld(seed=seed).stream(n))
    answered = route_batch(context, [IncomingTicket(replace(one.ticket, created_at=datetime.now(UTC))) for one in new])
    return {int(a.answer["ticket"]["id"]): one.truth.labels["queue"] for a, one in zip(answered, new, strict=True)}


def stored_answers(database):
    with database.reading() as conn:
        return conn.execute(SHADOW_ANSWERS.select()).all()


def test_without_a_challenger_nobody_is_asked(database, context, models):
    arrive(context, 3)
    assert not ShadowScorer(database, models).score_batch()
    assert stored_answers(database) == []


def test_it_is_asked_about_new_tickets_only_and_changes_none(database, context, models):
    arrive(context, 3)
    promotion.start_challenge(database, models, "tiny", ANN)
    scorer = ShadowScorer(database, models)
    assert not scorer.score_batch()
    new = arrive(context, 4, seed=6)
    with database.reading() as conn:
        before = conn.execute(challengers.JOURNAL_ENTRIES.select()).all()
    assert scorer.score_batch()
    assert not scorer.score_batch()
    rows = stored_answers(database)
    assert {row.ticket_id for row in rows} == set(new)
    assert {row.target for row in rows} >= {"queue", "priority", "assignee"}
    assert all(row.said and row.ours for row in rows if row.target == "queue")
    with database.reading() as conn:
        assert conn.execute(challengers.JOURNAL_ENTRIES.select()).all() == before
        assert challengers.count_scored_tickets(conn, challengers.get_challenger(conn)) == 4


def test_what_people_made_of_the_tickets_decides_between_the_two(database, context, models):
    promotion.start_challenge(database, models, "tiny", ANN)
    new = arrive(context, 160)
    scorer = ShadowScorer(database, models)
    while scorer.score_batch():
        pass
    with database.writing() as conn:  # neither model writes the queues as the desk does now
        conn.execute(update(QUEUES).where(QUEUES.c.name != TRIAGE).values(name=QUEUES.c.name + "\u00a0"))
    for number, queue in new.items():
        change_ticket(context, number, {"queue": queue, "status": "resolved"}, ANN, expected_version=None)
    rollups.refresh_rollups(database, ZoneInfo("UTC"))
    with database.reading() as conn:
        found = challengers.compare_live(conn, challengers.get_challenger(conn), {}, active_model.get_active(conn))
    queue = next(one for one in found.targets if one.target == "queue")
    assert queue.overall.n == 160
    assert queue.overall.first > queue.overall.second
    assert not found.promote
    assert "queue: significantly worse" in found.verdict


def test_one_that_can_not_be_used_or_is_in_use_is_refused(database, context, models):
    with pytest.raises(BadInput, match="is the model in use"):
        promotion.start_challenge(database, models, "learnt", ANN)
    with pytest.raises(BundleError):
        promotion.start_challenge(database, models, "nowhere", ANN)


def test_it_is_no_challenger_any_more_once_it_is_in_use_or_taken_back(database, context, models):
    promotion.start_challenge(database, models, "tiny", ANN)
    promotion.start_challenge(database, models, "", ANN)
    with database.reading() as conn:
        assert challengers.get_challenger(conn) is None
    promotion.start_challenge(database, models, "tiny", ANN)
    promotion.promote(database, models, "tiny", ANN, force=True)
    with database.reading() as conn:
        assert challengers.get_challenger(conn) is None
