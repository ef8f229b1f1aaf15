"""Request Tracker 5, as Debian packages it, keeps the contract; and what only trying it tells."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.message import EmailMessage

import httpx2
import pytest

from deskyard.connectors import Delivery, DeliveryResult, open_store
from deskyard.errors import AccessDenied, NotFound, StoreConflict
from deskyard.testing import CASES
from deskyard.testing.harness import make_delivery, new_id, pull_all
from tests.fakes.stores import between
from tests.real.catcher import catching
from tests.real.conftest import HOOK_SECRET
from tests.real.rt_stand import stand

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def caught(hook_port):
    with catching(hook_port) as calls:
        yield calls


@pytest.fixture(scope="module")
def desk(caught, hook_port):
    with stand(f"http://127.0.0.1:{hook_port}/hooks/rt") as one:
        yield one


@pytest.fixture(scope="module")
def people(desk):
    return desk.harness.set_as_person.__self__


@pytest.fixture(scope="module")
def store(desk):
    opened = open_store(desk.url)
    yield opened
    opened.close()


@pytest.mark.parametrize("case", CASES)
def test_request_tracker_keeps_the_contract(case, store, desk):
    CASES[case](store, desk.harness)


def test_a_half_refused_update_is_told_as_partial_and_by_field(store, people):
    number = people.ask("root", "POST", "/queue", json={"Name": "Doomed", "CorrespondAddress": ""})["id"]
    store.invalidate_catalogue()
    before = store.fetch(people.file("Half"))
    assert "Doomed" in store.catalogue().queues
    people.ask("root", "PUT", f"/queue/{number}", json={"Disabled": 1})
    outcome = store.apply(make_delivery(before, {"queue": "Doomed", "priority": "high"}, note="Both or none?"))
    assert (outcome.result, set(outcome.reasons)) == (DeliveryResult.PARTIAL, {"queue"})
    assert "queue" in outcome.reasons["queue"].lower()
    now = store.fetch(before.ref)
    assert (now.queue, now.priority, len(now.markers)) == ("General", "high", 1)


def test_an_agent_of_the_new_queue_alone_gets_the_ticket_with_its_queue(store, people):
    before = store.fetch(people.file("Rechnung"))
    assert not store.catalogue().serves("carl", "General")
    outcome = store.apply(make_delivery(before, {"queue": "Billing", "assignee": "carl", "priority": "medium"}))
    assert outcome.result is DeliveryResult.APPLIED, outcome.reasons
    refused = store.apply(make_delivery(store.fetch(before.ref), {"queue": "Network"}))
    assert refused.result is DeliveryResult.APPLIED
    # RT takes a ticket from an owner who may not own it in its new queue; that is neither ours nor a person's doing.
    now = store.fetch(before.ref)
    assert (now.queue, now.assignee, now.last_change_by_deskyard, now.set_by_people) == (
        "Network",
        None,
        True,
        frozenset(),
    )
    assert store.apply(make_delivery(now, {"assignee": "carl"})).result is DeliveryResult.REJECTED


def test_a_login_of_digits_is_that_agent_and_no_number_of_rt(store, people):
    payload = {"Name": "104233", "EmailAddress": "number@example.test", "Privileged": 1}
    people.ask("root", "POST", "/user", json=payload)
    groups = people.ask("root", "POST", "/groups", json=[{"field": "Name", "value": "Agents"}])["items"]
    numbers = people.ask("root", "POST", "/users?fields=id,Name", json=[{"field": "Name", "value": "104233"}])["items"]
    people.ask("root", "PUT", f"/group/{groups[0]['id']}/members", json=[str(numbers[0]["id"])])
    store.invalidate_catalogue()
    before = store.fetch(people.file("To a number"))
    assert store.apply(make_delivery(before, {"assignee": "104233"})).result is DeliveryResult.APPLIED
    assert store.fetch(before.ref).assignee == "104233"


def test_a_ticket_that_was_only_commented_on_meanwhile_is_still_written(store, people, monkeypatch):
    before = store.fetch(people.file("Race"))
    payload = {"Content": "Смотрю.", "ContentType": "text/plain"}
    between(store, monkeypatch, lambda ref: people.ask("alice", "POST", f"/ticket/{ref}/comment", json=payload))
    assert store.apply(make_delivery(before, {"queue": "Network"}, note="n")).result is DeliveryResult.APPLIED
    people_and_we = [who for kind, _, who in people.steps(before.ref) if kind in ("Comment", "Set")]
    assert people_and_we == ["alice", "router", "router"]


def test_what_a_person_sets_in_the_same_moment_stands(store, people, monkeypatch):
    before = store.fetch(people.file("Race"))
    between(store, monkeypatch, lambda ref: people.set(ref, "queue", "Billing", who="alice"))
    outcome = store.apply(make_delivery(before, {"queue": "Network", "priority": "high"}))
    assert outcome.result is DeliveryResult.CONFLICT
    now = store.fetch(before.ref)
    assert (now.queue, now.priority, now.set_by_people) == ("Billing", "low", {"queue"})
    assert [step for step in people.steps(before.ref) if step[2] == "router"] == []


def test_of_two_writes_at_once_one_is_refused(store, people):
    store.catalogue()
    before = store.fetch(people.file("Race"))
    start = threading.Barrier(2)

    def write(queue):
        start.wait()
        try:
            store.write(before, {"queue": queue}, Delivery(id=new_id(), ref=before.ref))
        except StoreConflict:
            return None
        return queue

    with ThreadPoolExecutor(2) as pool:
        written = [queue for queue in pool.map(write, ["Network", "Billing"]) if queue]
    assert written == [store.fetch(before.ref).queue]


def test_a_comment_alone_makes_another_version_and_pages_tell_the_same_version(store, people):
    ref = people.file("Version")
    first = store.fetch(ref)
    payload = {"Content": "hm", "ContentType": "text/plain"}
    people.ask("alice", "POST", f"/ticket/{ref}/comment", json=payload)
    now = store.fetch(ref)
    assert int(now.version) > int(first.version)
    paged = store.fetch_many([ref])[ref]
    assert (paged.version, paged.ticket, paged.queue, paged.last_change_by_deskyard) == (
        now.version,
        now.ticket,
        now.queue,
        now.last_change_by_deskyard,
    )


def test_a_ticket_stays_as_it_was_filed_whatever_is_done_to_it(store, people):
    ref = people.file("Не работает VPN", "Добрый день!\nVPN не подключается — ошибка 809.")
    before = store.fetch(ref)
    assert (before.ticket.subject, before.ticket.requester) == ("Не работает VPN", "req")
    assert before.ticket.body == "Добрый день!\nVPN не подключается — ошибка 809."
    people.ask("alice", "PUT", f"/ticket/{ref}", json={"Subject": "VPN 809", "Status": "stalled"})
    people.ask("alice", "POST", f"/ticket/{ref}/correspond", json={"Content": "Ответ", "ContentType": "text/plain"})
    now = store.fetch(ref)
    assert (now.ticket, now.status) == (before.ticket, "waiting")


def test_a_mail_in_two_forms_with_a_file_is_read_as_its_plain_text(store, people):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ольга <olga@example.test>", "rt@example.test", "Счёт № 7"
    mail.set_content("Пришлите, пожалуйста, счёт.\n")
    mail.add_alternative("<p>Пришлите, пожалуйста, <b>счёт</b>.</p>", subtype="html")
    mail.add_attachment(b"x" * 100_000, maintype="application", subtype="pdf", filename="счёт.pdf")
    mail.add_attachment("a line\n" * 10_000, filename="log.txt")
    site = people.base.partition("/REST")[0]
    form = {"queue": "General", "action": "correspond", "SessionType": "REST", "message": mail.as_string()}
    httpx2.post(f"{site}/REST/1.0/NoAuth/mail-gateway", data=form, timeout=30).raise_for_status()
    found = people.ask("root", "GET", "/tickets", params={"query": "Subject = 'Счёт № 7'"})["items"]
    ticket = store.fetch(str(found[0]["id"])).ticket
    assert (ticket.subject, ticket.body.strip()) == ("Счёт № 7", "Пришлите, пожалуйста, счёт.")
    assert (ticket.requester, ticket.channel) == ("olga@example.test", "email")


def test_categories_and_tags_are_custom_fields(store, people):
    before = store.fetch(people.file("Fields"))
    changes = {"category": "Сеть и связь", "queue": "Network"}
    delivery = Delivery(
        id=new_id(),
        ref=before.ref,
        set=changes,
        expect={"category": None, "queue": "General"},
        add_tags=("vip", "сеть"),
    )
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    now = store.fetch(before.ref)
    assert (now.category, now.tags) == ("Сеть и связь", {"vip", "сеть"})
    assert store.catalogue().categories == ("invoice", "vpn", "Сеть и связь")
    emptied = store.apply(make_delivery(now, {"category": None}))
    assert (emptied.result, store.fetch(before.ref).category) == (DeliveryResult.APPLIED, None)
    assert store.apply(make_delivery(now, {"category": "no such"})).result is DeliveryResult.REJECTED


def test_a_queue_without_the_field_takes_the_rest_and_says_so(store, people):
    people.ask("root", "POST", "/queue", json={"Name": "Bare", "CorrespondAddress": ""})
    store.invalidate_catalogue()
    before = store.fetch(people.file("Fields"))
    outcome = store.apply(make_delivery(before, {"queue": "Bare", "category": "vpn"}))
    assert (outcome.result, set(outcome.reasons)) == (DeliveryResult.PARTIAL, {"category"})


def test_every_move_is_told_in_our_words(store, people):
    ref = people.file("Journey")
    assert (
        store.apply(make_delivery(store.fetch(ref), {"queue": "Billing", "assignee": "carl"})).result
        is DeliveryResult.APPLIED
    )
    people.set(ref, "priority", "high", who="alice")
    people.set(ref, "category", "invoice", who="alice")
    people.set(ref, "status", "stalled", who="alice")
    payload = [(move.field, move.was, move.became, move.actor, move.by_deskyard) for move in store.fetch_moves(ref)]
    assert payload == [
        ("queue", "General", "Billing", "router", True),
        ("assignee", None, "carl", "router", True),
        ("priority", "low", "high", "alice", False),
        ("category", None, "invoice", "alice", False),
        ("status", "new", "waiting", "alice", False),
    ]
    assert store.fetch(ref).set_by_people == {"priority", "category", "status"}


def test_critical_is_refused_where_rt_has_three_priorities_and_written_where_it_has_four(desk, store, people, opened):
    before = store.fetch(people.file("Fire"))
    assert store.apply(make_delivery(before, {"priority": "critical"})).result is DeliveryResult.REJECTED
    four = opened(desk.url + "&priorities=low:0,medium:30,high:60,critical:90")
    assert four.apply(make_delivery(four.fetch(before.ref), {"priority": "critical"})).result is DeliveryResult.APPLIED
    assert people.ask("alice", "GET", f"/ticket/{before.ref}")["Priority"] == "90"
    assert store.fetch(before.ref).priority == "medium"
    nothing = store.apply(make_delivery(store.fetch(before.ref), {"priority": None}))
    assert (nothing.result, set(nothing.reasons)) == (DeliveryResult.REJECTED, {"priority"})


def test_a_merged_ticket_is_not_there(store, people):
    old, new = people.file("Twin"), people.file("Twin")
    people.ask("root", "PUT", f"/ticket/{old}", json={"MergeInto": new})
    with pytest.raises(NotFound):
        store.fetch(old)
    assert set(store.fetch_many([old, new])) == {new}


def test_a_history_of_150_tickets_comes_whole_in_pages_of_50_with_its_bodies(store, people):
    _, cursor = pull_all(store, None, 50)
    with ThreadPoolExecutor(3) as pool:
        refs = list(pool.map(lambda n: people.file(f"Заявка {n}", f"Текст заявки № {n}"), range(150)))
    found, _ = pull_all(store, cursor, 50)
    bodies = {one.ref: one.ticket.body for one in found}
    assert [bodies.get(ref) for ref in refs] == [f"Текст заявки № {n}" for n in range(150)]


def test_a_wrong_token_is_told_from_everything_else(desk, opened):
    wrong = opened(re.sub(r"(router:1-\d+-)[0-9a-f]+", r"\g<1>" + "0" * 32, desk.url))
    with pytest.raises(AccessDenied):
        wrong.fetch("1")
    health = wrong.health()
    assert not health.ok
    assert "0" * 32 not in str(health)


def test_health_names_a_login_that_is_not_the_tokens_and_one_that_does_not_exist(desk, opened):
    other = opened(desk.url.replace("router:", "carl:")).health()
    assert any("does not belong to 'carl'" in payload for payload in other.missing), other.missing
    unknown = opened(desk.url.replace("router:", "nobodyhere:")).health()
    assert any("no user 'nobodyhere'" in payload for payload in unknown.missing), unknown.missing


def test_nothing_is_pulled_in_another_time_zone_than_utc(desk, store, people, opened):
    people.ask("root", "PUT", "/user/router", json={"Timezone": "America/New_York"})
    try:
        with pytest.raises(AccessDenied, match="UTC"):
            store.pull(None, 10)
        assert any("UTC" in payload for payload in store.health().missing)
    finally:
        people.ask("root", "PUT", "/user/router", json={"Timezone": "UTC"})
    assert store.health().ok


def test_a_password_does_for_a_token_and_missing_rights_and_fields_are_named(desk, people, opened):
    place = people.base.replace("://", "://carl:carlpass1@")
    poor = opened(f"rt:{place}?category=Kind")
    missing = " ".join(poor.health().missing)
    assert "UTC" in missing
    assert "CreateTicket" in missing or "SeeQueue" in missing
    assert "'Kind'" in missing


def test_our_scrip_tells_of_a_persons_change_and_of_ours(store, people, caught):
    caught.forget()
    ref = people.file("Hook")
    people.set(ref, "priority", "high", who="alice")
    assert store.apply(make_delivery(store.fetch(ref), {"queue": "Network"})).result is DeliveryResult.APPLIED
    calls = caught.wait_for(4)
    events = [event for headers, raw in calls for event in store.parse_webhook(headers, raw, datetime.now(UTC))]
    # Filed, set by alice, written by us, and our note.
    assert [(event.ref, event.by_deskyard) for event in events] == [
        (ref, False),
        (ref, False),
        (ref, True),
        (ref, True),
    ]
    assert len({event.id for event in events}) == 4
    assert {headers["X-Deskyard-Secret"] for headers, _ in calls} == {HOOK_SECRET}
