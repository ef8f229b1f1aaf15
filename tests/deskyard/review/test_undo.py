"""Undo: what the machine set goes back where nobody has touched the ticket, and nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.cli.undo import parse_since
from deskyard.db.database import open_database
from deskyard.db.tables.desk import TICKET_HISTORY, TICKETS
from deskyard.desk import agents, changes, comments, queues, ticket_history, tickets
from deskyard.desk.ticket_history import HistoryStep
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput
from deskyard.journal import audit_log
from deskyard.journal.journal import DECIDED, UNDONE, EntryHeader, Journal, fingerprint_ticket
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.registry import promotion
from deskyard.review import undo
from service.runtime.context import AppContext
from service.tickets.routing import route_ticket

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=365)
MODEL, ANN = Actor("machine", "b" * 64), Actor("person", "ann")


@pytest.fixture
def desk(database):
    with database.writing() as conn:
        queues.ensure_queues(conn, ["IT", "Billing"])
        agents.ensure_agents(conn, {"ann": ["IT", "Billing"]})
    return database


def decide(database, queue="IT", at=NOW, **values):
    """A ticket that the machine placed, as the service writes it down; its number and that of the decision."""
    ticket = Ticket(id="", subject="VPN")
    with database.writing() as conn:
        number = tickets.file_ticket(conn, ticket, queue, values, at=at)
        make_header = EntryHeader(number, fingerprint_ticket(ticket), at, MODEL.name, "p")
        (entry,) = Journal.record(conn, make_header, (DECIDED, {"placement": {"queue": queue}}))
        set_ = {"queue": queue, **values}.items()
        ticket_history.add_steps(
            conn, number, [HistoryStep(at, MODEL, name, None, value, "", entry.id) for name, value in set_]
        )
    return number, entry.id


def change(database, number, actor=ANN, **requested):
    with database.writing() as conn:
        changes.change_ticket(conn, number, requested, actor, at=datetime.now(UTC))


def look(database, since=LONG_AGO, queue=None):
    return {case.ticket: case for case in undo.preview_undo(database, since, queue)}


def take_back(database, since=LONG_AGO, queue=None):
    cases = list(undo.preview_undo(database, since, queue))
    return {
        case.ticket: undo.undo_decision(database, case, "root", datetime.now(UTC))
        for case in cases
        if case.reverted_fields
    }


def now(database, number):
    with database.reading() as conn:
        return tickets.find_ticket(conn, number)


def test_an_untouched_ticket_goes_back_to_triage_without_its_labels(desk):
    number, decision = decide(desk, priority="high", assignee="ann", category="network")
    done = take_back(desk)[number]
    ticket = now(desk, number)
    assert (ticket.queue, ticket.priority, ticket.assignee, ticket.category) == (TRIAGE, None, None, None)
    assert ticket.version == 2
    assert done.reverted_fields["queue"] == ("IT", TRIAGE)
    with desk.reading() as conn:
        entry = Journal.list_entries(conn, number)[-1]
        last = ticket_history.list_steps(conn, number)[-1]
    assert (entry.kind, entry.content["decision"]) == (UNDONE, decision)
    assert entry.content["back"] == {"queue": TRIAGE, "priority": None, "assignee": None, "category": None}
    assert (last.actor, last.undoes) == (Actor("rule", "undo by root"), decision)


def test_looking_changes_nothing(desk):
    number, _ = decide(desk)
    before = now(desk, number)
    assert look(desk)[number].reverted_fields == {"queue": ("IT", TRIAGE)}
    assert now(desk, number) == before


def test_an_undone_ticket_is_not_undone_twice(desk):
    number, _ = decide(desk)
    case = look(desk)[number]
    take_back(desk)
    after = now(desk, number)
    again = undo.undo_decision(desk, case, "root", NOW)
    assert (again.reverted_fields, again.kept_reason) == ({}, "it was undone before")
    assert take_back(desk) == {}
    assert now(desk, number) == after


@pytest.mark.parametrize("touched", [{"queue": "Billing"}, {"priority": "low"}, {"status": "waiting"}])
def test_a_ticket_that_a_person_changed_is_left_alone_entirely(desk, touched):
    number, _ = decide(desk, category="network")
    change(desk, number, **touched)
    before = now(desk, number)
    assert look(desk)[number].kept_reason == "a person changed the ticket"
    assert take_back(desk) == {}
    assert now(desk, number) == before


def test_a_ticket_that_a_person_spoke_about_is_left_alone(desk):
    number, _ = decide(desk)
    with desk.writing() as conn:
        comments.add_comment(conn, number, ANN, "I am on it.", public=False, at=NOW)
    case = look(desk)[number]
    assert (case.reverted_fields, case.kept_reason) == ({}, "a person commented on the ticket")


def test_a_note_of_a_program_does_not_hold_a_ticket_back(desk):
    number, _ = decide(desk)
    with desk.writing() as conn:
        comments.add_comment(conn, number, MODEL, "Three alike today.", public=False, at=NOW)
    assert look(desk)[number].reverted_fields


def test_a_ticket_that_was_resolved_stays_resolved_where_it_was(desk):
    number, _ = decide(desk)
    change(desk, number, Actor("machine", "monitoring"), status="resolved")
    assert (look(desk)[number].reverted_fields, look(desk)[number].kept_reason) == ({}, "the ticket is resolved")


def test_a_field_that_was_changed_again_stays_and_the_others_go_back(desk):
    number, _ = decide(desk, priority="low")
    change(desk, number, Actor("machine", "monitoring"), priority="critical")
    assert take_back(desk)[number].kept_reason == "priority was changed again"
    assert (now(desk, number).queue, now(desk, number).priority) == (TRIAGE, "critical")


def test_a_person_who_is_faster_than_the_undoing_wins(desk):
    number, _ = decide(desk)
    case = look(desk)[number]
    change(desk, number, queue="Billing")
    assert undo.undo_decision(desk, case, "root", NOW).reverted_fields == {}
    assert now(desk, number).queue == "Billing"


def test_only_decisions_since_the_moment_and_of_the_queue_are_undone(desk):
    old, _ = decide(desk, at=NOW - timedelta(days=2))
    other, _ = decide(desk, "Billing")
    young, _ = decide(desk)
    assert set(take_back(desk, NOW - timedelta(days=1), "IT")) == {young}
    assert [now(desk, number).queue for number in (old, other, young)] == ["IT", "Billing", TRIAGE]


def test_a_ticket_that_was_left_in_triage_has_nothing_to_go_back(desk):
    number, _ = decide(desk, TRIAGE)
    assert (look(desk)[number].reverted_fields, look(desk)[number].kept_reason) == ({}, "it set nothing")


def test_what_is_undone_may_be_placed_again_because_no_person_spoke(desk):
    number, _ = decide(desk)
    take_back(desk)
    change(desk, number, MODEL, queue="IT")
    assert now(desk, number).queue == "IT"


def test_more_decisions_than_are_looked_at_together_are_all_found(desk, monkeypatch):
    monkeypatch.setattr(undo, "BATCH_SIZE", 3)
    numbers = [decide(desk)[0] for _ in range(7)]
    assert list(look(desk)) == numbers


def test_an_erased_ticket_is_counted_and_stops_nothing(desk):
    number, _ = decide(desk)
    kept, _ = decide(desk)
    case = look(desk)[number]
    with desk.writing() as conn:
        for table in (TICKET_HISTORY, TICKETS):
            key = table.c.ticket_id if "ticket_id" in table.c else table.c.id
            conn.execute(table.delete().where(key == number))
    assert look(desk)[number].kept_reason == "the ticket is erased"
    assert undo.undo_decision(desk, case, "root", NOW).kept_reason == "the ticket is erased"
    assert set(take_back(desk)) == {kept}


def test_a_ticket_that_the_service_routed_is_undone(champion, database):
    promotion.promote(database, champion / "models", "tiny", Actor("person", "ann"))
    with database.writing() as conn:
        Policies.add_version(conn, Policy(mode=Mode.ROUTE), "ann", NOW)
    context = AppContext(database, champion / "models")
    answer = route_ticket(
        context, Ticket(id="1", subject="the vpn client drops the connection and the laptop is offline")
    ).answer
    number = int(answer["ticket"]["id"])
    assert now(database, number).queue == "IT"
    take_back(database)
    ticket = now(database, number)
    assert (ticket.queue, ticket.priority, ticket.assignee) == (TRIAGE, None, None)
    with database.reading() as conn:
        assert Journal.first_decision(conn, number).id == int(answer["decision"])


@pytest.mark.parametrize("result", ["", "yesterday", "2026", "5y", "h2"])
def test_a_moment_that_can_not_be_read_is_a_sentence(result):
    with pytest.raises(BadInput, match="write a time such as"):
        parse_since(result, NOW)


def test_a_moment_still_to_come_is_refused():
    with pytest.raises(BadInput, match="in the future"):
        parse_since("2026-02-01", NOW)


@pytest.fixture
def installed(home):
    database = open_database()
    with database.writing() as conn:
        queues.ensure_queues(conn, ["IT", "Billing"])
    yield database
    database.close()


def test_the_command_shows_first_and_does_it_only_when_told_to(command, installed):
    number, _ = decide(installed, at=datetime.now(UTC), priority="high")
    touched, _ = decide(installed, at=datetime.now(UTC))
    change(installed, touched, priority="low")
    shown = command("undo", "--since", "2h").out
    assert "Would be undone" in shown
    assert "IT" in shown
    assert "1 decisions would be undone." in shown
    assert "1 are kept, wholly or in part: a person changed the ticket." in shown
    assert "--apply" in shown
    assert now(installed, number).queue == "IT"
    assert "1 decisions were undone." in command("undo", "--since", "2h", "--queue", "IT", "--apply").out
    assert now(installed, number).queue == TRIAGE
    with installed.reading() as conn:
        (audit_entry,) = audit_log.list_entries(conn).items
    assert (audit_entry.action, audit_entry.subject.endswith("in IT")) == ("undo", True)


def test_the_command_says_when_there_is_nothing_to_undo(command, installed):
    assert "0 decisions would be undone." in command("undo", "--since", "3d").out
    assert "write a time" in command("undo", "--since", "soon").err
