"""The built-in desk: queues, tickets, journeys, pages."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from deskyard.database import open_database
from deskyard.decision import Reason
from deskyard.errors import BadInput
from deskyard.policy import TRIAGE, Placement
from deskyard.stores import desk
from deskyard.stores.desk import Change, Desk
from deskyard.ticket import Ticket

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HARD_NAME = "Поддержка/1-я линия % ?#"


@pytest.fixture
def database(tmp_path):
    opened = open_database(f"sqlite:///{tmp_path}/desk.db")
    with opened.writing() as session:
        Desk.ensure_queues(session, ["IT", HARD_NAME])
    yield opened
    opened.close()


def file(database, external_id="", queue="IT", changes=(), **ticket):
    placement = Placement(queue, Reason("queue", "decided"))
    with database.writing() as session:
        new = Ticket(id=external_id, **ticket)
        return Desk.place(session, new, placement, list(changes), at=NOW, actor="abc")


def names(database):
    with database.reading() as session:
        return [queue.name for queue in Desk.queues(session).items]


def test_a_triage_queue_always_exists_and_no_queue_is_made_twice(database):
    assert names(database) == [TRIAGE, "IT", HARD_NAME]
    with database.writing() as session:
        Desk.ensure_queues(session, ["IT", "Billing", "Billing", " ", ""])
    assert names(database) == [TRIAGE, "IT", HARD_NAME, "Billing"]


def test_a_ticket_comes_back_as_it_was_filed(database):
    ticket = Ticket(
        id="4711",
        source="mail",
        subject="Не печатает 🖨",
        body="<p>строка</p>\n" * 3,
        channel="mail",
        language="ru",
        requester="a@example.org",
        organisation="ООО «Ромашка»",
        created_at=NOW,
        fields={"product": "LJ/4", "линия": "1"},
    )
    with database.writing() as session:
        number = Desk.place(session, ticket, Placement("IT", Reason("x", "y")), [], at=NOW, actor="abc")
    with database.reading() as session:
        filed = Desk.ticket(session, number)
        assert filed == Desk.find(session, "mail", "4711")
    assert filed.ticket == ticket
    assert (filed.queue, filed.category, filed.priority, filed.assignee) == ("IT", None, None, None)


def test_the_same_name_in_the_same_source_is_filed_once(database):
    assert file(database, "1", source="mail") is not None
    assert file(database, "1", source="mail", queue=TRIAGE) is None
    assert file(database, "1", source="chat") is not None
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM desk_tickets")) == 2
        assert session.scalar(text("SELECT count(*) FROM desk_journey")) == 2


def test_tickets_without_a_name_are_always_new(database):
    assert len({file(database), file(database), file(database)}) == 3


def test_a_number_is_never_given_twice(database):
    last = file(database)
    with database.writing() as session:
        session.execute(text("DELETE FROM desk_journey"))
        session.execute(text("DELETE FROM desk_tickets"))
    assert file(database) > last


def test_a_journey_begins_with_the_queue_and_each_value_that_was_set(database):
    number = file(database, changes=[Change("category", "network", "sure"), Change("priority", "high", "surer")])
    with database.reading() as session:
        steps = Desk.journey(session, number)
        filed = Desk.ticket(session, number)
    assert [(step.field, step.was, step.became, step.why) for step in steps] == [
        ("queue", None, "IT", "decided"),
        ("category", None, "network", "sure"),
        ("priority", None, "high", "surer"),
    ]
    assert {(step.actor_kind, step.actor, step.at) for step in steps} == {("machine", "abc", NOW)}
    assert (filed.category, filed.priority, filed.assignee) == ("network", "high", None)


def test_a_ticket_for_a_queue_that_does_not_exist_is_not_half_filed(database):
    with pytest.raises(IntegrityError):
        file(database, queue="Nowhere")
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM desk_tickets")) == 0


def test_only_open_queues_are_offered(database):
    with database.writing() as session:
        session.execute(text("UPDATE desk_queues SET open = false WHERE name = 'IT'"))
    with database.reading() as session:
        assert Desk.open_queues(session, ["IT", HARD_NAME, "Nowhere"]) == {HARD_NAME}
        assert Desk.open_queues(session, []) == frozenset()


@pytest.mark.parametrize("limit", [1, 2, 7, 10, 11])
def test_pages_together_give_every_ticket_once_in_order(database, limit):
    filed = [file(database, queue=HARD_NAME) for _ in range(10)]
    file(database, queue="IT")
    found, cursor = [], None
    with database.reading() as session:
        queue = Desk.queue(session, HARD_NAME)
        while True:
            page = Desk.tickets(session, queue, limit, cursor)
            assert len(page.items) <= limit
            found += [item.id for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert found == filed


def test_a_ticket_filed_while_somebody_pages_is_neither_doubled_nor_does_it_hide_another(database):
    filed = [file(database) for _ in range(4)]
    with database.reading() as session:
        first = Desk.tickets(session, Desk.queue(session, "IT"), 2)
    filed.append(file(database))
    with database.reading() as session:
        rest = Desk.tickets(session, Desk.queue(session, "IT"), 10, first.next_cursor)
    assert [item.id for item in first.items + rest.items] == filed


@pytest.mark.parametrize("cursor", ["", "x", "YWZ0ZXI6", "0", "🙂", "YWZ0ZXI6OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_cursor_that_is_not_ours_is_refused_with_a_sentence(database, cursor):
    with database.reading() as session, pytest.raises(BadInput, match="next_cursor"):
        Desk.queues(session, 10, cursor)


def test_the_statements_are_known_to_postgresql():
    for statement in (desk._file_ticket("postgresql"), desk._make_queue("postgresql")):
        assert "ON CONFLICT" in str(statement.compile(dialect=postgresql.dialect()))
