"""`deskyard taxonomy`: turns are written into the policy, and a split leaves a task."""

import pytest

from deskyard.db.database import open_database
from deskyard.desk import agents, queues
from deskyard.journal import audit_log
from deskyard.settings import settings


@pytest.fixture
def desk(home):
    """The database of the command's home, with two queues; ann serves IT."""
    database = open_database(settings().database)
    with database.writing() as conn:
        queues.ensure_queues(conn, ["IT", "Billing"])
        agents.ensure_agents(conn, {"ann": ["IT"]})
    yield database
    database.close()


def test_turns_are_listed_by_their_days_and_each_is_a_version_with_who_and_why(desk, command):
    said = command("taxonomy", "merge", "queue", "IT", "VPN", "--to", "Network", "--on", "2999-01-01")
    assert said.out == "queue 'IT' and 'VPN' merged into 'Network' on 2999-01-01: policy 1.\n"
    command("taxonomy", "rename", "queue", "Billing", "Счета", "--on", "2020-01-01", "--why", "a new word")
    command("taxonomy", "retire", "category", "Fax", "--on", "2020-01-02")
    assert command("taxonomy", "show").out.splitlines() == [
        "queue 'Billing' renamed to 'Счета' on 2020-01-01",
        "category 'Fax' retired on 2020-01-02",
        "queue 'IT' and 'VPN' merged into 'Network' on 2999-01-01 (to come)",
    ]
    assert "[[taxonomy]]\non = 2020-01-01\n" in command("policy", "show").out
    with desk.reading() as conn:
        subjects = [deed.subject for deed in audit_log.list_entries(conn).items]
    assert subjects[1] == "version 2: queue 'Billing' renamed to 'Счета' on 2020-01-01; a new word"


def test_the_same_turn_twice_is_one(desk, command):
    for _ in range(2):
        said = command("taxonomy", "retire", "queue", "IT", "--on", "2020-01-01")
    assert said.out == "queue 'IT' retired on 2020-01-01: policy 1 (it was said already).\n"


def test_a_turn_that_contradicts_another_is_a_sentence_and_changes_nothing(desk, command):
    command("taxonomy", "retire", "queue", "IT", "--on", "2020-01-01")
    said = command("taxonomy", "rename", "queue", "IT", "Network")
    assert said.code == 2
    assert "'IT' can't be renamed on" in said.err
    assert "'IT' retired on 2020-01-01" in said.err
    assert command("taxonomy", "show").out == "queue 'IT' retired on 2020-01-01\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("retire", "priority", "low"), "target is 'priority'; choose from category, queue, assignee"),
        (("retire", "queue", "IT", "--on", "soon"), "on is 'soon'; write the day from which it holds"),
        (("merge", "queue", "IT", "--to", "Network"), "it must be a list of two names or more"),
        (("split", "queue", "IT", "--to", "Network"), "it must be a list of two names or more"),
        (("rename", "queue", "IT", "IT"), "'IT' is its name already"),
    ],
)
def test_a_turn_that_says_nothing_is_refused(desk, command, words, told):
    said = command("taxonomy", *words)
    assert said.code == 2
    assert told in said.err


def test_a_new_queue_is_made_and_served_by_those_who_served_the_old_one(desk, command):
    command("taxonomy", "rename", "queue", "IT", "Network")
    with desk.reading() as conn:
        made, ann = queues.find_queue(conn, "Network"), agents.find_agent(conn, "ann")
    assert made is not None
    assert made.open
    assert ann is not None
    assert ann.queues == ("IT", "Network")


def test_without_turns_there_is_nothing_to_show_or_to_do(desk, command):
    assert command("taxonomy", "show").out == "All labels are called what they were called.\n"
    assert command("taxonomy", "tasks").out == "No label was split.\n"
