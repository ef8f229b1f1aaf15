"""The tickets of the built-in desk: filed once, found, in pages."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from deskyard.desk import catalogue, queues, tickets
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HARD_NAME = "Поддержка/1-я линия % ?#"


def file(database, external_id="", queue="IT", values=(), key=None, **ticket):
    with database.writing() as conn:
        return tickets.file_ticket(conn, Ticket(id=external_id, **ticket), queue, dict(values), at=NOW, key=key)


def names(database):
    with database.reading() as conn:
        return [queue.name for queue in queues.list_queues(conn).items]


def test_a_triage_queue_always_exists_and_no_queue_is_made_twice(database):
    assert names(database) == [TRIAGE, "IT", HARD_NAME]
    with database.writing() as conn:
        queues.ensure_queues(conn, ["IT", "Billing", "Billing", " ", ""])
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
    with database.writing() as conn:
        number = tickets.file_ticket(conn, ticket, "IT", {}, at=NOW)
    with database.reading() as conn:
        file_one = tickets.find_ticket(conn, number)
        assert file_one == tickets.find_existing(conn, "mail", "4711", None)
    assert file_one.ticket == ticket
    assert (file_one.queue, file_one.category, file_one.priority, file_one.assignee) == ("IT", None, None, None)


def test_the_same_name_in_the_same_source_is_filed_once(database):
    assert file(database, "1", source="mail") is not None
    assert file(database, "1", source="mail", queue=TRIAGE) is None
    assert file(database, "1", source="chat") is not None
    with database.reading() as conn:
        assert conn.scalar(text("SELECT count(*) FROM desk_tickets")) == 2


def test_tickets_without_a_name_are_always_new(database):
    assert len({file(database), file(database), file(database)}) == 3


def test_a_number_is_never_given_twice(database):
    last = file(database)
    with database.writing() as conn:
        conn.execute(text("DELETE FROM desk_journey"))
        conn.execute(text("DELETE FROM desk_tickets"))
    assert file(database) > last


def test_a_ticket_without_a_name_is_known_by_the_key_of_its_request(database):
    number = file(database, key="k1", source="api")
    assert number is not None
    assert file(database, key="k1", source="api") is None
    assert file(database, key="k1", source="form") is not None
    with database.reading() as conn:
        assert tickets.find_existing(conn, "api", "", "k1").id == number
        assert tickets.find_existing(conn, "api", "", "k2") is None


def test_a_new_ticket_bears_the_values_that_were_decided(database):
    number = file(database, values={"category": "network", "priority": "high"})
    with database.reading() as conn:
        file_one = tickets.find_ticket(conn, number)
    assert (file_one.category, file_one.priority, file_one.assignee) == ("network", "high", None)
    assert (file_one.status, file_one.version, file_one.updated_at) == ("new", 1, NOW)


def test_a_ticket_for_a_queue_that_does_not_exist_is_not_half_filed(database):
    with pytest.raises(IntegrityError):
        file(database, queue="Nowhere")
    with database.reading() as conn:
        assert conn.scalar(text("SELECT count(*) FROM desk_tickets")) == 0


def test_only_open_queues_are_in_the_catalogue(database):
    with database.writing() as conn:
        queues.save_queue(conn, "IT", description="", is_open=False)
    with database.reading() as conn:
        assert set(catalogue.load_catalogue(conn, ["IT", HARD_NAME, "Nowhere"], []).queues) == {HARD_NAME}
        assert catalogue.load_catalogue(conn, [], []).queues == {}
        assert set(catalogue.load_catalogue(conn).queues) == {TRIAGE, HARD_NAME}


@pytest.mark.parametrize("limit", [1, 2, 7, 10, 11])
def test_pages_together_give_every_ticket_once_in_order(database, limit):
    file_one = [file(database, queue=HARD_NAME) for _ in range(10)]
    file(database, queue="IT")
    found, cursor = [], None
    with database.reading() as conn:
        queue = queues.find_queue(conn, HARD_NAME)
        while True:
            page = tickets.list_tickets(conn, queue, limit, cursor)
            assert len(page.items) <= limit
            found += [item.id for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert found == file_one


def test_a_ticket_filed_while_somebody_pages_is_neither_doubled_nor_does_it_hide_another(database):
    file_one = [file(database) for _ in range(4)]
    with database.reading() as conn:
        first = tickets.list_tickets(conn, queues.find_queue(conn, "IT"), 2)
    file_one.append(file(database))
    with database.reading() as conn:
        rest = tickets.list_tickets(conn, queues.find_queue(conn, "IT"), 10, first.next_cursor)
    assert [item.id for item in first.items + rest.items] == file_one


@pytest.mark.parametrize("cursor", ["", "x", "YWZ0ZXI6", "0", "🙂", "YWZ0ZXI6OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_cursor_that_is_not_ours_is_refused_with_a_sentence(database, cursor):
    with database.reading() as conn, pytest.raises(BadInput, match="next_cursor"):
        queues.list_queues(conn, 10, cursor)
