"""Another deskyard, over its API, passes the conformance suite: real app, real HTTP, real database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from deskyard.connectors import Delivery, DeliveryResult
from deskyard.domain.catalogue import TRIAGE
from deskyard.errors import AccessDenied, BadInput, BadSignature, NotFound, StaleWebhook, StoreRefused
from deskyard.settings import Settings
from deskyard.testing import CASES, check_store
from deskyard.testing.harness import make_delivery, new_id, pull_all
from service.app import create_app
from tests.fakes.other_deskyard import There, hook
from tests.fakes.serving import Faults, served
from tests.fakes.stores import between


@pytest.fixture
def app(database_url, tmp_path):
    made = create_app(Settings(home=tmp_path, database_url=database_url))
    yield made
    made.state.batcher.stop()
    made.state.context.database.close()


@pytest.fixture
def faults(app):
    return Faults(app)


@pytest.fixture
def there(app, faults):
    with served(faults) as base:
        one = There(app.state.context.database, base)
        yield one
        one.close()


@pytest.fixture
def store(there, opened):
    return opened(there.url(there.keys["router"]))


@pytest.fixture
def harness(there):
    return there.harness()


@pytest.mark.parametrize("case", CASES)
def test_another_deskyard_keeps_the_contract(case, store, harness):
    CASES[case](store, harness)


@pytest.mark.databases
def test_another_deskyard_passes_the_whole_suite_in_one_go(store, harness):
    assert check_store(store, harness) == []


def test_a_wrong_key_is_told_from_everything_else(there, opened):
    wrong = opened(there.url("dy_wrong"))
    with pytest.raises(AccessDenied):
        wrong.fetch("1")
    health = wrong.health()
    assert not health.ok
    assert "dy_wrong" not in str(health)


@pytest.mark.parametrize("who", ["ann", "eve"])
def test_a_key_that_is_no_machines_is_told_before_it_writes(who, there, opened):
    health = opened(there.url(there.keys[who])).health()
    assert (health.me, health.ok) == (who, False)
    assert "--role machine" in health.missing[0]


def test_a_viewers_key_may_not_write(there, opened):
    viewing = opened(there.url(there.keys["eve"]))
    seen = viewing.fetch(there.make_tickets(1)[0])
    with pytest.raises(AccessDenied):
        viewing.apply(make_delivery(seen, {"queue": "IT"}))


def test_what_is_no_deskyard_is_told_in_a_sentence(opened):
    async def other(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<h1>It works!</h1>"})

    with served(other) as base:
        health = opened(f"deskyard:{base}").health()
    assert "is not a deskyard" in health.missing[0]


def test_the_note_stands_there_once_however_often_it_is_sent(there, store):
    (ref,) = there.make_tickets(1)
    delivery = make_delivery(store.fetch(ref), {"queue": "IT"}, note="Причины: слово «VPN».")
    for _ in range(3):
        store.add_note(ref, delivery.full_note)
    assert there.read_notes(ref) == [delivery.full_note]
    assert store.fetch(ref).markers == {delivery.id}


def test_a_person_is_believed_at_once_and_without_a_write(there, store, faults, monkeypatch):
    (ref,) = there.make_tickets(1)
    there.set(ref, "queue", "Billing")
    seen = store.fetch(ref)
    assert seen.set_by_people == {"queue"}
    monkeypatch.setattr(store, "write", None)
    outcome = store.apply(make_delivery(seen, {"queue": "IT"}))
    assert (outcome.result, outcome.observed.queue) == (DeliveryResult.CONFLICT, "Billing")


def test_what_a_person_sets_in_the_same_moment_stands(there, store, monkeypatch):
    (ref,) = there.make_tickets(1)
    delivery = make_delivery(store.fetch(ref), {"queue": "IT"})
    between(store, monkeypatch, lambda ref: there.set(ref, "queue", "Billing"))
    assert store.apply(delivery).result is DeliveryResult.CONFLICT
    assert store.fetch(ref).queue == "Billing"


def test_a_ticket_that_was_only_commented_on_meanwhile_is_still_written(there, store, monkeypatch):
    (ref,) = there.make_tickets(1)
    delivery = make_delivery(store.fetch(ref), {"queue": "IT"})
    between(store, monkeypatch, lambda ref: there.ask("ann", "POST", f"/tickets/{ref}/comments", json={"text": "?"}))
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    assert there.read_notes(ref) == ["?", delivery.marker]


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_a_ticket_that_is_done_is_a_conflict_with_its_reason(there, store, status):
    (ref,) = there.make_tickets(1)
    there.set(ref, "status", status)
    outcome = store.apply(make_delivery(store.fetch(ref), {"queue": "IT"}))
    assert outcome.result is DeliveryResult.CONFLICT
    assert f"is {status}: only people can change it now" in outcome.reasons["queue"]
    assert there.read_notes(ref) == []


def test_a_queue_that_people_moved_a_ticket_out_of_never_gets_it_back(there, store):
    (ref,) = there.make_tickets(1)
    there.set(ref, "queue", "IT")
    outcome = store.apply(Delivery(id=new_id(), ref=ref, set={"queue": TRIAGE}))
    assert outcome.result is DeliveryResult.CONFLICT
    assert store.fetch(ref).queue == "IT"


def test_a_value_that_it_refuses_is_told_by_field(there, store):
    (ref,) = there.make_tickets(1)
    seen = store.fetch(ref)
    with pytest.raises(StoreRefused) as caught:
        store.write(seen, {"queue": "IT", "category": "x" * 201}, Delivery(id=new_id(), ref=ref))
    assert caught.value.field == "category"
    outcome = store.apply(make_delivery(seen, {"queue": "IT", "category": " "}))
    assert (outcome.result, set(outcome.reasons)) == (DeliveryResult.REJECTED, {"queue", "category"})
    assert "200 characters" in outcome.reasons["category"]
    assert store.fetch(ref) == seen


def test_a_queue_that_was_closed_a_moment_ago_is_refused_and_the_catalogue_read_anew(there, store, harness):
    (ref,) = there.make_tickets(1)
    assert "Billing" in store.catalogue().queues
    harness.close_queue("Billing")
    outcome = store.apply(make_delivery(store.fetch(ref), {"queue": "Billing"}))
    assert outcome.result is DeliveryResult.REJECTED
    assert "open queue" in outcome.reasons["queue"]
    assert "Billing" not in store.catalogue().queues


def test_a_ticket_that_moves_keeps_whom_it_was_given_to(there, store):
    there.ask("boss", "PUT", "/queues/Billing", json={"default_assignee": "борис"})
    there.ask("boss", "PUT", "/agents/ann", json={"queues": ["IT", "Billing"]})
    (ref,) = there.make_tickets(1)
    values = {"queue": "IT", "assignee": "ann"}
    assert store.apply(make_delivery(store.fetch(ref), values)).result is DeliveryResult.APPLIED
    assert store.apply(make_delivery(store.fetch(ref), values | {"queue": "Billing"})).result is DeliveryResult.APPLIED
    now = store.fetch(ref)
    assert (now.queue, now.assignee) == ("Billing", "ann")


def test_values_are_emptied_too(there, store):
    (ref,) = there.make_tickets(1)
    values = {"queue": "IT", "assignee": "ann", "priority": "low", "category": "Связь"}
    assert store.apply(make_delivery(store.fetch(ref), values)).result is DeliveryResult.APPLIED
    nothing = dict.fromkeys(("assignee", "priority", "category"))
    assert store.apply(make_delivery(store.fetch(ref), nothing)).result is DeliveryResult.APPLIED
    assert store.fetch(ref).differing(nothing) == {}


@pytest.mark.parametrize("fault", ["hang", "cut"])
def test_a_silence_after_the_write_is_looked_into_and_never_answered_by_a_second_write(fault, there, store, faults):
    store.http._client.timeout = 1.0
    faults.patience = 1.5
    (ref,) = there.make_tickets(1)
    delivery = make_delivery(store.fetch(ref), {"queue": "IT"}, note="Sorted.")
    faults.waiting = [fault, fault]
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    history = there.ask("ann", "GET", f"/tickets/{ref}")["history"]
    assert [step["to"] for step in history if step["actor"]["name"] == "router"] == ["IT"]
    assert there.read_notes(ref) == [delivery.full_note]
    assert faults.met[fault] == 2


@pytest.mark.parametrize("fault", ["too many", "broken"])
def test_what_was_not_done_is_asked_for_later(fault, there, store, faults):
    (ref,) = there.make_tickets(1)
    delivery = make_delivery(store.fetch(ref), {"queue": "IT"})
    faults.waiting = [fault]
    outcome = store.apply(delivery)
    assert outcome.result is DeliveryResult.RETRY_LATER
    assert outcome.retry_after > 0
    store.http._budgets["write"]._held_until = 0.0
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    assert there.read_notes(ref) == [delivery.marker]


@pytest.mark.databases
def test_two_that_deliver_the_same_at_once_write_once(there, store):
    (ref,) = there.make_tickets(1)
    delivery = make_delivery(store.fetch(ref), {"queue": "IT"})
    with ThreadPoolExecutor(4) as pool:
        done = [future.result() for future in [pool.submit(store.apply, delivery) for _ in range(8)]]
    assert {one.result for one in done} <= {DeliveryResult.APPLIED, DeliveryResult.ALREADY_APPLIED}
    assert there.read_notes(ref) == [delivery.marker]
    assert store.fetch(ref).version == "3"


def test_the_journey_tells_who_changed_what(there, store):
    (ref,) = there.make_tickets(1)
    assert (
        store.apply(make_delivery(store.fetch(ref), {"queue": "IT", "priority": "high"})).result
        is DeliveryResult.APPLIED
    )
    there.set(ref, "category", "vpn")
    moves = [(move.actor, move.field, move.was, move.became, move.by_deskyard) for move in store.fetch_moves(ref)]
    assert moves == [
        ("router", "queue", TRIAGE, "IT", True),
        ("router", "priority", None, "high", True),
        ("ann", "category", None, "vpn", False),
    ]


def test_what_was_filed_comes_as_it_was_filed(there, store):
    sent = {"subject": "Не печатает", "body": "<p>Принтер 🖨</p>", "requester": "a@example.org", "channel": "mail"}
    body = {**sent, "created_at": "2026-01-31T12:00:00+03:00", "fields": {"product": "LJ"}, "source": "mail"}
    ref = there.ask("router", "POST", "/tickets", json=body)["ticket"]["id"]
    ticket = store.fetch(ref).ticket
    assert {name: getattr(ticket, name) for name in sent} == sent
    assert (ticket.id, ticket.source, ticket.fields) == (ref, "deskyard", {"product": "LJ"})
    assert ticket.created_at == datetime(2026, 1, 31, 9, tzinfo=UTC)


def test_a_long_history_comes_in_pages_and_without_an_end_to_it(there, store):
    at = datetime.now(UTC) - timedelta(days=400)
    refs = [ref for n in range(3) for ref in there.make_tickets(50, at + timedelta(days=n))]
    found, _ = pull_all(store, store.cursor_at(at + timedelta(days=1)), 20)
    assert [one.ref for one in found] == refs[50:]
    assert [ref for _, ref in store.list_changes(at, 20)] == refs


@pytest.mark.parametrize("ref", ["", "0", "x", "1/../2", "../me", "٧"])
def test_what_is_no_number_is_no_ticket(store, ref):
    with pytest.raises(NotFound):
        store.fetch(ref)


def test_a_strange_cursor_is_the_other_deskyards_own_sentence(store):
    with pytest.raises(BadInput, match="not one of this desk"):
        store.pull("x", 10)
    with pytest.raises(BadInput, match="since"):
        store.pull("since yesterday", 10)


def test_a_notice_is_believed_only_with_its_signature_and_in_time(there, store):
    now = datetime.now(UTC)
    (event,) = store.parse_webhook(*hook("7", now), now)
    assert (event.id, event.ref, event.by_deskyard) == ("n7", "7", False)
    with pytest.raises(BadSignature):
        store.parse_webhook(*hook("7", now, "another secret"), now)
    headers, raw = hook("7", now)
    later = {**headers, "X-Deskyard-Timestamp": str(int(now.timestamp()) + 1)}
    with pytest.raises(BadSignature):
        store.parse_webhook(later, raw, now)
    with pytest.raises(StaleWebhook):
        store.parse_webhook(headers, raw, now + timedelta(minutes=6))


def test_a_notice_about_no_ticket_hints_at_nothing(store):
    now = datetime.now(UTC)
    assert store.parse_webhook(*hook("", now), now) == []
    assert store.parse_webhook(*hook("../me", now), now) == []
