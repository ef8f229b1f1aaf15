"""Znuny 6.5 as Debian packages it keeps the contract, and what only trying it tells."""

import re
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deskyard.connectors import Delivery, DeliveryResult, open_store
from deskyard.errors import AccessDenied, BadInput, BadSignature, NotFound
from deskyard.testing import CASES
from deskyard.testing.harness import make_delivery, new_id, pull_all
from tests.fakes.serving import served
from tests.real.znuny_stand import BadLine, stand, url

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def webhooks(hook_port):
    """What Znuny posts, as (headers, body); to our invoker the answer gives orders, which Znuny's own would obey."""
    message = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            message.append((dict(self.headers), raw))
            answer = b'{"OTRS_TicketQueueSet": "Junk"}' if self.path == "/v1/hooks/znuny" else b'{"events": 1}'
            self.send_response(202)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", hook_port), Door) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield message
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def desk(webhooks, hook_port):
    with stand(f"http://127.0.0.1:{hook_port}/v1/hooks/znuny") as one:
        yield one


@pytest.fixture(scope="module")
def people(desk):
    return desk.people


@pytest.fixture(scope="module")
def store(desk):
    opened = open_store(desk.url)
    yield opened
    opened.close()


@pytest.fixture
def opened(desk):
    """A store at the same Znuny with another login or other options."""
    made = []

    def at(**options):
        made.append(open_store(url(options.pop("address", desk.address), **options)))
        return made[-1]

    yield at
    for one in made:
        one.close()


@pytest.mark.parametrize("case", CASES)
def test_znuny_keeps_the_contract(case, store, desk):
    CASES[case](store, desk.harness)


def test_a_wrong_password_is_answered_with_200_and_still_no_answer(opened, people):
    wrong = opened(password="wrong")
    with pytest.raises(AccessDenied, match="login, password and rights"):
        wrong.fetch(people.file("VPN"))
    health = wrong.health()
    assert not health.ok
    assert "wrong" not in health.missing[0]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("{0}Nowhere", "answered 500"),
        ("{1}/otrs/index.pl/Webservice/Deskyard", "is not a web service of Znuny"),
    ],
)
def test_a_wrong_address_says_what_is_wrong(address, message, opened, desk):
    store = opened(address=address.format(desk.address, desk.address.partition("/otrs/")[0]))
    assert message in store.health().missing[0]


def test_an_operation_that_was_not_imported_is_named(store):
    with pytest.raises(BadInput, match=r"no operation Nothing: import Deskyard\.yml"):
        store._query("Nothing")


@pytest.mark.parametrize("ref", ["0", "-1", "1.0", "x", "2147483648", "99999999999999999", "1,2"])
def test_what_is_no_tickets_number_is_not_there(ref, store):
    with pytest.raises(NotFound):
        store.fetch(ref)


def test_a_half_bad_update_changes_nothing_at_all(store, people):
    ref = people.file("VPN")
    seen = store.fetch(ref)
    store.catalogue()
    people.ask("queue", name="Misc", valid=2)
    outcome = store.apply(make_delivery(seen, {"queue": "Misc", "priority": "high", "category": "vpn"}, note="Sorted."))
    assert outcome.result is DeliveryResult.REJECTED
    assert "Queue" in outcome.reasons["queue"]
    assert store.fetch(ref).version == seen.version
    assert people.notes(ref) == []
    assert "Misc" not in store.catalogue().queues


def test_fields_tags_and_note_are_one_call_and_one_change_each(opened, people):
    store = opened(tags="Tags")
    ref = people.file("VPN")
    changes = {"queue": "Сеть::Филиалы", "assignee": "carl", "priority": "critical", "category": "доступ"}
    delivery = Delivery(
        id=new_id(), ref=ref, set=changes, add_tags=("vip", "ночь"), note="Разобрано.\nGründe: a < b & c"
    )
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    assert store.apply(delivery).result is DeliveryResult.ALREADY_APPLIED
    now = store.fetch(ref)
    assert not now.differing(changes)
    assert now.tags == {"vip", "ночь"}
    assert people.notes(ref) == [delivery.full_note]
    ours = [kind for kind, by in people.moves(ref) if by == 2]
    assert sorted(ours) == sorted(
        ["Move", "OwnerUpdate", "PriorityUpdate", "AddNote", "TicketDynamicFieldUpdate", "TicketDynamicFieldUpdate"]
    )
    assert people.ask("ticket", ref=ref)["Lock"] == "lock"
    released = make_delivery(now, {"assignee": None, "category": None})
    assert store.apply(released).result is DeliveryResult.APPLIED
    assert people.ask("ticket", ref=ref)["Lock"] == "unlock"


def test_tags_in_a_field_of_fixed_values_are_added_and_unknown_ones_refused(opened, people):
    store = opened(tags="Labels")
    assert store.health().ok
    ref = people.file("VPN")
    good = Delivery(id=new_id(), ref=ref, set={"queue": "Network"}, add_tags=("vip", "night"))
    assert store.apply(good).result is DeliveryResult.APPLIED
    assert store.fetch(ref).tags == {"vip", "night"}
    seen = store.fetch(ref)
    bad = Delivery(id=new_id(), ref=ref, set={"queue": "Billing"}, add_tags=("unheard of",))
    outcome = store.apply(bad)
    assert outcome.result in (DeliveryResult.REJECTED, DeliveryResult.CONFLICT)
    assert "DynamicField" in outcome.reasons["add_tags"]
    assert store.fetch(ref).version == seen.version


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"category": "Nothing"}, "no valid dynamic field 'Nothing'"),
        ({"category": "Labels"}, "of type Multiselect"),
        ({"tags": "Nothing"}, "no valid dynamic field 'Nothing'"),
        ({"priorities": "low:2%20low,high:9%20burning"}, "no valid priority 9 burning"),
        ({"login": "dora", "password": "dora-pass"}, "may work in no queue"),
    ],
)
def test_what_is_missing_is_said(options, message, opened):
    health = opened(**options).health()
    assert message in " ".join(health.missing)


def test_a_category_that_is_free_text_takes_any_text(opened, people):
    store = opened(category="Kind")
    ref = people.file("VPN")
    assert store.catalogue().categories is None
    assert store.apply(make_delivery(store.fetch(ref), {"category": "вчера, VPN"})).result is DeliveryResult.APPLIED
    assert store.fetch(ref).category == "вчера, VPN"


def test_a_category_that_the_field_does_not_have_is_refused(store, opened, people):
    ref = people.file("VPN")
    assert store.apply(make_delivery(store.fetch(ref), {"category": "nothing"})).result is DeliveryResult.REJECTED
    without = opened(category="")
    assert without.apply(make_delivery(without.fetch(ref), {"category": "vpn"})).result is DeliveryResult.UNSUPPORTED


def test_an_account_that_may_only_read_writes_nothing(opened, people):
    reader = opened(login="dora", password="dora-pass")
    ref = people.file("VPN")
    with pytest.raises(AccessDenied, match="permissions to update queue"):
        reader.write(reader.fetch(ref), {"queue": "Network"}, Delivery(id=new_id(), ref=ref))
    assert people.notes(ref) == []


def test_a_queue_that_our_account_may_not_enter_and_an_agent_who_may_own_nothing_are_not_offered(store):
    found = store.catalogue()
    assert "Board" not in found.queues
    assert "Сеть::Филиалы" in found.queues
    assert "dora" not in found.agents
    assert "router" not in found.agents
    assert "root@localhost" not in found.agents


def test_an_agent_is_absent_while_out_of_office(store, people):
    today = datetime.now(UTC).date()
    day = timedelta(days=1)
    people.ask("away", login="carl", first=str(today + 2 * day), last=str(today + 9 * day))
    store.invalidate_catalogue()
    assert "carl" in store.catalogue().agents
    people.ask("away", login="carl", first=str(today - 2 * day), last=str(today + 2 * day))
    store.invalidate_catalogue()
    assert "carl" not in store.catalogue().agents
    people.ask("away", login="carl", first=str(today - 9 * day), last=str(today - 2 * day))
    store.invalidate_catalogue()
    assert "carl" in store.catalogue().agents


def test_our_own_queue_move_comes_back_as_a_webhook_and_is_known(store, people, webhooks):
    secret_words = "nobody else's business"
    ref = people.file("VPN", secret_words)
    store.catalogue()
    webhooks.clear()
    assert store.apply(make_delivery(store.fetch(ref), {"queue": "Network"})).result is DeliveryResult.APPLIED
    people.set(ref, "queue", "Billing")
    now = datetime.now(UTC)
    events = [event for headers, raw in webhooks for event in store.parse_webhook(headers, raw, now)]
    assert [(event.ref, event.by_deskyard) for event in events] == [(ref, True), (ref, False)]
    assert len({event.id for event in events}) == 2
    assert all(secret_words.encode() not in raw and b"example.test" not in raw for _, raw in webhooks)
    assert store.fetch(ref).queue == "Billing"
    with pytest.raises(BadSignature):
        store.parse_webhook({**webhooks[0][0], "X-Deskyard-Secret": "guessed"}, webhooks[0][1], now)


def test_a_new_ticket_is_told_by_webhook(store, people, webhooks):
    webhooks.clear()
    ref = people.file("VPN")
    (event,) = [event for headers, raw in webhooks for event in store.parse_webhook(headers, raw, datetime.now(UTC))]
    assert (event.ref, event.by_deskyard) == (ref, False)


def test_znunys_own_invoker_is_understood_too(store, people, desk, webhooks, tmp_path):
    console = ["perl", desk.home / "bin" / "otrs.Console.pl"]
    message = (desk.home.parent / "Deskyard.yml").read_text()
    source = tmp_path / "Vendor.yml"
    source.write_text(message.replace("Deskyard::Event", "Ticket::Generic").replace("/v1/hooks/znuny", "/vendor"))
    add = [*console, "Admin::WebService::Add", "--name", "Vendor", "--source-path", source, "--allow-root"]
    subprocess.run(add, check=True, capture_output=True)
    ref = people.file("VPN", "words of the requester")
    webhooks.clear()
    people.set(ref, "queue", "Network")
    both = [store.parse_webhook(headers, raw, datetime.now(UTC)) for headers, raw in webhooks]
    assert [event.ref for (event,) in both] == [ref, ref]
    assert any(b"words of the requester" in raw for _, raw in webhooks)
    listed = subprocess.run([*console, "Admin::WebService::List", "--allow-root"], check=True, capture_output=True)
    number = re.search(rb"Vendor[^0-9]+([0-9]+)", listed.stdout)[1].decode()
    delete = [*console, "Admin::WebService::Delete", "--webservice-id", number, "--allow-root"]
    subprocess.run(delete, check=True, capture_output=True)


def test_a_big_cyrillic_ticket_is_read_whole(store, people):
    body = "Не работает VPN: «ошибка 809», ß ≠ ss 🙂\n" * 5_000
    seen = store.fetch(people.file("Сеть: ошибка № 1", body, "Сеть::Филиалы"))
    assert seen.ticket.subject == "Сеть: ошибка № 1"
    assert seen.ticket.body.strip() == body.strip()
    assert seen.queue == "Сеть::Филиалы"
    assert store.apply(make_delivery(seen, {"queue": "Network"}, note="Ж" * 20_000)).result is DeliveryResult.APPLIED


def test_an_html_mail_is_a_ticket_with_its_sender_and_its_text(store, people):
    mail = (
        "From: Анна <anna@customer.example>\nTo: support@example.test\nSubject: VPN drops\n"
        "Message-ID: <1@customer.example>\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
        "<html><body><p>Seit <b>heute</b> &lt;VPN&gt; weg: привет</p></body></html>\n"
    )
    ticket = store.fetch(str(people.ask("mail", mail=mail))).ticket
    assert (ticket.subject, ticket.requester, ticket.channel) == ("VPN drops", "anna@customer.example", "email")
    assert "<VPN> weg: привет" in ticket.body
    assert "<p>" not in ticket.body


def test_a_closed_ticket_is_read_as_closed_and_written_without_being_locked(store, people):
    ref = people.file("VPN")
    people.set(ref, "status", "closed")
    seen = store.fetch(ref)
    assert seen.status == "closed"
    assert store.apply(make_delivery(seen, {"queue": "Network", "assignee": "alice"})).result is DeliveryResult.APPLIED
    assert people.ask("ticket", ref=ref)["Lock"] == "unlock"
    assert store.fetch(ref).status == "closed"


def test_a_ticket_stays_as_it_was_filed_whatever_is_done_to_it(store, people):
    ref = people.file("VPN", "It drops.")
    before = store.fetch(ref).ticket
    older = people.file("Older", "From another ticket.", at=datetime.now(UTC) - timedelta(days=3))
    people.set(ref, "title", "Retitled")
    people.ask("article", ref=ref, who="alice", SenderType="agent", Subject="Re: VPN", Body="Have you tried?")
    people.ask("merge", ref=older, into=ref)
    assert store.fetch(ref).ticket == before
    assert before.created_at is not None
    assert abs(before.created_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert (before.organisation, before.requester) == ("acme", "req@example.test")
    assert store.fetch(older).status == "closed"


def test_a_marker_that_a_requester_quotes_is_not_believed(store, people):
    ref = people.file("VPN")
    delivery = make_delivery(store.fetch(ref), {"queue": "Network"})
    people.ask("article", ref=ref, who="alice", Subject="Re: VPN", Body=f"> {delivery.marker}")
    assert store.apply(delivery).result is DeliveryResult.APPLIED


def test_the_history_tells_who_changed_what(store, people):
    ref = people.file("VPN")
    assert (
        store.apply(make_delivery(store.fetch(ref), {"category": "vpn", "assignee": "alice"})).result
        is DeliveryResult.APPLIED
    )
    people.set(ref, "assignee", "carl")
    people.set(ref, "priority", "critical")
    people.set(ref, "category", "invoice", who="carl")
    people.set(ref, "status", "closed", who="carl")
    message = [(move.actor, move.field, move.was, move.became, move.by_deskyard) for move in store.fetch_moves(ref)]
    assert sorted(message[:2]) == [
        ("router", "assignee", None, "alice", True),
        ("router", "category", None, "vpn", True),
    ]
    assert message[2:] == [
        ("alice", "assignee", "alice", "carl", False),
        ("alice", "priority", "medium", "critical", False),
        ("carl", "category", "vpn", "invoice", False),
        ("carl", "status", "new", "closed", False),
    ]
    assert store.fetch(ref).set_by_people == {"assignee", "priority", "category", "status"}
    assert all(abs(move.at - datetime.now(UTC)) < timedelta(minutes=5) for move in store.fetch_moves(ref))


def test_what_an_automatic_rule_sets_is_no_persons_word(store, people):
    ref = people.file("VPN")
    people.set(ref, "queue", "Billing", who="root@localhost")
    seen = store.fetch(ref)
    assert seen.set_by_people == frozenset()
    assert store.apply(make_delivery(seen, {"queue": "Network"})).result is DeliveryResult.APPLIED


@pytest.mark.parametrize(("field", "ours", "theirs"), [("queue", "Network", "Billing"), ("assignee", "alice", "carl")])
def test_a_person_in_the_very_moment_of_our_write_wins(field, ours, theirs, store, people, monkeypatch):
    ref = people.file("VPN")
    seen, write, met = store.fetch(ref), store.write, []

    def a_moment_after_a_person(asked, values, delivery):
        if not met:
            met.append(people.set(ref, field, theirs))
        return write(asked, values, delivery)

    monkeypatch.setattr(store, "write", a_moment_after_a_person)
    outcome = store.apply(make_delivery(seen, {field: ours}, note="Sorted."))
    assert outcome.result is DeliveryResult.CONFLICT
    assert store.fetch(ref).value(field) == theirs
    assert len(people.notes(ref)) == 1


def test_people_and_machine_at_once_never_leave_a_persons_word_overwritten(store, people):
    for n in range(6):
        ref = people.file(f"race {n}")
        delivery = make_delivery(store.fetch(ref), {"queue": "Network"})
        with ThreadPoolExecutor(1) as pool:
            person = pool.submit(lambda ref=ref, n=n: time.sleep(0.12 * n) or people.set(ref, "queue", "Billing"))
            outcome = store.apply(delivery)
            person.result()
        assert store.fetch(ref).queue == "Billing", outcome


@pytest.mark.parametrize("fault", ["hang", "cut", "broken"])
def test_a_silence_after_the_write_never_leads_to_a_second_one(fault, opened, people, desk):
    site, _, path = desk.address.partition("/otrs/")
    line = BadLine(site)
    line.patience = 3.0
    with served(line) as base:
        store = opened(address=f"{base}/otrs/{path}")
        store.http._client.timeout = 2.0
        ref = people.file("VPN")
        delivery = make_delivery(store.fetch(ref), {"queue": "Network"}, note="Sorted.")
        line.waiting = [fault]
        store.apply(delivery)
        assert line.met[fault] == 1
        assert store.apply(delivery).result in (DeliveryResult.ALREADY_APPLIED, DeliveryResult.APPLIED)
    assert [kind for kind, by in people.moves(ref) if by == 2] == ["Move", "AddNote"]
    assert len(people.notes(ref)) == 1


def test_a_delivery_that_was_cut_off_before_its_note_gets_its_note_once(store, people):
    ref = people.file("VPN")
    people.set(ref, "queue", "Network", who="router")
    cut_off = Delivery(id=new_id(), ref=ref, set={"queue": "Network"}, expect={"queue": "Raw"}, begun=True)
    assert store.apply(cut_off).result is DeliveryResult.ALREADY_APPLIED
    assert store.apply(cut_off).result is DeliveryResult.ALREADY_APPLIED
    assert people.notes(ref) == [cut_off.marker]


def test_a_history_of_150_tickets_comes_in_pages_of_50_with_their_bodies(store, people):
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
    refs = [people.file(f"old {n}", f"body {n}", at=at + timedelta(seconds=n // 7)) for n in range(150)]
    began = time.monotonic()
    found, _ = pull_all(store, store.cursor_at(at), 50)
    took = time.monotonic() - began
    by_ref = {one.ref: one for one in found}
    assert set(refs) <= by_ref.keys()
    assert [by_ref[ref].ticket.body.strip() for ref in refs] == [f"body {n}" for n in range(150)]
    assert len(found) == len(by_ref)
    print(f"{len(found)} tickets in {took:.1f} s")


def test_a_ticket_that_goes_away_while_a_page_is_read_takes_no_other_with_it(store, people):
    refs = [people.file("VPN") for _ in range(3)]
    people.set(refs[1], "queue", "Board", who="root@localhost")
    assert set(store.fetch_many(refs)) == {refs[0], refs[2]}
