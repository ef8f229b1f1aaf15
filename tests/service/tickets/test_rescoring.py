"""A requester's reply scores a waiting ticket again, by the same rules, unless people have set a label."""

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
def context(trained):
    return trained.app.state.context


@pytest.fixture
def waiting(context):
    """A ticket of which the model can predict nothing."""
    done = route_ticket(context, Ticket(id="", source="form", body="xyzzy", requester="olga"))
    assert done.answer["ticket"]["queue"] == "triage"
    return int(done.answer["ticket"]["id"])


def answer(context, number, text=SUBJECTS["IT"], by=OLGA, public=True):
    corrections.add_comment(context, number, by, text, public=public)
    return rescoring.rescore(context, number)


def stored(context, number):
    with context.database.reading() as conn:
        return tickets.get_ticket(conn, number), [
            one for one in Journal.list_entries(conn, number) if one.kind == DECIDED
        ]


def test_an_answer_that_says_what_it_is_about_sends_the_ticket_on(context, waiting):
    entry = answer(context, waiting)
    ticket, decided = stored(context, waiting)
    assert ticket.queue == "IT"
    assert [one.id for one in decided][-1] == entry.id
    assert len(decided) == 2
    with context.database.reading() as conn:
        assert entry.content["answers"] == [one.id for one in comments.list_comments(conn, waiting)]


@pytest.mark.parametrize(
    "below", ["Regards,\nOlga", "-----Original Message-----\nFrom: Ann\nSent: Monday\nSubject: Re: xyzzy\n\nplugh"]
)
def test_an_answer_counts_whatever_stands_below_the_matter(context, below):
    body = f"xyzzy xyzzy xyzzy\n\n{below}"
    done = route_ticket(context, Ticket(id="", source="form", subject="Re: xyzzy", body=body, requester="olga"))
    number = int(done.answer["ticket"]["id"])
    assert stored(context, number)[0].queue == "triage"
    answer(context, number)
    assert stored(context, number)[0].queue == "IT"


def test_the_second_decision_is_verified_like_the_first(context, waiting):
    entry = answer(context, waiting)
    _, decided = stored(context, waiting)
    for one in decided:
        assert replay.replay(context.database, context.models.folder, one.id).finding == "same"
    answer(context, waiting, "one more thing")  # said later, so it was not decided on
    assert replay.replay(context.database, context.models.folder, entry.id).finding == "same"


def test_an_answer_that_says_nothing_leaves_it_where_it_is(context, waiting):
    answer(context, waiting, "plugh")
    ticket, decided = stored(context, waiting)
    assert (ticket.queue, len(decided)) == ("triage", 2)
    answer(context, waiting)
    assert stored(context, waiting)[0].queue == "IT"


def test_who_was_asked_back_by_a_person_is_scored_again(context, waiting):
    corrections.add_comment(context, waiting, ANN, "What exactly?", public=True)
    corrections.change_ticket(context, waiting, {"status": "waiting"}, ANN, expected_version=None)
    assert answer(context, waiting) is not None


@pytest.mark.parametrize("values", [{"queue": "Billing"}, {"priority": "high"}, {"status": "resolved"}])
def test_what_people_sorted_or_solved_is_not_scored_again(context, waiting, values):
    corrections.change_ticket(context, waiting, values, ANN, expected_version=None)
    before = stored(context, waiting)[0]
    assert answer(context, waiting) is None
    assert stored(context, waiting)[0].queue == before.queue


def test_what_somebody_took_back_stays(context, waiting):
    with context.database.writing() as conn:
        by = Actor("rule", "undo by ann")
        changes.change_ticket(conn, waiting, {"category": "x"}, by, at=datetime.now(UTC), undoes=1)
    assert answer(context, waiting) is None


def test_a_rule_that_only_bears_the_name_of_an_undo_takes_nothing_back(context, waiting):
    corrections.change_ticket(context, waiting, {"category": "x"}, Actor("rule", "undo by ann"), expected_version=None)
    assert answer(context, waiting) is not None


@pytest.mark.parametrize("how", [{"by": ANN}, {"public": False}])
def test_only_the_requesters_own_words_count(context, waiting, how):
    assert answer(context, waiting, **how) is None


def test_the_kill_switch_holds_for_answers_too(trained, context, waiting):
    text = 'mode = "route"\nhalted = true\n'
    put = trained.put("/v1/policy", content=text, headers={"Content-Type": "application/toml"})
    assert put.status_code == 200
    assert answer(context, waiting) is not None
    assert stored(context, waiting)[0].queue == "triage"


def test_a_reply_is_not_counted_as_a_received_ticket(trained, context, waiting):
    answer(context, waiting)
    assert "<dt>received</dt><dd>1</dd>" in trained.get("/").text
