"""Turns on a desk, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard import turns
from deskyard.desk import changes, queues, tickets
from deskyard.desk.journey import Actor
from deskyard.errors import BadInput
from deskyard.journal import DECIDED, Journal, Stamp
from deskyard.policies import Policies
from deskyard.taxonomy import of
from deskyard.ticket import Ticket

AT = datetime(2026, 2, 1, 12, tzinfo=UTC)
ANN = Actor("person", "ann")
SPLIT = of({"on": "2026-02-01", "target": "category", "split": "IT", "to": ["IT", "Network"]})


def filed(session, category):
    """A ticket with that category, decided on by nobody."""
    number = tickets.file(session, Ticket(id="", subject="vpn"), "triage", {"category": category}, at=AT)
    Journal.record(session, Stamp(number, "0" * 64, AT, None, None), (DECIDED, {"decisions": {}}))
    return number


def test_a_task_holds_the_newest_tickets_of_the_old_label_until_a_person_has_chosen(database):
    with database.writing() as session:
        queues.ensure(session)
        numbers = [filed(session, "IT") for _ in range(3)]
        filed(session, "Billing")
        turns.put(session, SPLIT, ANN, AT)
    with database.reading() as session:
        assert turns.tasks(session, AT.date() - timedelta(days=1)) == []
        (task,) = turns.tasks(session, AT.date(), 2)
    assert [one.id for one in task.tickets] == [numbers[2], numbers[1]]
    assert (task.waiting, task.chosen) == (3, {"IT": 0, "Network": 0})

    for category in ("Network", "IT"):
        with database.writing() as session:
            changes.change(session, numbers[2], {"category": category}, ANN, at=AT + timedelta(hours=1))
    with database.writing() as session:
        changes.change(session, numbers[1], {"category": "Network"}, ANN, at=AT + timedelta(hours=1))
    with database.reading() as session:
        (task,) = turns.tasks(session, AT.date())
    assert [one.id for one in task.tickets] == [numbers[0]]
    assert (task.waiting, task.chosen) == (1, {"IT": 1, "Network": 2})


def test_a_turn_that_contradicts_another_leaves_the_policy_as_it_was(database):
    with database.writing() as session:
        first = turns.put(session, SPLIT, ANN, AT)
        assert turns.put(session, SPLIT, ANN, AT) == first
    again = of({"on": "2026-02-02", "target": "category", "rename": "Hardware", "to": "IT"})
    with database.writing() as session, pytest.raises(BadInput, match="'IT' is in use already"):
        turns.put(session, again, ANN, AT)
    with database.reading() as session:
        assert Policies.current(session) == first
