"""A challenger on new tickets: asked beside the model in use, never acted on, compared by what people made of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from deskyard.analytics import rollups
from deskyard.db.tables.registry import SHADOW_ANSWERS
from deskyard.desk.ticket_history import Actor
from deskyard.errors import BadInput, BundleError
from deskyard.registry import active_model, bundle, challengers, promotion
from deskyard.simulate.world import World
from service.background import shadow_scoring as module
from service.background.shadow_scoring import Challenging
from service.runtime.context import Yard
from service.tickets.corrections import correct
from service.tickets.routing import Arrival, route_all

ANN = Actor("person", "ann")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nobody writes beside these tests, so the newest entries need not wait for others to be committed."""
    monkeypatch.setattr(module, "LATE", timedelta(0))


@pytest.fixture
def models(tmp_path, learnt, made):
    """A champion that knows the simulated desk, and a challenger that knows three words."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / learnt.name).symlink_to(learnt)
    bundle.save(folder / "tiny", *made, {})
    return folder


@pytest.fixture
def yard(database, models):
    promotion.promote(database, models, "learnt", ANN)
    return Yard(database, models)


def arrive(yard, n, seed=5):
    """New tickets of the same desk; their true queues by number."""
    new = list(World(seed=seed).stream(n))
    answered = route_all(yard, [Arrival(replace(one.ticket, created_at=datetime.now(UTC))) for one in new])
    return {int(a.answer["ticket"]["id"]): one.truth.labels["queue"] for a, one in zip(answered, new, strict=True)}


def kept(database):
    with database.reading() as conn:
        return conn.execute(SHADOW_ANSWERS.select()).all()


def test_without_a_challenger_nobody_is_asked(database, yard, models):
    arrive(yard, 3)
    assert not Challenging(database, models).step()
    assert kept(database) == []


def test_it_is_asked_about_new_tickets_only_and_changes_none(database, yard, models):
    arrive(yard, 3)
    promotion.challenge(database, models, "tiny", ANN)
    challenging = Challenging(database, models)
    assert not challenging.step()
    new = arrive(yard, 4, seed=6)
    with database.reading() as conn:
        before = conn.execute(challengers.ENTRIES.select()).all()
    assert challenging.step()
    assert not challenging.step()
    rows = kept(database)
    assert {row.ticket_id for row in rows} == set(new)
    assert {row.target for row in rows} >= {"queue", "priority", "assignee"}
    assert all(row.said and row.ours for row in rows if row.target == "queue")
    with database.reading() as conn:
        assert conn.execute(challengers.ENTRIES.select()).all() == before
        assert challengers.asked(conn, challengers.now(conn)) == 4


def test_what_people_made_of_the_tickets_decides_between_the_two(database, yard, models):
    promotion.challenge(database, models, "tiny", ANN)
    new = arrive(yard, 160)
    challenging = Challenging(database, models)
    while challenging.step():
        pass
    for number, queue in new.items():
        correct(yard, number, {"queue": queue, "status": "resolved"}, ANN, seen=None)
    rollups.refresh(database, ZoneInfo("UTC"))
    with database.reading() as conn:
        found = challengers.compare_live(conn, challengers.now(conn), {}, active_model.current(conn))
    queue = next(one for one in found.targets if one.target == "queue")
    assert queue.whole.n == 160
    assert queue.whole.first > queue.whole.second
    assert not found.promote
    assert "queue: worse beyond chance" in found.verdict


def test_one_that_can_not_be_used_or_is_in_use_is_refused(database, yard, models):
    with pytest.raises(BadInput, match="is the model in use"):
        promotion.challenge(database, models, "learnt", ANN)
    with pytest.raises(BundleError):
        promotion.challenge(database, models, "nowhere", ANN)


def test_it_is_no_challenger_any_more_once_it_is_in_use_or_taken_back(database, yard, models):
    promotion.challenge(database, models, "tiny", ANN)
    promotion.challenge(database, models, "", ANN)
    with database.reading() as conn:
        assert challengers.now(conn) is None
    promotion.challenge(database, models, "tiny", ANN)
    promotion.promote(database, models, "tiny", ANN, force=True)
    with database.reading() as conn:
        assert challengers.now(conn) is None
