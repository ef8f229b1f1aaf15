"""A model, a desk and its people may write one label differently: tickets still go where they belong."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from deskyard.db.tables.desk import QUEUES
from deskyard.desk import queues
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import Ticket
from deskyard.journal.journal import CONFIRMED, CORRECTED, Journal
from service.tickets import corrections, replay
from service.tickets.routing import route_ticket
from tests.conftest import SUBJECTS


@pytest.fixture
def context(trained):
    return trained.app.state.context


def rename(context, name, *names):
    """Give a queue the first of the names, and add queues with the others."""
    with context.database.writing() as conn:
        conn.execute(update(QUEUES).where(QUEUES.c.name == name).values(name=names[0]))
        queues.ensure_queues(conn, names[1:])


def route(context, label):
    return route_ticket(context, Ticket(id="", subject=SUBJECTS[label])).answer


@pytest.mark.parametrize(
    ("label", "name"), [("IT", "it\u00a0"), ("Billing", "BILL\u200bING"), ("Кадры/Отпуск", "Кадры/О\u0442пуск &nbsp;")]
)
def test_a_ticket_goes_to_the_queue_that_the_desk_spells_otherwise(context, label, name):
    rename(context, label, name)
    answer = route(context, label)
    assert (answer["ticket"]["queue"], answer["decisions"]["queue"]["label"]) == (name, name)
    assert answer["decisions"]["queue"]["top"][0]["label"] == name
    assert replay.replay(context.database, context.models.folder, int(answer["decision"])).finding == "same"


def test_a_label_that_may_be_two_queues_goes_to_triage_and_both_are_named(context):
    rename(context, "IT", "It", "iT")
    placement = route(context, "IT")["placement"]
    assert placement["queue"] == "triage"
    assert "'It', 'iT'" in placement["reason"]["text"]
    rename(context, "It", "IT")
    assert route(context, "IT")["ticket"]["queue"] == "IT", "a name that is written exactly so comes first"


@pytest.mark.parametrize(
    ("value", "kind", "queue"), [("it", CONFIRMED, "It"), ("billing ", CORRECTED, "Billing"), ("IT", CONFIRMED, "It")]
)
def test_what_a_person_writes_is_compared_by_spelling_and_stored_as_the_desk_spells_it(
    trained, context, value, kind, queue
):
    rename(context, "IT", "It")
    number = int(route(context, "IT")["ticket"]["id"])
    with context.database.writing() as conn:
        ann, at = Actor("person", "ann"), datetime.now(UTC)
        corrections.record_label(conn, number, "queue", value, ann, expected_version=None, at=at)
        made = [one for one in Journal.list_entries(conn, number) if one.content.get("field") == "queue"]
    assert [(one.kind, one.content["to"]) for one in made] == [(kind, queue)]
    assert trained.get(f"/v1/tickets/{number}").json()["queue"] == queue


def test_two_queues_that_differ_only_in_spelling_are_two_labels(context, trained):
    rename(context, "IT", "IT", "It")
    number = route(context, "IT")["ticket"]["id"]
    assert trained.patch(f"/v1/tickets/{number}", json={"queue": "It"}, headers={"If-Match": "*"}).status_code == 200
    with context.database.reading() as conn:
        made = [one for one in Journal.list_entries(conn, int(number)) if one.content.get("field") == "queue"]
    assert [(one.kind, one.content["to"]) for one in made] == [(CORRECTED, "It")]


def test_a_score_has_the_spelling_of_the_desk(context, trained):
    rename(context, "IT", "i\u00adt")
    scored = trained.post("/v1/score", json={"tickets": [{"subject": SUBJECTS["IT"]}]}).json()
    assert scored["items"][0]["placement"]["queue"] == "i\u00adt"
