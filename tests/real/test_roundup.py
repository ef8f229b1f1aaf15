"""Roundup 2.6 keeps the contract, with queues of its own and as it is shipped; and what only trying it tells."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx2
import pytest

from deskyard.connectors import Delivery, DeliveryResult, open_store
from deskyard.errors import AccessDenied, NotFound, StoreConflict, StoreRefused, StoreUnreachable
from deskyard.testing import CASES
from deskyard.testing.harness import make_delivery, new_id, pull_all
from tests.fakes.stores import between
from tests.real.catcher import catching
from tests.real.conftest import HOOK_SECRET
from tests.real.roundup_stand import stand

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def caught(hook_port):
    with catching(hook_port) as calls:
        yield calls


@pytest.fixture(scope="module")
def queue_desk(caught, hook_port):
    with stand(f"http://127.0.0.1:{hook_port}/hooks/roundup", "queue") as one:
        yield one


@pytest.fixture(scope="module")
def classic_desk():
    with stand("", "classic") as one:
        yield one


@pytest.fixture(scope="module")
def stores():
    opened = {}

    def one(url):
        if url not in opened:
            opened[url] = open_store(url)
        return opened[url]

    yield one
    for store in opened.values():
        store.close()


@pytest.fixture(params=["queue", "classic"])
def desk(request):
    return request.getfixturevalue(f"{request.param}_desk")


@pytest.fixture
def people(desk):
    return desk.harness.set_as_person.__self__


@pytest.fixture
def store(stores, desk):
    return stores(desk.url)


@pytest.fixture
def noting(stores, desk):
    return stores(f"{desk.url}&notes=on")


@pytest.mark.parametrize("notes", ["off", "on"])
@pytest.mark.parametrize("case", CASES)
def test_roundup_keeps_the_contract(case, notes, stores, desk):
    CASES[case](stores(f"{desk.url}&notes={notes}"), desk.harness)


def test_nothing_is_noted_that_requesters_would_read_unless_it_is_asked_for(store, people):
    assert not store.caps.notes
    before = store.fetch(people.file("Quiet", "Тихо"))
    assert store.apply(make_delivery(before, {"queue": "Network"}, note="Our reasons")).result is DeliveryResult.APPLIED
    assert len(people.shown(before.ref)["messages"]) == 1


def test_fields_and_note_are_one_write_and_no_chat(noting, people):
    before = noting.fetch(people.file("Quiet", "Тихо"))
    delivery = make_delivery(before, {"queue": "Network", "priority": "high"}, note="Причины")
    assert noting.apply(delivery).result is DeliveryResult.APPLIED
    shown = people.shown(before.ref)
    assert (shown["status"]["name"], len(shown["messages"])) == ("unread", 2)
    assert people.notes(before.ref) == [f"Причины\n\n{delivery.marker}"]
    assert noting.fetch(before.ref).markers == {delivery.id}
    # What the classic tracker does with a message that says nothing of the status.
    people.say(before.ref, "Смотрю")
    assert people.shown(before.ref)["status"]["name"] == "chatting"


def test_a_note_that_was_cut_off_is_left_once_and_changes_nothing_else(noting, people):
    ref = people.file("Cut off")
    before = noting.fetch(ref)
    people.set(ref, "queue", "Network")
    cut_off = Delivery(id=new_id(), ref=ref, set={"queue": "Network"}, expect={"queue": "Inbox"}, begun=True)
    for _ in range(2):
        assert noting.apply(cut_off).result is DeliveryResult.ALREADY_APPLIED
    assert people.notes(ref) == [cut_off.marker]
    assert (noting.fetch(ref).status, before.status) == ("new", "new")


def test_an_issue_that_was_only_commented_on_meanwhile_is_still_written(noting, people, monkeypatch):
    before = noting.fetch(people.file("Race"))
    expect = {"queue": "Inbox"}
    delivery = Delivery(id=new_id(), ref=before.ref, set={"queue": "Network"}, expect=expect)
    between(noting, monkeypatch, lambda ref: people.say(ref, "Смотрю"))
    assert noting.apply(delivery).result is DeliveryResult.APPLIED
    assert len(people.shown(before.ref)["messages"]) == 2
    assert people.notes(before.ref) == [delivery.marker]


def test_what_a_person_sets_in_the_same_moment_stands(store, people, monkeypatch):
    before = store.fetch(people.file("Race"))
    between(store, monkeypatch, lambda ref: people.set(ref, "queue", "Billing"))
    assert (
        store.apply(make_delivery(before, {"queue": "Network", "priority": "high"})).result is DeliveryResult.CONFLICT
    )
    now = store.fetch(before.ref)
    assert (now.queue, now.priority, now.last_change_by_deskyard) == ("Billing", before.priority, False)


def test_a_second_write_on_the_same_version_is_refused(store, people):
    store.catalogue()
    before = store.fetch(people.file("Twice"))
    store.write(before, {"queue": "Network"}, Delivery(id=new_id(), ref=before.ref))
    with pytest.raises(StoreConflict):
        store.write(before, {"queue": "Billing"}, Delivery(id=new_id(), ref=before.ref))
    assert store.fetch(before.ref).queue == "Network"


def test_one_bad_value_leaves_all_others_as_they_were(store, people, monkeypatch):
    store.catalogue()
    before = store.fetch(people.file("Half"))
    monkeypatch.setitem(store._numbers["user"], "ghost", "99999")
    with pytest.raises(StoreRefused):
        store.write(before, {"priority": "high", "assignee": "ghost"}, Delivery(id=new_id(), ref=before.ref))
    assert store.fetch(before.ref).version == before.version


def test_an_agent_is_taken_away_though_roundup_ignores_null(store, people):
    ref = people.file("Taken")
    assert (
        store.apply(make_delivery(store.fetch(ref), {"assignee": "alice", "priority": "low"})).result
        is DeliveryResult.APPLIED
    )
    changes = {"assignee": None, "priority": None}
    assert store.apply(make_delivery(store.fetch(ref), changes)).result is DeliveryResult.APPLIED
    assert store.fetch(ref).differing(changes) == {}


def test_names_of_digits_and_in_cyrillic_are_names(store, people):
    ref = people.file("Names")
    for changes in ({"queue": "7", "assignee": "104233"}, {"queue": "Сеть и связь"}):
        assert store.apply(make_delivery(store.fetch(ref), changes)).result is DeliveryResult.APPLIED
        assert store.fetch(ref).differing(changes) == {}


def test_an_issue_under_several_keywords_is_left_to_a_person(stores, classic_desk):
    people, store = classic_desk.harness.set_as_person.__self__, stores(classic_desk.url)
    ref = people.file("Two")
    people.put(ref, {"keyword": [people.number("keyword", name) for name in ("Network", "Billing")]})
    before = store.fetch(ref)
    outcome = store.apply(make_delivery(before, {"queue": "Inbox", "priority": "high"}))
    assert (outcome.result, before.queue) == (DeliveryResult.REJECTED, "Billing + Network")
    assert "several" in outcome.reasons["queue"]
    assert store.fetch(ref).version == before.version


def test_categories_and_tags_are_properties_of_the_issue(stores, queue_desk):
    people, store = queue_desk.harness.set_as_person.__self__, stores(queue_desk.url)
    before = store.fetch(people.file("Fields"))
    people.put(before.ref, {"keyword": [people.number("keyword", "vip")]})
    delivery = Delivery(
        id=new_id(), ref=before.ref, set={"category": "Связь"}, expect={"category": None}, add_tags=("сеть",)
    )
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    now = store.fetch(before.ref)
    assert (now.category, now.tags) == ("Связь", {"vip", "сеть"})
    unknown = Delivery(id=new_id(), ref=before.ref, add_tags=("no such",))
    assert store.apply(unknown).result is not DeliveryResult.APPLIED
    assert store.catalogue().categories == ("invoice", "vpn", "Связь")
    assert "req" not in store.catalogue().agents


def test_every_priority_there_has_one_of_ours_and_the_address_may_say_otherwise(stores, desk, people):
    store = stores(desk.url)
    assert store.catalogue().priorities == ("low", "medium", "high", "critical")
    ref = people.file("Feature")
    people.put(ref, {"priority": people.number("priority", "feature")})
    assert store.fetch(ref).priority == "low"
    other = stores(f"{desk.url}&priorities=medium:feature,high:critical")
    assert other.fetch(ref).priority == "medium"
    assert other.catalogue().priorities == ("medium", "high")


def test_a_list_shows_the_same_as_one_issue_alone(store, people):
    refs = [people.file("Одна", "Текст"), people.file("Two"), people.file("Three", "x")]
    people.set(refs[0], "priority", "high")
    found = store.fetch_many([*refs, "9999999"])
    assert set(found) == set(refs)
    for ref, one in found.items():
        alone = store.fetch(ref)
        assert (one.ticket, one.version, one.queue, one.last_change_by_deskyard) == (
            alone.ticket,
            alone.version,
            alone.queue,
            alone.last_change_by_deskyard,
        )
    assert found[refs[0]].ticket.body == "Текст"
    assert found[refs[0]].ticket.requester == "req"


def test_an_issue_filed_without_a_word_stays_without_one(store, people):
    ref = people.file("Silent")
    before = store.fetch(ref)
    time.sleep(1.1)
    people.say(ref, "Что случилось?")
    now = store.fetch(ref)
    assert (now.ticket, now.ticket.body) == (before.ticket, "")
    assert now.version != before.version


def test_a_history_of_150_issues_comes_whole_in_pages_of_50_with_its_bodies(store, people):
    _, cursor = pull_all(store, None, 50)
    people.file("Warm up", "x")
    with ThreadPoolExecutor(3) as pool:
        refs = list(pool.map(lambda n: people.file(f"Заявка {n}", f"Текст заявки № {n}"), range(150)))
    found, _ = pull_all(store, cursor, 50)
    bodies = {one.ref: one.ticket.body for one in found}
    assert [bodies.get(ref) for ref in refs] == [f"Текст заявки № {n}" for n in range(150)]


def test_a_retired_issue_is_not_pulled(store, people):
    refs = [people.file("Stays"), people.file("Retired")]
    people.kinds["issue", "Retired"] = refs[1]
    people.retire("issue", "Retired")
    assert set(store.fetch_many(refs)) == {refs[0]}


def test_a_wrong_password_is_told_from_everything_else(stores, desk):
    wrong = stores(desk.url.replace("routerpass", "wrongpass"))
    with pytest.raises(AccessDenied):
        wrong.fetch("1")
    health = wrong.health()
    assert not health.ok
    assert "wrongpass" not in str(health)


def test_a_name_is_no_issue(store):
    with pytest.raises(NotFound):
        store.fetch("1/../../data/user/1")


def test_nothing_is_pulled_in_another_time_zone_than_utc(store, people):
    number = people.number("user", "router")

    def set_zone(zone):
        etag = people.ask("router", "GET", f"/user/{number}")["@etag"]
        people.ask("router", "PUT", f"/user/{number}", json={"timezone": zone}, headers={"If-Match": etag})

    set_zone("-3")
    try:
        with pytest.raises(AccessDenied, match="UTC"):
            store.pull(None, 10)
        assert any("UTC" in raised for raised in store.health().missing)
    finally:
        set_zone("UTC")
    assert store.health().ok


def test_without_origin_roundup_refuses_every_write(people):
    with pytest.raises(httpx2.HTTPStatusError, match="400"):
        people.ask("alice", "POST", "/msg", json={"content": "x"}, headers={"Origin": ""})


def test_a_class_that_is_not_there_is_named(stores, desk):
    assert any("'team'" in raised for raised in stores(f"{desk.url}&queue=team").health().missing)


def test_our_detector_tells_of_a_persons_change_and_of_ours(stores, queue_desk, caught):
    people, store = queue_desk.harness.set_as_person.__self__, stores(queue_desk.url)
    time.sleep(1.5)
    caught.forget()
    ref = people.file("Hook")
    people.set(ref, "priority", "high")
    assert store.apply(make_delivery(store.fetch(ref), {"queue": "Network"})).result is DeliveryResult.APPLIED
    calls = caught.wait_for(3)
    events = [event for headers, raw in calls for event in store.parse_webhook(headers, raw, datetime.now(UTC))]
    assert sorted((event.ref, event.by_deskyard) for event in events) == [(ref, False), (ref, False), (ref, True)]
    assert len({event.id for event in events}) == 3
    assert {headers["X-Deskyard-Secret"] for headers, _ in calls} == {HOOK_SECRET}


def fetch_until_refused(store, ref):
    for _ in range(60):
        store.fetch(ref)


def test_a_true_429_is_kept_to_and_the_delivery_is_written_once():
    with stand("", "queue", calls=30) as desk:
        people, store = desk.harness.set_as_person.__self__, open_store(f"{desk.url}&notes=on")
        try:
            delivery = make_delivery(store.fetch(people.file("Slow")), {"queue": "Network"}, note="Once")
            with pytest.raises(StoreUnreachable, match="429") as raised:
                fetch_until_refused(store, delivery.ref)
            assert 0 < raised.value.retry_after <= 60
            time.sleep(raised.value.retry_after)
            store.fetch(delivery.ref)
            outcome = store.apply(delivery)
            waits = []
            while outcome.result is DeliveryResult.RETRY_LATER and len(waits) < 6:
                assert 0 < outcome.retry_after <= 60
                # As the service does: as long as it was asked to, and longer each time.
                waits.append(max(outcome.retry_after, 2.0 ** (len(waits) + 1)))
                time.sleep(waits[-1])
                outcome = store.apply(delivery)
            assert waits
            assert outcome.result in (DeliveryResult.APPLIED, DeliveryResult.ALREADY_APPLIED)
            assert people.notes(delivery.ref) == [f"Once\n\n{delivery.marker}"]
        finally:
            store.close()
