"""A requester's answer scores a waiting ticket again, by the same rules; people win."""

from datetime import UTC, datetime

import pytest

from deskyard.desk import changes, comments, tickets
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import Ticket
from deskyard.journal.journal import DECIDED, Journal
from service.tickets import corrections, replay, rescoring
from service.tickets.routing import route_ticket
from tests.conftest import SUBJECTS

OLGA, ANN = Actor("person", "olga"), Actor("person", "ann")


@pytest.fixture
def yard(trained):
    return trained.app.state.context


@pytest.fixture
def waiting(yard):
    """A ticket of which the machine can tell nothing."""
    done = route_ticket(yard, Ticket(id="", source="form", body="xyzzy", requester="olga"))
    assert done.answer["ticket"]["queue"] == "triage"
    return int(done.answer["ticket"]["id"])


def answer(yard, number, text=SUBJECTS["IT"], by=OLGA, public=True):
    corrections.add_comment(yard, number, by, text, public=public)
    return rescoring.rescore(yard, number)


def stands(yard, number):
    with yard.database.reading() as conn:
        return tickets.get_ticket(conn, number), [
            one for one in Journal.list_entries(conn, number) if one.kind == DECIDED
        ]


def test_an_answer_that_says_what_it_is_about_sends_the_ticket_on(yard, waiting):
    entry = answer(yard, waiting)
    filed, decided = stands(yard, waiting)
    assert filed.queue == "IT"
    assert [one.id for one in decided][-1] == entry.id
    assert len(decided) == 2
    with yard.database.reading() as conn:
        assert entry.content["answers"] == [one.id for one in comments.list_comments(conn, waiting)]


def test_the_second_decision_is_verified_like_the_first(yard, waiting):
    entry = answer(yard, waiting)
    _, decided = stands(yard, waiting)
    for one in decided:
        assert replay.replay(yard.database, yard.models.folder, one.id).finding == "same"
    answer(yard, waiting, "one more thing")  # said later, so it was not decided on
    assert replay.replay(yard.database, yard.models.folder, entry.id).finding == "same"


def test_an_answer_that_says_nothing_leaves_it_where_it_is(yard, waiting):
    answer(yard, waiting, "plugh")
    filed, decided = stands(yard, waiting)
    assert (filed.queue, len(decided)) == ("triage", 2)
    answer(yard, waiting)
    assert stands(yard, waiting)[0].queue == "IT"


def test_who_was_asked_back_by_a_person_is_scored_again(yard, waiting):
    corrections.add_comment(yard, waiting, ANN, "What exactly?", public=True)
    corrections.change_ticket(yard, waiting, {"status": "waiting"}, ANN, expected_version=None)
    assert answer(yard, waiting) is not None


@pytest.mark.parametrize("wanted", [{"queue": "Billing"}, {"priority": "high"}, {"status": "resolved"}])
def test_what_people_sorted_or_solved_is_not_scored_again(yard, waiting, wanted):
    corrections.change_ticket(yard, waiting, wanted, ANN, expected_version=None)
    before = stands(yard, waiting)[0]
    assert answer(yard, waiting) is None
    assert stands(yard, waiting)[0].queue == before.queue


def test_what_somebody_took_back_stays(yard, waiting):
    with yard.database.writing() as conn:
        by = Actor("rule", "undo by ann")
        changes.change_ticket(conn, waiting, {"category": "x"}, by, at=datetime.now(UTC), undoes=1)
    assert answer(yard, waiting) is None


def test_a_rule_that_only_bears_the_name_of_an_undo_takes_nothing_back(yard, waiting):
    corrections.change_ticket(yard, waiting, {"category": "x"}, Actor("rule", "undo by ann"), expected_version=None)
    assert answer(yard, waiting) is not None


@pytest.mark.parametrize("how", [{"by": ANN}, {"public": False}])
def test_only_the_requesters_own_words_count(yard, waiting, how):
    assert answer(yard, waiting, **how) is None


def test_the_kill_switch_holds_for_answers_too(trained, yard, waiting):
    text = 'mode = "route"\nhalted = true\n'
    put = trained.put("/v1/policy", content=text, headers={"Content-Type": "application/toml"})
    assert put.status_code == 200
    assert answer(yard, waiting) is not None
    assert stands(yard, waiting)[0].queue == "triage"


def test_an_answer_is_no_ticket_that_came(trained, yard, waiting):
    answer(yard, waiting)
    assert "<dt>came</dt><dd>1</dd>" in trained.get("/").text
