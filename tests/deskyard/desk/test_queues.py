"""Queues as they are described, opened and closed, and how the tickets in one are listed."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.desk import agents, catalogue, queues, tickets
from deskyard.desk.tickets import TicketFilter
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def put(database, name, *, is_open=True, priority=None, assignee=None):
    with database.writing() as conn:
        return queues.save_queue(
            conn, name, description="d", is_open=is_open, default_priority=priority, default_assignee=assignee
        )


def file(database, *, at=NOW, **values):
    with database.writing() as conn:
        return tickets.file_ticket(conn, Ticket(id="", subject="VPN"), "IT", values, at=at)


def numbers(database, limit=100, sort="oldest", **requested):
    """The tickets of IT, gathered page by page."""
    found, cursor = [], None
    with database.reading() as conn:
        queue = queues.find_queue(conn, "IT")
        while True:
            page = tickets.list_tickets(conn, queue, limit, cursor, sort=sort, ticket_filter=TicketFilter(**requested))
            found += [ticket.id for ticket in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return found


def test_a_queue_is_as_last_said(database):
    made = put(database, "Новая", priority="high", assignee="ann")
    assert (made.open, made.description, made.default_priority, made.default_assignee) == (True, "d", "high", "ann")
    again = put(database, "Новая", is_open=False)
    assert (again.id, again.open, again.default_priority, again.default_assignee) == (made.id, False, None, None)


def test_triage_is_never_closed_and_no_queue_is_nameless(database):
    with pytest.raises(BadInput, match="triage can't be closed"):
        put(database, TRIAGE, is_open=False)
    with pytest.raises(BadInput, match="must not be blank"):
        put(database, "  ")


def test_the_catalogue_holds_the_defaults_of_open_queues_and_only_agents_who_serve_them(database):
    with database.writing() as conn:
        agents.save_agent(conn, "ann", present=True, queues=["IT"])
        agents.save_agent(conn, "away", present=False, queues=["IT"])
    put(database, "IT", priority="high", assignee="ann")
    put(database, "Billing", priority="low", assignee="ann")
    put(database, "Shop", assignee="away")
    put(database, "Closed", is_open=False, priority="low")
    with database.reading() as conn:
        found = catalogue.load_catalogue(conn).queues
        part = catalogue.load_catalogue(conn, ["IT"], [])
    assert found["IT"] == {"priority": "high", "assignee": "ann"}
    assert (found["Billing"], found["Shop"]) == ({"priority": "low"}, {})
    assert "Closed" not in found
    assert (part.queues, part.agents) == ({"IT": found["IT"]}, {"ann": ("IT",)})


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_the_most_urgent_come_first_and_the_oldest_of_them(database, limit):
    given = ["low", None, "critical", "medium", "high", "critical", "low"]
    made = [file(database, priority=priority) for priority in given]
    order = [2, 5, 4, 1, 3, 0, 6]
    assert numbers(database, limit, "urgent") == [made[place] for place in order]
    assert numbers(database, limit, "newest") == made[::-1]
    assert numbers(database, limit) == made


def test_a_list_shows_only_what_was_asked_for(database):
    plain = file(database)
    network = file(database, category="network", priority="high", assignee="ann")
    late = file(database, category="network", priority="low", at=NOW + timedelta(hours=1))
    assert numbers(database) == [plain, network, late]
    assert numbers(database, category="network") == [network, late]
    assert numbers(database, category="network", priority=["high", "critical"]) == [network]
    assert numbers(database, assignee="ann") == [network]
    assert numbers(database, received_since=NOW + timedelta(minutes=1)) == [late]
    assert numbers(database, status=["new"]) == [plain, network, late]
    assert numbers(database, status=["resolved", "closed"]) == []
    assert numbers(database, limit=1, category="network", sort="urgent") == [network, late]
