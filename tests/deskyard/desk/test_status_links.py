"""The requester's own address: it opens one ticket, and nobody learns it from the database."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from deskyard.db.tables.desk import STATUS_LINKS
from deskyard.desk import queues, status_links, tickets
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput, NotFound

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "s3cret" * 7


@pytest.fixture
def ticket(database):
    with database.writing() as conn:
        queues.ensure_queues(conn)
        number = tickets.file_ticket(conn, Ticket(id="", subject="VPN drops"), "triage", {}, at=NOW)
        status_links.add_link(conn, number, SECRET, NOW)
    return number


def test_a_secret_opens_its_ticket_and_any_other_opens_nothing(database, ticket):
    with database.reading() as conn:
        assert status_links.find_link(conn, SECRET).ticket == ticket
        for other in ("", SECRET[:-1], SECRET + "x", status_links.hash_secret(SECRET)):
            with pytest.raises(NotFound):
                status_links.find_link(conn, other)


def test_the_database_does_not_hold_the_secret(database, ticket):
    with database.reading() as conn:
        assert SECRET not in str(conn.execute(select(STATUS_LINKS)).all())


def test_the_first_secret_of_a_ticket_stays(database, ticket):
    with database.writing() as conn:
        status_links.add_link(conn, ticket, SECRET, NOW)
        status_links.add_link(conn, ticket, "another", NOW)
    with database.reading() as conn:
        assert status_links.find_link(conn, SECRET).ticket == ticket
        with pytest.raises(NotFound):
            status_links.find_link(conn, "another")


def test_the_last_rating_counts(database, ticket):
    for stars, result in ((2, "slow"), (5, "  but kind  ")):
        with database.writing() as conn:
            status_links.rate_solution(conn, status_links.find_link(conn, SECRET), stars, result, NOW)
    with database.reading() as conn:
        found = status_links.find_link(conn, SECRET)
    assert (found.stars, found.comment, found.rated_at) == (5, "but kind", NOW)


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_what_is_no_rating_is_refused(database, ticket, stars):
    with database.writing() as conn, pytest.raises(BadInput):
        status_links.rate_solution(conn, status_links.find_link(conn, SECRET), stars, "", NOW)
