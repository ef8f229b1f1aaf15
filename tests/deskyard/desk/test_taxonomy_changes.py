"""Taxonomy changes on a desk, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.db.database import open_database
from deskyard.desk import changes, queues, taxonomy_changes, tickets
from deskyard.domain.actors import Actor
from deskyard.domain.taxonomy import parse_change
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput
from deskyard.journal.journal import DECIDED, EntryHeader, Journal
from deskyard.policy.versions import Policies

AT = datetime(2026, 2, 1, 12, tzinfo=UTC)
ANN = Actor("person", "ann")
SPLIT = parse_change({"on": "2026-02-01", "target": "category", "split": "IT", "to": ["IT", "Network"]})


@pytest.fixture
def database(database_url):
    """A desk without other queues than those that a test makes."""
    opened = open_database(database_url)
    yield opened
    opened.close()


def file_one(conn, category):
    """A ticket with that category, decided on by nobody."""
    number = tickets.file_ticket(conn, Ticket(id="", subject="vpn"), "triage", {"category": category}, at=AT)
    Journal.record(conn, EntryHeader(number, "0" * 64, AT, None, None), (DECIDED, {"decisions": {}}))
    return number


def test_a_task_holds_the_newest_tickets_of_the_old_label_until_a_person_has_chosen(database):
    with database.writing() as conn:
        queues.ensure_queues(conn)
        numbers = [file_one(conn, "IT") for _ in range(3)]
        file_one(conn, "Billing")
        taxonomy_changes.add_change(conn, SPLIT, ANN, AT)
    with database.reading() as conn:
        assert taxonomy_changes.list_split_tasks(conn, AT.date() - timedelta(days=1)) == []
        (task,) = taxonomy_changes.list_split_tasks(conn, AT.date(), 2)
    assert [one.id for one in task.tickets] == [numbers[2], numbers[1]]
    assert (task.waiting, task.chosen) == (3, {"IT": 0, "Network": 0})

    for category in ("Network", "IT"):
        with database.writing() as conn:
            changes.change_ticket(conn, numbers[2], {"category": category}, ANN, at=AT + timedelta(hours=1))
    with database.writing() as conn:
        changes.change_ticket(conn, numbers[1], {"category": "Network"}, ANN, at=AT + timedelta(hours=1))
    with database.reading() as conn:
        (task,) = taxonomy_changes.list_split_tasks(conn, AT.date())
    assert [one.id for one in task.tickets] == [numbers[0]]
    assert (task.waiting, task.chosen) == (1, {"IT": 1, "Network": 2})


def test_a_change_that_contradicts_another_leaves_the_policy_as_it_was(database):
    with database.writing() as conn:
        first = taxonomy_changes.add_change(conn, SPLIT, ANN, AT)
        assert taxonomy_changes.add_change(conn, SPLIT, ANN, AT) == first
    again = parse_change({"on": "2026-02-02", "target": "category", "rename": "Hardware", "to": "IT"})
    with database.writing() as conn, pytest.raises(BadInput, match="'IT' is in use already"):
        taxonomy_changes.add_change(conn, again, ANN, AT)
    with database.reading() as conn:
        assert Policies.current(conn) == first
