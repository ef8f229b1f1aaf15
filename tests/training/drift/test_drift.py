"""What changed on a simulated desk is told, with the truth known; what did not change is hardly ever told."""

import pytest

from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.errors import BadInput
from deskyard.simulate.world import SimulatedWorld
from training.data.discontinued_labels import drop_discontinued, find_discontinued
from training.data.history import History
from training.drift.findings import detect_drift
from training.drift.share_changes import find_share_changes
from training.pipeline.options import Options
from training.pipeline.run import train_model

NEWEST = 300


def history(simulated):
    labels = {target: [one.labels.get(target) for one in simulated] for target in TARGETS}
    return History(tickets=[one.ticket for one in simulated], labels=labels)


@pytest.fixture(scope="module")
def quiet():
    """Worlds where only people come and go: no incident, no category renamed, nobody sends the same twice."""
    made = (SimulatedWorld(seed=seed, burst=False, rename=False, near_copies=0.0) for seed in range(6))
    return [(world, detect_drift(history(list(world.tickets(900))), NEWEST)) for world in made]


def test_where_nothing_has_changed_but_people_nothing_else_is_told(quiet):
    for _, found in quiet:
        assert set(found.changed) <= {"assignee"}
        assert set(found.discontinued) <= {"assignee"}
        assert found.topics == []


def test_only_those_who_have_left_are_silent(quiet):
    told = 0
    for world, found in quiet:
        gone = {agent.login for agent in world.desk.agents if agent.left is not None}
        silents = {one.label for one in found.discontinued.get("assignee", [])}
        assert silents <= gone
        told += bool(silents)
    assert told >= 4


def test_another_way_in_and_another_language_are_told():
    before = [Ticket(id="1", body="the printer is jammed and prints blank pages again", channel="mail")] * 300
    now = [Ticket(id="1", body="der drucker im zweiten stock druckt seit heute nur leere seiten", channel="form")] * 100
    found = detect_drift(History(tickets=before + now, labels={target: [None] * 400 for target in TARGETS}), 100)
    assert {one.value for one in found.changed["channel"]} == {"mail", "form"}
    assert {one.value for one in found.changed["language"]} == {"en", "de"}
    assert {one.value for one in found.changed["words"]} >= {"prints", "druckt"}


def test_a_share_that_moved_by_little_is_not_worth_telling():
    before, now = [["a"]] * 50_000 + [["b"]] * 50_000, [["a"]] * 40_000 + [["b"]] * 60_000
    assert find_share_changes(before, now) == []


def test_too_few_tickets_are_refused():
    with pytest.raises(BadInput, match="too few to compare"):
        detect_drift(history(list(SimulatedWorld(seed=1).tickets(60))), 40)


def test_a_label_that_came_in_clumps_is_silent_later():
    steady, clumps = (["a"] + ["b"] * 9) * 40, (["a"] * 2 + ["b"] * 18) * 20
    quiet = ["b"] * 120
    assert [one.label for one in find_discontinued(steady + ["b"] * 200)] == ["a"]
    assert find_discontinued(clumps + quiet) == find_discontinued(steady + quiet) == []


def test_what_a_silent_label_leaves_behind_teaches_nothing():
    labels = {target: [None] * 300 for target in TARGETS} | {"assignee": (["gone", "stays"] * 50 + ["stays"] * 200)}
    kept, gone = drop_discontinued(History(tickets=[Ticket(id="1")] * 300, labels=labels), ("assignee", "queue"))
    assert {one.label for one in gone["assignee"]} == {"gone"}
    assert (set(kept.labels["assignee"]), len(kept)) == ({None, "stays"}, 300)
    assert "gone" in labels["assignee"]


def test_a_model_that_follows_the_desk_says_no_name_that_comes_no_more():
    world = SimulatedWorld(seed=2, burst=False, rename=False, near_copies=0.0)
    past = history(list(world.tickets(900)))
    trained = train_model(past, Options(targets=("assignee",), audit=False, effort="quick", drift="follow"))
    gone = {one["label"] for one in trained.card["silent"]["assignee"]}
    assert gone == {"o.fern"}
    assert gone.isdisjoint(trained.scorer.heads["assignee"].labels)
    assert trained.card["follows_drift"]
