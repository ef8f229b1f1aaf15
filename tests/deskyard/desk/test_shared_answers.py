"""What others were answered is offered only where the desk's people said so, and only the answer."""

from datetime import UTC, datetime

import pytest

from deskyard.desk import changes, comments, queues, shared_answers, tickets
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import Ticket

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANN = Actor("person", "ann")
ASKED = "The VPN client drops the connection every hour at my desk in Oslo"
ANSWER = "Install version 5 of the VPN client: it keeps the connection."


@pytest.fixture
def solved(database):
    """File a ticket, answer it, solve it; the number."""

    def one(text=ANSWER, requested_value=ASKED, by=ANN, status="resolved", **how):
        with database.writing() as conn:
            queues.ensure_queues(conn)
            file_one = Ticket(id="", subject=requested_value, requester="olga@example.org")
            number = tickets.file_ticket(conn, file_one, "triage", {}, at=NOW)
            comments.add_comment(conn, number, by, text, at=NOW, **{"public": True, "shared": True} | how)
            changes.change_ticket(conn, number, {"status": status}, ANN, at=NOW)
        return number

    return one


def like(database, text):
    with database.reading() as conn:
        return shared_answers.find_similar_answers(conn, text)


def test_an_answer_that_may_be_shared_is_offered_to_who_asks_something_like_it(database, solved):
    solved()
    solved("Ask your manager to approve the holiday first.", "How do I file a holiday request?")
    assert like(database, "my vpn connection is dropped again") == [ANSWER]
    assert like(database, "the coffee machine is broken") == []
    assert like(database, "") == []


@pytest.mark.parametrize(
    "how",
    [
        {"shared": False},
        {"public": False},
        {"status": "open"},
        {"by": Actor("machine", "bot")},
        {"by": Actor("person", "olga@example.org")},
    ],
    ids=["not marked", "internal", "not solved", "a machine's", "the requester's own"],
)
def test_nothing_else_is_offered(database, solved, how):
    solved(**how)
    assert like(database, ASKED) == []


def test_the_same_answer_is_offered_once(database, solved):
    solved()
    solved()
    assert like(database, ASKED) == [ANSWER]


def test_the_likest_comes_first_and_no_more_than_three_come(database, solved):
    for place in ("attic", "cellar", "kitchen", "garage", "office"):
        solved(f"Open the cover in the {place}.", f"printer toner jam, paper tray in the {place}")
    found = like(database, "printer jam in the kitchen, paper tray")
    assert len(found) == 3
    assert found[0] == "Open the cover in the kitchen."
