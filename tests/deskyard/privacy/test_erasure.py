"""What a requester wrote leaves the database for good, on every kind of it; what others did stays, and adds up."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import inspect, text

from deskyard.analytics import rollups
from deskyard.cli.forget import _plan_lines
from deskyard.connectors.base.ticket_store import Delivery, StoredTicket
from deskyard.db.database import open_database
from deskyard.db.tables.analytics import ROLLUP_STATE, TICKET_FACTS
from deskyard.db.tables.base import PREFIXES
from deskyard.db.tables.desk import COMMENTS, TICKETS
from deskyard.db.tables.sync import MIRROR
from deskyard.desk import agents, changes, comments, status_links, ticket_history, tickets
from deskyard.desk.queues import ensure_queues
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput, StoreConflict
from deskyard.history.export import export_tickets
from deskyard.journal import audit_log
from deskyard.journal.journal import (
    CORRECTED,
    DECIDED,
    DELIVERED,
    DELIVERY_REQUESTED,
    RECEIVED,
    EntryHeader,
    Journal,
    fingerprint_ticket,
    hash_ticket,
)
from deskyard.privacy import erasure
from deskyard.sync import connections, deliveries, mirror
from service.runtime.context import AppContext
from service.tickets import corrections
from service.tickets.routing import route_ticket

ANNA, BORIS = "Anna.Wald@example.org", "boris@example.org"
AGENT = Actor("person", "ann")
SECRETS = ("anna.wald", "zephyrhills", "quokka", "marzipan", "obsidian", "platypus", "kumquat")
"""Words of Anna's name, organisation and texts, and of what others said to her: nothing else holds them."""


UTC_ZONE = ZoneInfo("UTC")


def clock():
    return datetime.now(UTC)


@pytest.fixture
def desk(database, home):
    with database.writing() as conn:
        ensure_queues(conn, ["IT", "Billing"])
        agents.ensure_agents(conn, {"ann": ["IT", "Billing"]})
    return AppContext(database, home / "models")


def file(yard, requester=ANNA, subject="the quokka is offline", **more):
    ticket = Ticket(id=more.pop("id", ""), subject=subject, requester=requester, **more)
    return int(route_ticket(yard, ticket).answer["ticket"]["id"])


def live(yard, number, requester=ANNA):
    """All that people can write about a ticket."""
    corrections.add_comment(yard, number, AGENT, "dear anna.wald, marzipan", public=True, shared=True)
    corrections.add_comment(
        yard, number, Actor("person", requester), "thanks, obsidian", public=True, key=f"mail {requester}"
    )
    corrections.add_comment(yard, number, Actor("person", "carl@example.org"), "kumquat", public=True)
    corrections.change_ticket(yard, number, {"queue": "IT"}, AGENT, expected_version=None, why="she said platypus")
    corrections.change_ticket(
        yard, number, {"status": "resolved"}, Actor("person", requester), expected_version=None, why="platypus"
    )
    with yard.database.writing() as conn:
        status_links.add_link(conn, number, f"secret {number}", clock())
        status_links.rate_solution(conn, status_links.find_link(conn, f"secret {number}"), 5, "kumquat!", clock())


def everything(database):
    """Every text of every row of ours, in one."""
    found = []
    with database.reading() as conn:
        for name in inspect(conn).get_table_names():
            if name.startswith(PREFIXES):
                found += [str(value) for row in conn.execute(text(f"SELECT * FROM {name}")) for value in row]
    return "\n".join(found).lower()


def forget_anna(database):
    with database.reading() as conn:
        found = erasure.find_by_requester(conn, ANNA.lower())
    return found, erasure.apply_erasure(database, found, erasure.pseudonymise_requester(ANNA), AGENT, clock)


def test_nothing_that_a_requester_wrote_and_nobody_who_wrote_is_left_in_any_row(desk):
    numbers = [
        file(desk, organisation="Zephyrhills", body="marzipan", fields={"x": "obsidian"}),
        file(desk, requester=ANNA.upper(), id=f"<{ANNA}>", source="mail"),
    ]
    for number, requester in zip(numbers, (ANNA, ANNA.upper()), strict=True):
        live(desk, number, requester)
    assert all(word in everything(desk.database) for word in SECRETS)
    found, erased = forget_anna(desk.database)
    assert (erased, [one.number for one in found.tickets], found.unsolved_count) == (2, numbers, 0)
    left = everything(desk.database)
    assert [word for word in (*SECRETS, "carl@") if word in left] == []


def test_the_ticket_its_labels_its_people_and_its_decisions_stay(desk):
    number = file(desk, created_at=datetime(2026, 1, 5, tzinfo=UTC))
    live(desk, number)
    with desk.database.reading() as conn:
        before, entries, steps = (
            tickets.get_ticket(conn, number),
            Journal.list_entries(conn, number),
            ticket_history.list_steps(conn, number),
        )
    forget_anna(desk.database)
    with desk.database.reading() as conn:
        now = tickets.get_ticket(conn, number)
        assert now.erased_at is not None
        assert (now.queue, now.status, now.received_at) == (before.queue, "resolved", before.received_at)
        assert now.version == before.version + 1
        after = Journal.list_entries(conn, number)
        assert [(one.id, one.kind, one.at) for one in after] == [(one.id, one.kind, one.at) for one in entries]
        decided = [(one.kind, one.content) for one in entries if one.kind == DECIDED]
        assert [(one.kind, one.content) for one in after if one.kind == DECIDED] == decided
        assert {one.content["by"] for one in after if one.kind == CORRECTED} == {"ann"}
        expected = [(one.field, one.was, one.became) for one in ticket_history.list_steps(conn, number)]
        assert expected == [(one.field, one.was, one.became) for one in steps]
        assert [one.actor.name for one in comments.list_comments(conn, number)] == ["ann", "requester", "somebody"]


def test_reports_count_the_same_before_and_after(desk):
    for requester in (ANNA, BORIS):
        live(desk, file(desk, requester), requester)
    rollups.refresh_rollups(desk.database, UTC_ZONE)
    with desk.database.reading() as conn:
        before = conn.execute(TICKET_FACTS.select()).all()
    forget_anna(desk.database)
    with desk.database.writing() as conn:
        conn.execute(ROLLUP_STATE.update().values(rules=-1))  # count all of it anew
    rollups.refresh_rollups(desk.database, UTC_ZONE)
    with desk.database.reading() as conn:
        assert conn.execute(TICKET_FACTS.select()).all() == before
    assert before[0].replies == 2  # those of ann and of carl


def test_no_hash_that_is_left_tells_a_guessed_text(desk):
    ticket = Ticket(id="", subject="the quokka is offline", requester=ANNA, created_at=datetime(2026, 1, 5, tzinfo=UTC))
    number = int(route_ticket(desk, ticket).answer["ticket"]["id"])
    with desk.database.reading() as conn:
        file_one = tickets.get_ticket(conn, number)
        entry = Journal.first_decision(conn, number)
    assert (
        entry.ticket_hash
        == hash_ticket(file_one.ticket, file_one.salt).ticket_hash
        != fingerprint_ticket(file_one.ticket)
    )
    forget_anna(desk.database)
    left = everything(desk.database)
    assert file_one.salt not in left
    assert fingerprint_ticket(file_one.ticket)[:10] not in left
    with desk.database.reading() as conn:
        assert tickets.get_ticket(conn, number).salt == ""


def test_other_peoples_tickets_stay_and_lose_only_what_the_forgotten_said_there(desk):
    number = file(desk, BORIS, "about the invoice")
    corrections.add_comment(desk, number, Actor("person", ANNA), "obsidian", public=True)
    corrections.add_comment(desk, number, AGENT, "well said", public=True)
    found, erased = forget_anna(desk.database)
    assert (erased, len(found.comments)) == (0, 1)
    with desk.database.reading() as conn:
        now = tickets.get_ticket(conn, number)
        outcome = [(one.actor.name, one.text) for one in comments.list_comments(conn, number)]
    assert (now.ticket.subject, now.ticket.requester, now.erased_at) == ("about the invoice", BORIS, None)
    assert outcome == [("somebody", ""), ("ann", "well said")]
    assert not any(word in everything(desk.database) for word in ("obsidian", "anna.wald"))


def test_what_an_agent_wrote_to_others_stays_when_the_agents_own_tickets_go(desk):
    mine, other = file(desk, "ann", "quokka of my own"), file(desk, BORIS)
    corrections.add_comment(desk, other, AGENT, "an answer", public=True)
    with desk.database.reading() as conn:
        found = erasure.find_by_requester(conn, "ann")
    assert ([one.number for one in found.tickets], found.comments, found.kept_comments) == ([mine], (), 1)
    erasure.apply_erasure(desk.database, found, "x", AGENT, clock)
    with desk.database.reading() as conn:
        assert [(one.actor.name, one.text) for one in comments.list_comments(conn, other)] == [("ann", "an answer")]
        assert tickets.get_ticket(conn, mine).ticket.subject == ""


def test_again_it_finds_nothing_and_a_run_that_was_cut_off_goes_on(desk, monkeypatch):
    monkeypatch.setattr(erasure, "BATCH_SIZE", 2)
    for _ in range(5):
        file(desk)
    with desk.database.reading() as conn:
        found = erasure.find_by_requester(conn, ANNA)
    taxonomy_changes = count()
    assert erasure.apply_erasure(desk.database, found, "x", AGENT, clock, lambda: next(taxonomy_changes) < 1) == 2
    again, erased = forget_anna(desk.database)
    assert (len(again.tickets), erased) == (3, 3)
    assert erasure.apply_erasure(desk.database, found, "x", AGENT, clock) == 0
    assert not forget_anna(desk.database)[0]


def test_it_is_audited_by_number_and_a_keyed_hash_of_the_name(desk, home):
    file(desk), file(desk)
    forget_anna(desk.database)
    with desk.database.reading() as conn:
        (audit_entry,) = audit_log.list_entries(conn).items
    assert (audit_entry.action, audit_entry.actor) == ("ticket.erase", AGENT)
    assert re.fullmatch(r"requester [0-9a-f]{16}: 2 tickets", audit_entry.subject)
    assert erasure.pseudonymise_requester(f" {ANNA.upper()} ") in audit_entry.subject
    assert erasure.pseudonymise_requester(BORIS) not in audit_entry.subject
    (home / "secrets" / "erasure.json").unlink()
    assert erasure.pseudonymise_requester(ANNA) not in audit_entry.subject


@pytest.mark.parametrize("name", ["", "  ", "requester", "somebody"])
def test_nobodys_name_is_refused(desk, name):
    with desk.database.reading() as conn, pytest.raises(BadInput, match="whose tickets"):
        erasure.find_by_requester(conn, name)


def test_an_erased_ticket_is_sent_again_and_is_no_new_one(desk):
    number = file(desk, id="4711", source="mail")
    forget_anna(desk.database)
    assert file(desk, id="4711", source="mail") == number
    with desk.database.reading() as conn:
        assert tickets.get_ticket(conn, number).ticket.subject == ""


def test_nothing_more_is_said_about_an_erased_ticket_and_it_can_still_be_moved(desk):
    number = file(desk)
    forget_anna(desk.database)
    with pytest.raises(StoreConflict, match="is erased"):
        corrections.add_comment(desk, number, Actor("person", ANNA), "obsidian", public=True)
    corrections.change_ticket(desk, number, {"status": "closed"}, AGENT, expected_version=None)
    with desk.database.reading() as conn:
        assert tickets.get_ticket(conn, number).status == "closed"


def test_it_teaches_nothing_any_more(desk, tmp_path):
    for requester in (ANNA, BORIS):
        live(desk, file(desk, requester), requester)
    forget_anna(desk.database)
    done = export_tickets(desk.database, tmp_path / "history.csv", tmp_path / "history.moves.csv")
    assert (done.tickets, done.erased) == (1, 1)
    assert "quokka" in (tmp_path / "history.csv").read_text()
    assert ANNA not in (tmp_path / "history.moves.csv").read_text()


def test_retention_erases_what_was_solved_and_not_touched_since(desk):
    old, fresh, unsolved = (file(desk, BORIS) for _ in range(3))
    now = clock()
    with desk.database.writing() as conn:
        for number, status, at in (
            (old, "resolved", now - timedelta(days=31)),
            (fresh, "closed", now - timedelta(days=29)),
            (unsolved, "waiting", now - timedelta(days=400)),
        ):
            changes.set_values(conn, tickets.get_ticket(conn, number), {"status": status}, at)
            conn.execute(TICKETS.update().values(received_at=now - timedelta(days=500)))
    assert erasure.erase_expired(desk.database, 30, AGENT, clock, lambda: True) == 1
    with desk.database.reading() as conn:
        erased = {one for one in (old, fresh, unsolved) if tickets.get_ticket(conn, one).erased_at is not None}
        (audit_entry,) = audit_log.list_entries(conn).items
    assert erased == {old}
    assert audit_entry.subject == "solved and not touched for 30 days: 1 ticket"


def test_a_ticket_that_was_opened_again_meanwhile_is_not_expired(desk):
    number = file(desk, BORIS)
    with desk.database.writing() as conn:
        changes.set_values(conn, tickets.get_ticket(conn, number), {"status": "resolved"}, clock())
    with desk.database.reading() as conn:
        found = erasure.find_solved_before(conn, clock())
    corrections.change_ticket(desk, number, {"status": "open"}, AGENT, expected_version=None)
    assert (len(found.tickets), erasure.apply_erasure(desk.database, found, "x", AGENT, clock)) == (1, 0)


def test_a_mirrored_ticket_is_erased_here_and_what_was_to_be_written_there_is_written_no_more(desk):
    at = clock()
    ticket = Ticket(id="77", source="znuny", subject="quokka", requester=ANNA, created_at=at)
    with desk.database.writing() as conn:
        connections.save_connection(conn, "znuny", "znuny", "https://desk.example", since=at)
        there = connections.find_by_name(conn, "znuny")
        number = tickets.file_ticket(conn, ticket, "IT", {}, at=at, salt="s")
        row = {"ticket_id": number, "connection_id": there.id, "ref": "77", "version": "marzipan", "read_at": at}
        conn.execute(MIRROR.insert().values(row))
        make_header = EntryHeader(number, fingerprint_ticket(ticket), at, None, "p")
        marker = f"d1-{make_header.ticket_hash[:10]}"
        wished = (DELIVERY_REQUESTED, {"delivery": marker, "set": {"queue": "IT"}})
        outcome = (DELIVERED, {"delivery": marker, "result": "rejected", "why": {"queue": "no queue for quokka"}})
        Journal.record(conn, make_header, (RECEIVED, {"source": "znuny", "external_id": "77"}), wished, outcome)
        sent = Delivery(
            id=marker, ref="77", set={"queue": "IT"}, expect={"queue": None}, note="obsidian", seen_version="kumquat"
        )
        sending = deliveries.add_delivery(
            conn, sent, ticket=number, connection=there.id, decision=1, priority=None, at=at
        )
    found, _ = forget_anna(desk.database)
    assert dict(found.mirrored_counts) == {"znuny": 1}
    left = everything(desk.database)
    assert [word for word in (*SECRETS, marker) if word in left] == []
    with desk.database.writing() as conn:
        assert deliveries.OUTBOX.get(conn, sending).state == "done"
        assert deliveries.OUTBOX.claim(conn, sending, 1, "me", lambda _: False, at) is None
    seen = StoredTicket(ref="77", ticket=ticket, updated_at=clock(), version="marzipan", queue="Billing")
    with desk.database.writing() as conn:
        before = mirror.find_mirrored(conn, there.id, ["77"])["77"]
        mirror.update_from_store(conn, there, seen, before, clock(), [], AGENT, clock())
    assert [word for word in (*SECRETS, marker) if word in everything(desk.database)] == []
    with desk.database.reading() as conn:
        assert tickets.get_ticket(conn, number).queue == "Billing"


def test_the_command_names_the_help_desks_and_the_agents_words_that_it_leaves():
    ticket = erasure.TicketToErase(1, "znuny", "77", clock(), True, "znuny")
    printed = "\n".join(_plan_lines(erasure.ErasurePlan((ticket, ticket), (4,), kept_comments=3), []))
    assert "2 tickets mirrored from 'znuny': erase them there, too" in printed
    assert "To be erased: 2 tickets, 1 comment on tickets of others" in printed
    assert "Kept: 3 comments on tickets of others" in printed
    assert "Not solved yet: 2 of these" in printed


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_byte_of_it_is_left_in_the_files_of_sqlite(desk, tmp_path):
    folder = tmp_path / "state"
    for n in range(60):
        live(desk, file(desk, ANNA if n % 3 else BORIS, body=f"marzipan {n} " * 400), ANNA if n % 3 else BORIS)
    assert holding(folder, b"Anna.Wald")
    reader = open_database(str(desk.database.url))  # another process, as a service would be, with a connection open
    with reader.reading() as conn:
        conn.scalar(COMMENTS.select().limit(1))
    with desk.database.reading() as conn:
        found = erasure.find_by_requester(conn, ANNA)
    mine = [salt_of(desk.database, one.number) for one in found.tickets]
    forget_anna(desk.database)
    assert desk.database.scrub()
    reader.close()
    for word in (b"Anna.Wald", b"anna.wald@example.org", *(salt.encode() for salt in mine)):
        assert holding(folder, word) == []


def salt_of(database, number):
    with database.reading() as conn:
        return tickets.get_ticket(conn, number).salt


def holding(folder, word):
    return [path.name for path in folder.rglob("*") if path.is_file() and word in path.read_bytes()]
