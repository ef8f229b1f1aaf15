"""The sync engine: stored deliveries are written once, by any process; those that fail wait for a person."""

import csv
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from deskyard.db.tables.sync import DELIVERIES
from deskyard.desk import changes, tickets
from deskyard.domain import label_trust
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import Ticket
from deskyard.errors import StoreConflict
from deskyard.history.export import export_tickets
from deskyard.journal import audit_log
from deskyard.journal.journal import CONFIRMED, CORRECTED, DECIDED, DELIVERED, Journal
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.registry import promotion, retraining_requests
from deskyard.review import undo
from deskyard.settings import settings
from deskyard.sync import connections, deliveries
from service.runtime.context import AppContext
from service.sync import dbos_engine as engines
from service.sync.dbos_engine import SyncEngine
from service.sync.executor_leases import LEASE, ExecutorLeases
from service.tickets import corrections
from service.tickets.routing import route_ticket
from tests.conftest import SUBJECTS
from tests.fakes.serving import Faults, served
from tests.service.foreign import connect, known, plaindesk, states, wait_for

IT = SUBJECTS["IT"]


@pytest.fixture(autouse=True)
def at_once(home, monkeypatch):
    """A pull every second, and short timeouts."""
    monkeypatch.setenv("DESKYARD_PULL_INTERVAL", "1")
    monkeypatch.setenv("DESKYARD_STORE_TIMEOUT", "2")
    settings.cache_clear()
    with known(home / "path"):
        yield


@pytest.fixture
def desk():
    return plaindesk()


@pytest.fixture
def faults(desk):
    return Faults(desk.app)


@pytest.fixture
def base(faults):
    with served(faults) as url:
        yield url


@pytest.fixture
def context(database, champion):
    promotion.promote(database, champion / "models", "tiny", Actor("person", "ann"))
    found = AppContext(database, champion / "models")
    found.models.refresh()
    return found


@pytest.fixture
def start(database, context):
    """Start engines, one after the other; the last one is stopped at the end."""
    started = []

    def run() -> SyncEngine:
        for one in started:
            one.stop()
        started.append(SyncEngine(database))
        started[-1].create_tables()
        started[-1].start(context)
        return started[-1]

    yield run
    if started:
        started[-1].stop()


def entries(database, kind):
    with database.reading() as conn:
        numbers = conn.execute(text("SELECT DISTINCT ticket_id FROM journal_entries")).scalars().all()
        return [entry for number in numbers for entry in Journal.list_entries(conn, number) if entry.kind == kind]


def retried(database, engine):
    """What `POST /v1/deliveries/{id}/retry` does, for every parked delivery."""
    with database.writing() as conn:
        for row in deliveries.list_deliveries(conn, 100, None, ("parked",)).items:
            engine.retry_delivery(conn, row, deliveries.OUTBOX.retry_parked(conn, row.id, datetime.now(UTC)))


@pytest.mark.databases
def test_a_new_foreign_ticket_is_read_decided_on_and_written_with_its_reason(database, desk, base, start):
    ref = desk.file(IT)
    connect(database, base)
    start()
    assert wait_for(lambda: states(database) == {"done": 1})
    ticket = desk.tickets[ref]
    assert (ticket["queue"], ticket["priority"], ticket["agent"]) == ("IT", "low", "ann")
    (note,) = desk.notes[ref]
    assert "Queue: IT (" in note["text"]
    assert "past tickets were right" in note["text"]
    assert IT not in note["text"]
    (delivered,) = entries(database, DELIVERED)
    assert delivered.content["result"] == "applied"


def test_a_foreign_queue_that_is_spelled_otherwise_gets_its_ticket_and_a_person_may_agree(database, desk, base, start):
    desk.queues = {"I\u00adt": desk.queues.pop("IT"), **desk.queues}
    ref = desk.file(IT)
    connect(database, base)
    start()
    assert wait_for(lambda: states(database) == {"done": 1})
    assert desk.tickets[ref]["queue"] == "I\u00adt"
    assert "Queue: I\u00adt (" in desk.notes[ref][0]["text"]


def test_a_persons_later_change_is_a_correction_and_our_own_echo_is_not(database, desk, base, start):
    ref = desk.file(IT)
    connect(database, base)
    start()
    assert wait_for(lambda: states(database) == {"done": 1})
    desk.set(ref, {"queue": "Billing"}, by="ann")
    assert wait_for(lambda: entries(database, CORRECTED))
    (corrected,) = entries(database, CORRECTED)
    assert {name: corrected.content[name] for name in ("field", "from", "to", "kind")} == {
        "field": "queue",
        "from": "IT",
        "to": "Billing",
        "kind": "person",
    }
    assert desk.tickets[ref]["queue"] == "Billing"
    assert len(desk.notes[ref]) == 1


def test_a_person_who_agrees_with_a_suggestion_there_confirms_it(database, desk, base, start, home):
    ref = desk.file(IT)
    connect(database, base, Mode.SUGGEST)
    start()
    assert wait_for(lambda: entries(database, DECIDED))
    desk.set(ref, {"queue": "IT"}, by="ann")
    assert wait_for(lambda: entries(database, CONFIRMED))
    (confirmed,) = entries(database, CONFIRMED)
    assert {name: confirmed.content[name] for name in ("field", "from", "to", "kind")} == {
        "field": "queue",
        "from": "Inbox",
        "to": "IT",
        "kind": "person",
    }
    desk.set(ref, {"priority": "high"}, by="ann")
    assert wait_for(lambda: entries(database, CORRECTED))
    with database.reading() as conn:
        assert retraining_requests.count_corrections(conn, datetime.now(UTC) - timedelta(hours=1)) == 1, (
            "only the other priority"
        )
    export_tickets(database, home / "history.csv", None)
    with (home / "history.csv").open(encoding="utf-8", newline="") as written:
        (row,) = csv.DictReader(written)
    assert (row["queue"], row["queue_trust"]) == ("IT", label_trust.CONFIRMED)
    assert (row["priority"], row["priority_trust"]) == ("high", label_trust.CORRECTED)


def test_a_person_who_was_faster_wins_and_nothing_is_noted(database, desk, base, start, monkeypatch):
    ref = desk.file(IT)
    connect(database, base, intake=["Inbox"])
    engine = start()
    monkeypatch.setattr(engine.workflows, "deliver", lambda *_: None)  # stored, but not written yet
    assert wait_for(lambda: states(database).get("waiting") == 1)
    desk.set(ref, {"queue": "Billing"}, by="ann")
    monkeypatch.undo()
    with database.reading() as conn:
        row = deliveries.OUTBOX.get(conn, 1)
    engine.workflows.deliver(row.id, row.attempt)
    assert states(database) == {"done": 1}
    (delivered,) = entries(database, DELIVERED)
    assert delivered.content["result"] == "conflict"
    assert (desk.tickets[ref]["queue"], desk.notes[ref]) == ("Billing", [])
    assert len(entries(database, CORRECTED)) == 1


@pytest.mark.parametrize(
    "touched", [{"agent": "ann"}, {"state": "solved"}, {"queue": "Billing"}], ids=["taken", "done", "elsewhere"]
)
def test_a_ticket_that_is_not_ours_to_sort_is_decided_on_and_not_touched(database, desk, base, start, touched):
    ref = desk.file(IT)
    desk.set(ref, touched, by="ann")
    connect(database, base, intake=["Inbox"])
    start()
    assert wait_for(lambda: len(entries(database, "decided")) == 1)
    assert states(database) == {}
    assert desk.writes[ref, "deskyard"] == 0


def test_in_shadow_everything_is_decided_and_nothing_written(database, desk, base, start):
    ref = desk.file(IT)
    connect(database, base, Mode.SHADOW)
    start()
    assert wait_for(lambda: entries(database, "decided"))
    assert (states(database), desk.writes[ref, "deskyard"]) == ({}, 0)


@pytest.mark.databases
def test_what_the_help_desk_refuses_is_parked_with_the_reason_and_tried_again_on_demand(database, desk, base, start):
    ref = desk.file(IT)
    connect(database, base)
    refuses = desk.set
    desk.set = lambda *given, **named: (_ for _ in ()).throw(_no())
    engine = start()
    assert wait_for(lambda: states(database) == {"parked": 1})
    with database.reading() as conn:
        row = deliveries.OUTBOX.get(conn, 1)
    assert row.result == "rejected"
    assert "not while the moon is full" in row.why["queue"]
    desk.set = refuses
    retried(database, engine)
    assert wait_for(lambda: states(database) == {"done": 1})
    assert desk.tickets[ref]["queue"] == "IT"


def _no():
    from fastapi import HTTPException

    return HTTPException(422, "not while the moon is full")


def test_a_wrong_secret_parks_what_waits_and_says_what_to_mend(database, desk, base, start, monkeypatch):
    desk.file(IT)
    connect(database, base)
    monkeypatch.setenv("DESKYARD_SECRET_PLAIN", "wrong")
    start()

    def trouble():
        with database.reading() as conn:
            return connections.find_by_name(conn, "plain").trouble

    assert wait_for(trouble)
    assert "check the user, the secret and the rights" in trouble()
    assert "wrong" not in trouble()


def test_a_help_desk_that_asks_us_to_wait_is_left_alone_until_then(database, desk, base, faults, start):
    desk.file(IT)
    faults.headers = {"Retry-After": "2"}
    faults.waiting = ["too many"]
    connect(database, base)
    start()
    assert wait_for(lambda: faults.met["too many"] == 1)
    asked_at = datetime.now(UTC)
    assert wait_for(lambda: states(database) == {"done": 1})
    assert datetime.now(UTC) - asked_at > timedelta(seconds=1.5)


def test_critical_tickets_are_written_first(database, desk, base, start, monkeypatch):
    monkeypatch.setattr(engines, "CONCURRENT_DELIVERIES", 1)
    urgent = {desk.file(IT, priority="urgent") for _ in range(3)}
    slow = [desk.file(IT, priority="low") for _ in range(12)]
    order = []
    write = desk.set
    desk.set = lambda ref, *given, **named: (order.append(ref), write(ref, *given, **named))[1]
    connect(database, base)
    start()
    assert wait_for(lambda: states(database) == {"done": 15}, 60)
    late = sum(place for place, ref in enumerate(order) if ref in urgent)
    assert late <= sum(range(3)) + 3 * 2, order  # two at most had started when the urgent ones were read
    assert set(order) == {*urgent, *slow}


@pytest.mark.databases
def test_work_of_a_dead_process_is_done_by_the_next(database, desk, base, start):
    ref = desk.file(IT)
    connect(database, base)
    engine = start()
    assert wait_for(lambda: states(database) == {"done": 1})
    with database.writing() as conn:  # as a process leaves it that dies between writing and settling
        dead = {"state": "working", "worker": "a process that died", "attempt": 2, "ended_at": None}
        late = datetime.now(UTC) - timedelta(minutes=5)
        conn.execute(DELIVERIES.update().values(**dead, begun=True, due_at=late))
    assert wait_for(lambda: states(database) == {"done": 1}, 60)
    assert (desk.writes[ref, "deskyard"], len(desk.notes[ref])) == (1, 1)
    assert engine.is_running


def test_what_an_older_version_left_waiting_is_done_by_the_newer(database, desk, base, start, monkeypatch):
    ref = desk.file(IT)
    connect(database, base)
    monkeypatch.setattr(engines, "WORKFLOW_VERSION", "deskyard-0")
    engine = start()
    monkeypatch.setattr(engine.workflows, "deliver", lambda *_: None)
    assert wait_for(lambda: states(database).get("waiting") == 1)
    engine.stop()
    monkeypatch.setattr(engines, "WORKFLOW_VERSION", "deskyard-1")
    monkeypatch.setattr(engines, "OVERDUE_AFTER", timedelta(seconds=0.5))
    start()
    assert wait_for(lambda: states(database) == {"done": 1}, 60)
    assert (desk.writes[ref, "deskyard"], len(desk.notes[ref])) == (1, 1)


def test_what_is_undone_is_put_back_where_the_ticket_lives(database, desk, base, start):
    ref = desk.file(IT)
    connect(database, base)
    start()
    assert wait_for(lambda: states(database) == {"done": 1})
    (case,) = undo.preview_undo(database, datetime.now(UTC) - timedelta(hours=1))
    assert case.reverted_fields["queue"] == ("IT", "Inbox")
    undo.undo_decision(database, case, "ann", datetime.now(UTC))
    assert wait_for(lambda: states(database) == {"done": 2})
    ticket = desk.tickets[ref]
    assert (ticket["queue"], ticket["priority"], ticket["agent"]) == ("Inbox", None, None)
    assert "was undone by ann" in desk.notes[ref][-1]["text"]
    with database.reading() as conn:
        assert tickets.get_ticket(conn, 1).queue == "Inbox"


def test_a_mirrored_ticket_is_changed_where_it_lives_and_nowhere_else(database, desk, base, start, context):
    desk.file(IT)
    connect(database, base, Mode.SHADOW)
    start()
    assert wait_for(lambda: entries(database, "decided"))
    with pytest.raises(StoreConflict, match="ticket 1 lives in 'plain' as '1': change it there"):
        corrections.change_ticket(context, 1, {"queue": "IT"}, Actor("person", "ann"), expected_version=None)
    with pytest.raises(StoreConflict, match="lives in 'plain'"):
        corrections.add_comment(context, 1, Actor("person", "ann"), "hello", public=False)


def test_an_engine_without_a_connection_does_not_even_start(database, start):
    engine = start()
    assert not wait_for(lambda: engine.is_running, 2.5)


@pytest.mark.databases
def test_old_deliveries_and_records_are_forgotten(database, desk, base, start, monkeypatch):
    desk.file(IT)
    connect(database, base)
    engine = start()
    assert wait_for(lambda: states(database) == {"done": 1})
    monkeypatch.setattr("service.sync.workflows.RETENTION", timedelta(0))
    monkeypatch.setattr(engines, "DBOS_RETENTION", timedelta(0))
    engine.clean_up()
    assert states(database) == {}
    assert engine._dbos_client().list_workflows(status=["SUCCESS"], name="deliver") == []


@pytest.mark.databases
def test_texts_kept_as_long_as_the_policy_says_are_erased_though_nothing_is_connected(
    database, context, start, tmp_path
):
    numbers = [
        int(route_ticket(context, Ticket(id="", subject=f"{IT} quokka {n}")).answer["ticket"]["id"]) for n in range(3)
    ]
    now = datetime.now(UTC)
    old = {"status": "resolved", "received_at": now - timedelta(days=9)}
    with database.writing() as conn:
        for number in numbers[:2]:
            changes.set_values(conn, tickets.get_ticket(conn, number), old, now - timedelta(days=8))
        Policies.add_version(conn, Policy(retention_days=7), "ann", now)
    start()
    assert wait_for(lambda: [is_erased(database, number) for number in numbers] == [True, True, False])
    with database.reading() as conn:
        (entry, *_) = audit_log.list_entries(conn).items
    assert (entry.actor, entry.subject) == (Actor("rule", "retention"), "solved and not touched for 7 days: 2 tickets")
    if database.is_sqlite:
        files = list((tmp_path / "state").iterdir())
        assert wait_for(lambda: not any(b"quokka 1" in file.read_bytes() for file in files))
        assert any(b"quokka 2" in file.read_bytes() for file in files)


def is_erased(database, number):
    with database.reading() as conn:
        return tickets.get_ticket(conn, number).erased_at is not None


@pytest.mark.databases
def test_places_are_held_by_the_living_and_taken_from_the_dead(database):
    first, second = ExecutorLeases(database), ExecutorLeases(database)
    assert first.acquire()
    assert first.name == "place-0"
    if database.is_sqlite:
        assert not second.acquire()
        first.release()
        assert second.acquire()
        assert second.name == "place-0"
        second.release()
        return
    assert second.acquire()
    assert second.name == "place-1"
    third = ExecutorLeases(database)
    with database.writing() as conn:
        conn.execute(text("UPDATE engine_executors SET seen_at = seen_at - interval '1 minute' WHERE slot = 0"))
    assert second.expired_executors() == ["place-0"]
    with database.reading() as conn:
        is_alive = second.living_processes(conn)
        assert (is_alive(first.process_id), is_alive(second.process_id)) == (False, True)
    assert third.acquire()
    assert third.name == "place-0"
    assert not first.renew()
    assert timedelta(seconds=3 * engines.RENEW_INTERVAL) < LEASE
    for one in itertools.chain((second, third)):
        one.release()
