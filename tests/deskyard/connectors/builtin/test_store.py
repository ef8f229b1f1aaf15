"""The built-in desk passes the conformance suite of ticket stores on each kind of database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deskyard.connectors import Delivery, DeliveryResult
from deskyard.connectors.builtin.changes import OVERLAP
from deskyard.connectors.builtin.store import DeskStore
from deskyard.db.database import Database
from deskyard.desk import agents, changes, comments, queues, ticket_history, tickets
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput, NotFound
from deskyard.journal.journal import CHANGED, COMMENTED, Journal
from deskyard.testing import CASES, StoreHarness, check_store

ANN = Actor("person", "ann")
OLD = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def store(database):
    with database.writing() as conn:
        queues.ensure_queues(conn, ["IT", "Billing", "Кадры"])
        agents.ensure_agents(conn, {"ann": ["IT"], "борис": ["IT", "Billing"]})
    return DeskStore(database)


@pytest.fixture
def harness(store):
    database = store.database

    def make(n, at=None):
        at = at or datetime.now(UTC)
        with database.writing() as conn:
            return [str(tickets.file_ticket(conn, Ticket(id="", subject="VPN"), TRIAGE, {}, at=at)) for _ in range(n)]

    def person_sets(ref, field, value):
        with database.writing() as conn:
            changes.change_ticket(conn, int(ref), {field: value}, ANN, at=datetime.now(UTC))

    def notes(ref):
        with database.reading() as conn:
            return [comment.text for comment in comments.list_comments(conn, int(ref)) if not comment.public]

    def close_queue(name):
        with database.writing() as conn:
            queues.save_queue(conn, name, description="", is_open=False)

    def send_away(name):
        with database.writing() as conn:
            agents.save_agent(conn, name, present=False, queues=["IT"])

    return StoreHarness(
        make_tickets=make,
        set_as_person=person_sets,
        read_notes=notes,
        close_queue=close_queue,
        make_absent=send_away,
        start_queue=TRIAGE,
        queues=("IT", "Billing", "Кадры"),
        agents=("ann", "борис"),
    )


@pytest.mark.parametrize("case", CASES)
def test_the_desk_keeps_the_contract(store, harness, case):
    CASES[case](store, harness)


def test_the_desk_passes_the_whole_suite_in_one_go(store, harness):
    assert check_store(store, harness) == []


def history_of(store, ref):
    with store.database.reading() as conn:
        return [
            (step.actor.name, step.field, step.was, step.became) for step in ticket_history.list_steps(conn, int(ref))
        ]


def test_a_delivery_is_recorded_in_the_history_and_in_the_journal(store, harness):
    (ref,) = harness.make_tickets(1)
    store.apply(Delivery(id="d1", ref=ref, set={"queue": "IT", "priority": "high"}, note="Sorted."))
    name = store.health().me
    assert history_of(store, ref) == [(name, "queue", TRIAGE, "IT"), (name, "priority", None, "high")]
    assert harness.read_notes(ref) == ["Sorted.\n\n[d1]"]
    with store.database.reading() as conn:
        assert [entry.kind for entry in Journal.list_entries(conn, int(ref))] == [CHANGED, CHANGED, COMMENTED]


def test_a_delivery_that_was_refused_left_no_trace(store, harness):
    (ref,) = harness.make_tickets(1)
    before = store.fetch(ref)
    outcome = store.apply(Delivery(id="d1", ref=ref, set={"queue": "IT", "priority": "huge", "assignee": "nobody"}))
    assert (outcome.result, set(outcome.reasons)) == (DeliveryResult.REJECTED, {"priority", "assignee"})
    assert store.apply(Delivery(id="d2", ref=ref, set={"category": " "})).reasons.keys() == {"category"}
    assert store.fetch(ref) == before
    assert history_of(store, ref) == []


def test_a_delivery_that_was_applied_stays_so_after_its_queue_was_closed(store, harness):
    (ref,) = harness.make_tickets(1)
    delivery = Delivery(id="d1", ref=ref, set={"queue": "IT"})
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    harness.close_queue("IT")
    assert store.apply(delivery).result is DeliveryResult.ALREADY_APPLIED


def test_a_note_alone_is_delivered_once_too(store, harness):
    (ref,) = harness.make_tickets(1)
    delivery = Delivery(id="d1", ref=ref, note="Three alike came today.")
    assert [store.apply(delivery).result for _ in range(2)] == [DeliveryResult.APPLIED, DeliveryResult.ALREADY_APPLIED]
    assert harness.read_notes(ref) == ["Three alike came today.\n\n[d1]"]


def test_a_queue_that_people_moved_a_ticket_out_of_never_gets_it_back(store, harness):
    (ref,) = harness.make_tickets(1)
    harness.set_as_person(ref, "queue", "IT")
    harness.set_as_person(ref, "queue", "Billing")
    outcome = store.apply(Delivery(id="d1", ref=ref, set={"queue": "IT"}))
    assert (outcome.result, outcome.observed.queue) == (DeliveryResult.CONFLICT, "Billing")
    assert "a person's choice is not overwritten" in outcome.reasons["queue"]


def test_a_resolved_ticket_is_left_alone(store, harness):
    (ref,) = harness.make_tickets(1)
    harness.set_as_person(ref, "status", "resolved")
    assert store.apply(Delivery(id="d1", ref=ref, set={"queue": "IT"})).result is DeliveryResult.CONFLICT


def test_two_programs_that_deliver_the_same_at_once_write_once(store, harness, database_url):
    from concurrent.futures import ThreadPoolExecutor

    (ref,) = harness.make_tickets(1)
    other = DeskStore(Database(database_url))
    delivery = Delivery(id="d1", ref=ref, set={"queue": "IT"})
    with ThreadPoolExecutor(8) as pool:
        outcomes = [pool.submit([store, other][n % 2].apply, delivery) for n in range(16)]
        results = sorted(outcome.result().result for outcome in outcomes)
    other.close()
    assert results == [DeliveryResult.ALREADY_APPLIED] * 15 + [DeliveryResult.APPLIED]
    assert len(harness.read_notes(ref)) == 1


def test_the_minute_before_the_last_run_is_read_again_and_older_tickets_are_not(store, harness):
    (old,) = harness.make_tickets(1, OLD)
    (young,) = harness.make_tickets(1)
    cursor = store.pull(None, 100).cursor
    assert [one.ref for one in store.pull(cursor, 100).tickets] == [young]
    (late,) = harness.make_tickets(1, datetime.now(UTC) - OVERLAP / 2)
    assert [one.ref for one in store.pull(cursor, 100).tickets] == [late, young]
    assert old not in {one.ref for one in store.pull(cursor, 100).tickets}


def test_a_desk_where_nothing_happens_gives_its_last_ticket_again_and_no_other(store, harness):
    harness.make_tickets(3, OLD - timedelta(days=1))
    (last,) = harness.make_tickets(1, OLD)
    cursor = None
    for _ in range(3):
        page = store.pull(cursor, 100)
        cursor = page.cursor
    assert [one.ref for one in page.tickets] == [last]


def test_an_empty_desk_has_a_cursor_to_go_on_from(store, harness):
    page = store.pull(None, 10)
    assert (page.tickets, page.more) == ((), False)
    (ref,) = harness.make_tickets(1, OLD)
    assert [one.ref for one in store.pull(page.cursor, 10).tickets] == [ref]


@pytest.mark.parametrize("cursor", ["", "0", "WzFd", "bnVsbA==", "WyIyMDI2LTAxLTAxIiwgMCwgbnVsbF0=", "🙂"])
def test_a_cursor_that_the_desk_never_gave_is_a_sentence(store, cursor):
    with pytest.raises(BadInput, match="not one of this desk"):
        store.pull(cursor, 10)


@pytest.mark.parametrize("ref", ["", "0", "-1", "1.0", "９", "x", "9" * 30])
def test_a_reference_that_is_no_number_of_ours_is_no_ticket(store, ref):
    with pytest.raises(NotFound):
        store.fetch(ref)


def test_a_ticket_is_shown_as_it_was_filed(store):
    ticket = Ticket(id="7", source="mail", subject="Не печатает 🖨", created_at=OLD, fields={"product": "LJ"})
    with store.database.writing() as conn:
        number = tickets.file_ticket(conn, ticket, "IT", {"category": "print", "priority": "low"}, at=OLD)
    seen = store.fetch(str(number))
    assert seen.ticket == ticket
    assert (seen.queue, seen.category, seen.priority, seen.status, seen.version) == ("IT", "print", "low", "new", "1")
    assert not seen.last_change_by_deskyard


def test_a_customers_word_after_ours_is_news(store, harness):
    (ref,) = harness.make_tickets(1)
    store.apply(Delivery(id="d1", ref=ref, set={"queue": "IT"}))
    assert store.fetch(ref).last_change_by_deskyard
    with store.database.writing() as conn:
        comments.add_comment(conn, int(ref), ANN, "Still broken.", public=True, at=datetime.now(UTC))
    assert not store.fetch(ref).last_change_by_deskyard


def test_a_desk_whose_database_is_gone_says_so_instead_of_failing(tmp_path):
    (tmp_path / "desk.db").write_text("This is not a database. " * 100)
    store = DeskStore(Database(f"sqlite:///{tmp_path}/desk.db"))
    health = store.health()
    assert not health.ok
    assert "does not answer" in health.missing[0]


def test_an_expected_version_guards_a_delivery_that_expects_nothing_else(store, harness):
    (ref,) = harness.make_tickets(1)
    seen = store.fetch(ref)
    harness.set_as_person(ref, "priority", "low")
    blind = Delivery(id="d1", ref=ref, set={"queue": "IT"}, seen_version=seen.version)
    assert store.apply(blind).result is DeliveryResult.CONFLICT
    assert store.apply(replace(blind, seen_version=store.fetch(ref).version)).result is DeliveryResult.APPLIED
