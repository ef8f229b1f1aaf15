"""Comments: said once, to whom they are meant, and seen as a change of the ticket."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.desk import comments, tickets
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import Ticket
from deskyard.errors import NotFound

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ANN = Actor("person", "ann")


@pytest.fixture
def number(database):
    with database.writing() as conn:
        return tickets.file_ticket(conn, Ticket(id="", subject="VPN"), "IT", {}, at=NOW)


def say(database, number, text, key=None, public=False):
    with database.writing() as conn:
        return comments.add_comment(conn, number, ANN, text, public=public, at=NOW + timedelta(hours=1), key=key)


def test_comments_come_back_in_order_as_they_were_said(database, number):
    result = [say(database, number, "Перезагрузите 🖨", public=True)[0], say(database, number, "line\n\nline")[0]]
    with database.reading() as conn:
        assert comments.list_comments(conn, number) == result
    assert [(one.text, one.public, one.actor) for one in result] == [
        ("Перезагрузите 🖨", True, ANN),
        ("line\n\nline", False, ANN),
    ]


def test_the_same_request_again_is_the_same_comment_as_it_was_said_first(database, number):
    first, is_new = say(database, number, "Done.", key="k")
    again, is_new_again = say(database, number, "Something else.", key="k")
    assert (is_new, is_new_again, again) == (True, False, first)
    with database.reading() as conn:
        assert len(comments.list_comments(conn, number)) == 1
        assert tickets.find_ticket(conn, number).version == 2


def test_the_same_key_on_another_ticket_is_another_comment(database, number):
    with database.writing() as conn:
        other = tickets.file_ticket(conn, Ticket(id="", subject="VPN"), "IT", {}, at=NOW)
    assert say(database, number, "a", key="k")[1]
    assert say(database, other, "b", key="k")[1]


def test_a_comment_is_a_change_of_the_ticket(database, number):
    say(database, number, "a")
    with database.reading() as conn:
        ticket = tickets.find_ticket(conn, number)
    assert (ticket.version, ticket.updated_at) == (2, NOW + timedelta(hours=1))


def test_a_comment_on_a_ticket_that_does_not_exist_is_not_there(database):
    with pytest.raises(NotFound):
        say(database, 4711, "a")
