"""`deskyard taxonomy`: changes are written into the policy, and a split leaves a task."""

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


def test_changes_are_listed_by_their_days_and_each_is_a_version_with_who_and_why(desk, command):
    result = command("taxonomy", "merge", "queue", "IT", "VPN", "--to", "Network", "--on", "2999-01-01")
    assert result.out == "queue 'IT' and 'VPN' merged into 'Network' on 2999-01-01: policy 1.\n"
    command("taxonomy", "rename", "queue", "Billing", "Счета", "--on", "2020-01-01", "--reason", "a new word")
    command("taxonomy", "retire", "category", "Fax", "--on", "2020-01-02")
    assert command("taxonomy", "show").out.splitlines() == [
        "queue 'Billing' renamed to 'Счета' on 2020-01-01",
        "category 'Fax' retired on 2020-01-02",
        "queue 'IT' and 'VPN' merged into 'Network' on 2999-01-01 (to come)",
    ]
    assert "[[taxonomy]]\non = 2020-01-01\n" in command("policy", "show").out
    with desk.reading() as conn:
        subjects = [entry.subject for entry in audit_log.list_entries(conn).items]
    assert subjects[1] == "version 2: queue 'Billing' renamed to 'Счета' on 2020-01-01; a new word"


def test_the_same_change_twice_is_one(desk, command):
    for _ in range(2):
        result = command("taxonomy", "retire", "queue", "IT", "--on", "2020-01-01")
    assert result.out == "queue 'IT' retired on 2020-01-01: policy 1 (no change: it is there already).\n"


def test_a_change_that_contradicts_another_is_a_sentence_and_changes_nothing(desk, command):
    command("taxonomy", "retire", "queue", "IT", "--on", "2020-01-01")
    result = command("taxonomy", "rename", "queue", "IT", "Network")
    assert result.code == 2
    assert "'IT' can't be renamed on" in result.err
    assert "'IT' retired on 2020-01-01" in result.err
    assert command("taxonomy", "show").out == "queue 'IT' retired on 2020-01-01\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("retire", "priority", "low"), "target is 'priority'; choose from category, queue, assignee"),
        (("retire", "queue", "IT", "--on", "soon"), "on is 'soon'; write the day from which it applies"),
        (("merge", "queue", "IT", "--to", "Network"), "it must be a list of two or more different labels"),
        (("split", "queue", "IT", "--to", "Network"), "it must be a list of two or more different labels"),
        (("rename", "queue", "IT", "IT"), "the label is already called 'IT'"),
    ],
)
def test_a_change_that_says_nothing_is_refused(desk, command, words, expected):
    result = command("taxonomy", *words)
    assert result.code == 2
    assert expected in result.err


def test_a_new_queue_is_made_and_served_by_those_who_served_the_old_one(desk, command):
    command("taxonomy", "rename", "queue", "IT", "Network")
    with desk.reading() as conn:
        made, ann = queues.find_queue(conn, "Network"), agents.find_agent(conn, "ann")
    assert made is not None
    assert made.open
    assert ann is not None
    assert ann.queues == ("IT", "Network")


def test_without_changes_there_is_nothing_to_show_or_to_do(desk, command):
    assert command("taxonomy", "show").out == "No label was changed.\n"
    assert command("taxonomy", "tasks").out == "No label was split.\n"
