"""Changes of a ticket: people win, nothing unreal is written, and a queue's defaults follow a move."""

from datetime import UTC, datetime

import pytest

from deskyard.desk import agents, changes, queues, ticket_history, tickets
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import Ticket
from deskyard.errors import NotFound, StaleVersion, StoreConflict, StoreRefused

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ANN, BOB, MODEL = Actor("person", "ann"), Actor("person", "bob"), Actor("machine", "m")


@pytest.fixture
def desk(database):
    with database.writing() as conn:
        queues.ensure_queues(conn, ["Billing", "Closed"])
        queues.save_queue(conn, "Closed", description="", is_open=False)
        agents.ensure_agents(conn, {"ann": ["IT", "Billing"], "борис": ["IT"], "away": ["IT"]})
        agents.save_agent(conn, "away", present=False, queues=["IT"])
    return database


def file(database, queue=TRIAGE, **values):
    with database.writing() as conn:
        return tickets.file_ticket(conn, Ticket(id="", subject="VPN"), queue, values, at=NOW)


def change(database, number, actor, *, seen=None, why="", **requested):
    with database.writing() as conn:
        return changes.change_ticket(conn, number, requested, actor, at=NOW, expected_version=seen, why=why)


def now(database, number):
    with database.reading() as conn:
        return tickets.find_ticket(conn, number)


def defaults(database, queue, priority=None, assignee=None):
    with database.writing() as conn:
        queues.save_queue(
            conn, queue, description="", is_open=True, default_priority=priority, default_assignee=assignee
        )


def test_a_change_is_told_in_the_journey_and_counts_as_a_version(desk):
    number = file(desk)
    change(desk, number, ANN, queue="IT", priority="high", why="VPN is IT's")
    ticket = now(desk, number)
    assert (ticket.queue, ticket.priority, ticket.version) == ("IT", "high", 2)
    with desk.reading() as conn:
        steps = ticket_history.list_steps(conn, number)
    assert [(step.actor, step.field, step.was, step.became, step.why) for step in steps] == [
        (ANN, "queue", TRIAGE, "IT", "VPN is IT's"),
        (ANN, "priority", None, "high", "VPN is IT's"),
    ]


def test_a_change_to_what_stands_there_already_is_no_change(desk):
    number = file(desk, "IT", priority="high")
    assert change(desk, number, ANN, queue="IT", priority="high") == []
    assert now(desk, number).version == 1


@pytest.mark.parametrize("actor", [MODEL, Actor("rule", "sla"), Actor("machine", "other")])
@pytest.mark.parametrize(
    ("result", "requested_value"),
    [
        ({"queue": "IT"}, {"queue": "Billing"}),
        ({"priority": "low"}, {"priority": "critical"}),
        ({"priority": "low"}, {"category": "network", "priority": "critical"}),
        ({"status": "waiting"}, {"status": "open"}),
    ],
)
def test_what_a_person_set_no_machine_and_no_rule_sets_again(desk, actor, result, requested_value):
    number = file(desk)
    change(desk, number, ANN, **result)
    before = now(desk, number)
    with pytest.raises(StoreConflict, match=r"ann set .* a person's choice is not overwritten"):
        change(desk, number, actor, **requested_value)
    assert now(desk, number) == before


def test_what_a_person_emptied_stays_empty(desk):
    number = file(desk, "IT", assignee="ann")
    change(desk, number, ANN, assignee=None)
    with pytest.raises(StoreConflict, match="ann set assignee to nothing"):
        change(desk, number, MODEL, assignee="борис")


def test_people_may_overrule_people_and_machines_machines(desk):
    number = file(desk)
    change(desk, number, ANN, queue="IT")
    change(desk, number, BOB, queue="Billing")
    change(desk, number, MODEL, priority="low")
    change(desk, number, Actor("machine", "other"), priority="high")
    assert (now(desk, number).queue, now(desk, number).priority) == ("Billing", "high")


def test_a_queue_that_people_moved_a_ticket_out_of_never_gets_it_back_from_a_machine(desk):
    number = file(desk, "IT")
    change(desk, number, ANN, queue="Billing")
    with pytest.raises(StoreConflict):
        change(desk, number, MODEL, queue="IT")
    change(desk, number, BOB, queue="IT")
    assert now(desk, number).queue == "IT"


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_only_people_change_a_ticket_that_is_done(desk, status):
    number = file(desk)
    change(desk, number, MODEL, status=status)
    with pytest.raises(StoreConflict, match="only people"):
        change(desk, number, MODEL, queue="IT")
    change(desk, number, ANN, status="open")
    change(desk, number, MODEL, queue="IT")
    assert now(desk, number).queue == "IT"


def test_a_change_that_is_based_on_an_older_version_is_refused(desk):
    number = file(desk)
    change(desk, number, ANN, seen=1, queue="IT")
    with pytest.raises(StaleVersion, match="look at it again"):
        change(desk, number, BOB, seen=1, queue="Billing")
    change(desk, number, BOB, seen=2, queue="Billing")
    assert now(desk, number).queue == "Billing"


@pytest.mark.parametrize("actor", [ANN, MODEL])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("queue", "Nowhere"), ("queue", "Closed"), ("queue", None), ("priority", "urgent"), ("category", " "),
        ("category", "x" * 201), ("assignee", "nobody"), ("assignee", "away"), ("assignee", "ann"), ("status", "done"),
        ("status", None),
    ],
)  # fmt: skip
def test_a_value_that_the_desk_does_not_have_is_named_and_nothing_is_written(desk, actor, field, value):
    number = file(desk)
    before = now(desk, number)
    with pytest.raises(StoreRefused) as caught:
        change(desk, number, actor, **{"category": "fine", field: value})
    assert caught.value.field == field
    assert now(desk, number) == before
    with desk.reading() as conn:
        assert ticket_history.list_steps(conn, number) == []


def test_a_ticket_that_does_not_exist_is_not_there(desk):
    with pytest.raises(NotFound, match="4711"):
        change(desk, 4711, ANN, queue="IT")


def test_a_move_brings_the_queues_defaults_where_nothing_stands(desk):
    defaults(desk, "IT", "high", "ann")
    bare, full = file(desk), file(desk, "Billing", priority="low", assignee="ann")
    steps = change(desk, bare, MODEL, queue="IT")
    assert {(step.actor, step.field, step.became) for step in steps[1:]} == {
        (Actor("rule", "desk"), "priority", "high"),
        (Actor("rule", "desk"), "assignee", "ann"),
    }
    assert len(change(desk, full, MODEL, queue="IT")) == 1
    assert (now(desk, full).priority, now(desk, full).assignee) == ("low", "ann")


def test_what_was_asked_for_comes_before_the_defaults_even_if_it_is_nothing(desk):
    defaults(desk, "IT", "high", "ann")
    number = file(desk)
    change(desk, number, BOB, queue="IT", priority=None, assignee=None)
    assert (now(desk, number).priority, now(desk, number).assignee) == (None, None)


def test_a_default_assignee_who_is_away_is_not_given_the_ticket(desk):
    defaults(desk, "IT", None, "away")
    number = file(desk)
    change(desk, number, MODEL, queue="IT")
    assert now(desk, number).assignee is None


def test_who_does_not_serve_the_new_queue_loses_the_ticket_to_its_default(desk):
    defaults(desk, "Billing", None, "ann")
    number = file(desk, "IT", assignee="борис")
    change(desk, number, BOB, queue="Billing")
    assert now(desk, number).assignee == "ann"


def test_a_ticket_is_not_moved_to_a_queue_for_somebody_who_does_not_serve_it(desk):
    number = file(desk, "IT", assignee="борис")
    with pytest.raises(StoreRefused, match="борис"):
        change(desk, number, BOB, queue="Billing", assignee="борис")
    assert now(desk, number).queue == "IT"


def test_a_machine_does_not_move_a_ticket_away_from_whom_a_person_gave_it_to(desk):
    number = file(desk, "IT")
    change(desk, number, ANN, assignee="борис")
    with pytest.raises(StoreConflict, match="ann set assignee to 'борис'"):
        change(desk, number, MODEL, queue="Billing")
    assert (now(desk, number).queue, now(desk, number).assignee) == ("IT", "борис")


def test_a_default_does_not_fill_what_a_person_emptied(desk):
    defaults(desk, "IT", "high", "ann")
    number = file(desk, "Billing", assignee="ann", priority="low")
    change(desk, number, BOB, assignee=None, priority=None)
    change(desk, number, MODEL, queue="IT")
    assert (now(desk, number).queue, now(desk, number).priority, now(desk, number).assignee) == ("IT", None, None)


def test_a_ticket_in_a_queue_that_was_closed_can_still_be_worked_on(desk):
    number = file(desk, "Billing")
    with desk.writing() as conn:
        queues.save_queue(conn, "Billing", description="", is_open=False)
    change(desk, number, ANN, priority="high", assignee="ann", status="open")
    assert (now(desk, number).queue, now(desk, number).status) == ("Billing", "open")
