"""Zendesk passes the conformance suite, against a fake that reproduces the difficult behaviour in its documentation."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from deskyard.connectors import Delivery, DeliveryResult, open_store
from deskyard.connectors.zendesk.store import EXPORTS_PER_MINUTE, PUBLIC_TEST_SECRET, ZendeskStore
from deskyard.errors import AccessDenied, BadInput, BadSignature, NotFound
from deskyard.testing import CASES, StoreHarness
from deskyard.testing.harness import make_delivery, new_id, pull_all
from tests.fakes.serving import Faults, served
from tests.fakes.wire_check import Checked, described
from tests.fakes.zendesk import ANN, BILLING, BOB, HARDWARE, INBOX, KIND, NETWORK, REQ, SECRET, TOKEN, US, Zendesk
from tests.fakes.zendesk_api import api

TOO_MANY = {"Retry-After": "3", "X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "0", "ratelimit-reset": "37"}
GROUPS = {"Inbox": INBOX, "Network": NETWORK, "Billing": BILLING, "Hardware": HARDWARE}
AGENTS = {"ann@example.test": ANN, "bob@example.test": BOB}


@pytest.fixture
def desk():
    return Zendesk()


@pytest.fixture
def checked(desk):
    spoken = Checked(api(desk), described("zendesk"))
    yield spoken
    assert spoken.broken == []


@pytest.fixture
def faults(checked):
    return Faults(checked, TOO_MANY)


@pytest.fixture
def address(faults):
    with served(faults, date_header=False) as base:
        yield base.replace("http://", f"http://deskyard%40example.test:{TOKEN}@")


@pytest.fixture
def store(address):
    opened = open_store(f"zendesk:{address}?hook_secret={SECRET}&exports_per_minute=60000&category={KIND}")
    yield opened
    opened.close()


@pytest.fixture
def harness(desk) -> StoreHarness:
    desk.haste = 61

    def person_sets(ref, field, value):
        theirs = {"queue": ("group_id", GROUPS), "assignee": ("assignee_id", AGENTS)}.get(field, (field, {}))
        desk.change(ref, {theirs[0]: theirs[1].get(value, value)}, ANN)

    return StoreHarness(
        make_tickets=lambda n, at: [desk.file(at=at) for _ in range(n)],
        set_as_person=person_sets,
        read_notes=desk.notes,
        close_queue=lambda name: desk.groups[GROUPS[name]].update(deleted=True),
        make_absent=lambda name: desk.users[AGENTS[name]].update(suspended=True),
        make_webhook=desk.hook,
        start_queue="Inbox",
        queues=("Network", "Billing", "Hardware"),
        agents=("ann@example.test", "bob@example.test"),
    )


@pytest.mark.parametrize("case", CASES)
def test_zendesk_keeps_the_contract(case, store, harness):
    CASES[case](store, harness)


def test_one_put_carries_fields_and_note_and_the_second_that_it_is_based_on(desk, store):
    ref = desk.file()
    delivery = Delivery(
        id=new_id(),
        ref=ref,
        set={"queue": "Network", "assignee": "ann@example.test", "priority": "critical", "category": "Network"},
        expect={"queue": "Inbox"},
        note="Sorted.",
    )
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    assert [path for method, path, _ in desk.asked if method == "PUT"] == [f"/api/v2/tickets/{ref}"]
    row = desk.tickets[int(ref)]
    assert (row["group_id"], row["assignee_id"], row["priority"]) == (NETWORK, ANN, "urgent")
    assert row["custom_fields"][KIND] == "kind_network"
    assert desk.notes(ref) == [f"Sorted.\n\n{delivery.marker}"]


def test_a_ticket_is_read_as_it_was_filed_and_as_it_stands(desk, store):
    ref = desk.file("No paper", "The printer is empty.", at=datetime(2026, 3, 1, 8, 30, tzinfo=UTC))
    desk.change(ref, {"group_id": NETWORK, "assignee_id": ANN, "priority": "normal", KIND: "kind_printer"}, BOB)
    found = store.fetch(ref)
    assert found.ticket.created_at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    assert (found.ticket.subject, found.ticket.body) == ("No paper", "The printer is empty.")
    assert (found.ticket.requester, found.ticket.organisation) == ("req@example.test", "Acme")
    assert (found.ticket.channel, dict(found.ticket.fields)) == ("email", {"recipient": "help@example.test"})
    assert (found.queue, found.assignee, found.priority) == ("Network", "ann@example.test", "medium")
    assert (found.category, found.status) == ("Hardware::Printer", "open")
    assert found.set_by_people == {"queue", "assignee", "priority", "category", "status"}


def test_a_ticket_without_its_optional_fields_is_still_read(desk, store):
    desk.bare = True
    found = store.fetch(desk.file())
    assert (found.ticket.body, found.ticket.requester, found.queue) == ("", "", None)
    assert found.tags == frozenset()


def test_a_status_or_priority_that_nobody_knows_yet_breaks_nothing(desk, store):
    ref = desk.file(status="on_fire", priority="apocalyptic")
    found = store.fetch(ref)
    assert (found.status, found.priority) == ("open", None)


def test_the_fields_of_a_deleted_group_and_a_suspended_agent_keep_their_names(desk, store):
    ref = desk.file(group=HARDWARE)
    desk.change(ref, {"group_id": NETWORK, "assignee_id": BOB}, BOB)
    desk.groups[HARDWARE]["deleted"] = True
    desk.users[BOB]["suspended"] = True
    assert store.fetch(ref).assignee == "bob@example.test"
    assert {(move.field, move.was, move.became) for move in store.fetch_moves(ref)} >= {
        ("queue", "Hardware", "Network"), ("assignee", None, "bob@example.test")
    }  # fmt: skip


def test_groups_of_one_name_are_told_apart_and_routed_to(desk, store):
    desk.groups[105] = {"name": "Network", "deleted": False}
    assert {"Network #102", "Network #105"} <= set(store.catalogue().queues)
    ref = desk.file()
    assert store.apply(make_delivery(store.fetch(ref), {"queue": "Network #105"})).result is DeliveryResult.APPLIED
    assert desk.tickets[int(ref)]["group_id"] == 105


def test_light_agents_are_nobody_to_give_tickets_to(desk, store):
    desk.users[BOB]["role_type"] = 1
    assert set(store.catalogue().agents) == {"ann@example.test"}


def test_a_list_of_many_pages_is_read_to_its_end(desk, store):
    for n in range(250):
        desk.groups[1000 + n] = {"name": f"Team {n}", "deleted": False}
    assert len(store.catalogue().queues) == 254


# what was written


def test_an_assignee_whom_zendesk_silently_leaves_out_is_reported_and_the_rest_stands(desk, store):
    ref = desk.file()
    desk.drops = {"assignee_id"}
    outcome = store.apply(make_delivery(store.fetch(ref), {"queue": "Network", "assignee": "ann@example.test"}))
    assert outcome.result is DeliveryResult.PARTIAL
    assert set(outcome.reasons) == {"assignee"}
    assert store.fetch(ref).queue == "Network"


def test_an_error_in_an_answer_of_200_is_no_success(desk, store):
    ref = desk.file()
    desk.says = {"error": "RecordInvalid", "description": "Something is not right"}
    outcome = store.apply(make_delivery(store.fetch(ref), {"queue": "Network"}))
    assert (outcome.result, dict(outcome.reasons)) == (DeliveryResult.REJECTED, {"queue": "Something is not right"})
    assert desk.notes(ref) == []


def test_a_refusal_is_told_in_zendesks_words(desk, store, monkeypatch):
    ref = desk.file()
    seen = store.fetch(ref)
    store.catalogue()
    desk.groups[NETWORK]["deleted"] = True
    outcome = store.apply(make_delivery(seen, {"queue": "Network"}))
    assert (outcome.result, dict(outcome.reasons)) == (DeliveryResult.REJECTED, {"queue": "Group: is invalid"})


def test_a_closed_ticket_is_refused_before_anything_is_sent(desk, store):
    ref = desk.file(status="closed")
    outcome = store.apply(make_delivery(store.fetch(ref), {"queue": "Network"}))
    assert outcome.result is DeliveryResult.REJECTED
    assert "closed" in outcome.reasons["queue"]
    assert not any(method == "PUT" for method, _, _ in desk.asked)


def test_a_change_between_look_and_write_makes_zendesk_refuse_and_the_person_wins(desk, store, monkeypatch):
    ref = desk.file()
    seen = store.fetch(ref)
    write = store.write

    def and_before_it_a_person(*facts):
        if not desk.writes[ref, ANN]:
            desk.wait(2)
            desk.change(ref, {"group_id": BILLING}, ANN)
        return write(*facts)

    monkeypatch.setattr(store, "write", and_before_it_a_person)
    outcome = store.apply(make_delivery(seen, {"queue": "Network"}))
    assert (outcome.result, outcome.observed.queue) == (DeliveryResult.CONFLICT, "Billing")
    assert desk.writes[ref, US] == 0


def test_a_comment_between_look_and_write_costs_one_more_look(desk, store, monkeypatch):
    ref = desk.file()
    write, tried = store.write, []

    def and_before_it_a_comment(*facts):
        if not tried:
            desk.wait(2)
            desk.change(ref, {}, ANN, note="Looking into it.")
        tried.append(ref)
        return write(*facts)

    monkeypatch.setattr(store, "write", and_before_it_a_comment)
    assert store.apply(make_delivery(store.fetch(ref), {"queue": "Network"})).result is DeliveryResult.APPLIED
    assert len(tried) == 2


def test_what_a_person_set_in_the_very_second_of_our_look_is_given_back(desk, store, monkeypatch):
    at = desk.now()
    monkeypatch.setattr(desk, "now", lambda: at)
    ref = desk.file()
    seen = store.fetch(ref)
    write = store.write

    def and_before_it_a_person(*facts):
        if not desk.writes[ref, ANN]:
            desk.change(ref, {"group_id": BILLING}, ANN)
        return write(*facts)

    monkeypatch.setattr(store, "write", and_before_it_a_person)
    outcome = store.apply(make_delivery(seen, {"queue": "Network"}))
    assert outcome.result is DeliveryResult.CONFLICT
    assert desk.tickets[int(ref)]["group_id"] == BILLING
    assert len(desk.notes(ref)) == 1


def test_tags_are_added_and_nobody_elses_are_lost(desk, store):
    ref = desk.file(tags={"vip"})
    delivery = Delivery(
        id=new_id(), ref=ref, set={"queue": "Network"}, expect={"queue": "Inbox"}, add_tags=("sorted", "vip")
    )
    outcome = store.apply(delivery)
    assert outcome.result is DeliveryResult.APPLIED
    assert desk.tickets[int(ref)]["tags"] == {"vip", "sorted"}
    assert outcome.observed.tags == {"vip", "sorted"}
    assert len(desk.notes(ref)) == 1


@pytest.mark.parametrize("fault", ["hang", "cut"])
def test_after_a_silence_it_is_looked_first_and_written_once(fault, desk, faults, store):
    store.http._client.timeout = 0.5
    faults.patience = 1.0
    ref = desk.file()
    delivery = make_delivery(store.fetch(ref), {"queue": "Network"}, note="Sorted.")
    faults.waiting = [fault]
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    assert (desk.writes[ref, US], len(desk.notes(ref))) == (1, 1)


def test_zendesks_own_limit_is_kept_and_the_delivery_done_later(desk, faults, store):
    ref = desk.file()
    delivery = make_delivery(store.fetch(ref), {"queue": "Network"})
    faults.waiting = ["too many"]
    outcome = store.apply(delivery)
    assert (outcome.result, outcome.retry_after) == (DeliveryResult.RETRY_LATER, 3.0)
    assert store.apply(delivery).result is DeliveryResult.RETRY_LATER
    store.http._budgets["write"]._held_until = 0.0
    assert store.apply(delivery).result is DeliveryResult.APPLIED


# what is pulled


def test_what_changed_in_the_last_minute_comes_with_the_next_run(desk, store):
    old = desk.file()
    desk.wait(61)
    new = desk.file()
    found, cursor = pull_all(store, None, 50)
    assert [one.ref for one in found] == [old]
    desk.wait(61)
    assert new in {one.ref for one in pull_all(store, cursor, 50)[0]}


def test_a_change_that_becomes_visible_late_is_within_the_overlap(desk, store):
    desk.file()
    desk.wait(61)
    found, cursor = pull_all(store, None, 50)
    late = desk.file(at=found[-1].updated_at - timedelta(seconds=30))
    assert late in {one.ref for one in pull_all(store, cursor, 50)[0]}


def test_a_system_update_brings_a_row_with_an_older_moment_and_nothing_is_lost(desk, store):
    refs = [desk.file() for _ in range(5)]
    desk.wait(3600)
    desk.touch(refs[0])
    desk.haste = 61
    found, cursor = pull_all(store, None, 2)
    assert {one.ref for one in found} == set(refs)
    again, _ = pull_all(store, cursor, 50)
    assert [one.ref for one in again] == [refs[0]]


def test_deleted_tickets_and_repeated_rows_of_the_export_are_left_out(desk, store):
    refs = [desk.file() for _ in range(4)]
    desk.delete(refs[1])
    desk.twice = True
    desk.wait(61)
    found, _ = pull_all(store, None, 50)
    assert [one.ref for one in found] == [refs[0], refs[2], refs[3]]
    with pytest.raises(NotFound):
        store.fetch(refs[1])


def test_more_tickets_of_one_second_than_an_export_holds_all_come(desk, store, monkeypatch):
    monkeypatch.setattr("deskyard.connectors.zendesk.client.MAX_EXPORT_ROWS", 3)
    at = datetime(2026, 1, 2, tzinfo=UTC)
    refs = [desk.file(at=at) for _ in range(11)]
    found, _ = pull_all(store, None, 4)
    assert {one.ref for one in found} == set(refs)


def test_a_ticket_that_the_export_says_nothing_new_of_is_not_read_again(desk, store):
    desk.file()
    desk.wait(61)
    _, cursor = pull_all(store, None, 50)
    before = len([path for _, path, _ in desk.asked if path.endswith("/audits")])
    assert len(pull_all(store, cursor, 50)[0]) == 1
    assert len([path for _, path, _ in desk.asked if path.endswith("/audits")]) == before


def test_a_moment_that_zendesk_finds_too_young_is_never_asked_for(desk, store):
    ref = desk.file(at=desk.now() - timedelta(seconds=61))
    assert ref in {one.ref for one in store.list_changes(datetime.now(UTC), 5)}


def test_exports_are_asked_for_as_often_as_zendesk_allows(address):
    store = ZendeskStore.from_address(address)
    assert store.exports._budgets["read"]._interval == 60 / EXPORTS_PER_MINUTE
    assert store.http._budgets["read"]._interval == 0
    store.close()


# who did it


def test_a_trigger_is_neither_a_person_nor_we(desk, store):
    ref = desk.file()
    store.apply(make_delivery(store.fetch(ref), {"queue": "Network"}))
    desk.change(ref, {"priority": "high"}, US, channel="api", rule="Big customers first")
    moves = [(move.field, move.actor, move.by_deskyard) for move in store.fetch_moves(ref)]
    assert moves == [("queue", "deskyard@example.test", True), ("priority", "rule Big customers first", False)]
    assert store.fetch(ref).set_by_people == frozenset()


def test_a_marker_that_a_requester_quotes_proves_nothing(desk, store):
    ref = desk.file()
    desk.change(ref, {}, REQ, note="Sorted. [d-0a1b2c]", public=True)
    assert store.fetch(ref).markers == frozenset()


# webhooks


def test_zendesks_own_event_names_ticket_and_hand(desk, store):
    ref = desk.file()
    store.catalogue()
    body = {
        "type": "zen:event-type:ticket.group_assignment_changed", "account_id": 1, "id": "01HN", "time": "x",
        "zendesk_event_version": "2022-11-06", "subject": f"zen:ticket:{ref}",
        "detail": {"id": ref, "actor_id": str(US)}, "event": {"current": "102", "previous": "101"},
    }  # fmt: skip
    hook = desk.signed(json.dumps(body).encode())
    assert [(one.id, one.ref, one.by_deskyard) for one in store.parse_webhook(*hook, datetime.now(UTC))] == [
        ("01HN", ref, True)
    ]
    other = desk.signed(json.dumps({**body, "type": "zen:event-type:user.created"}).encode())
    assert store.parse_webhook(*other, datetime.now(UTC)) == []


def test_a_webhook_of_our_own_writing_is_known(desk, store):
    ref = desk.file()
    store.apply(make_delivery(store.fetch(ref), {"queue": "Network"}))
    assert [one.by_deskyard for one in store.parse_webhook(*desk.hook(ref), datetime.now(UTC))] == [True]


def test_webhooks_twice_and_out_of_order_keep_their_ids(desk, store):
    ref = desk.file()
    first = desk.hook(ref)
    desk.change(ref, {"priority": "high"}, ANN)
    second = desk.hook(ref)
    ids = [store.parse_webhook(*hook, datetime.now(UTC))[0].id for hook in (second, first, first, second)]
    assert ids[0] == ids[3] != ids[1] == ids[2]


def test_without_a_secret_no_webhook_is_believed(desk, address):
    store = ZendeskStore.from_address(address)
    with pytest.raises(BadSignature):
        store.parse_webhook(*desk.hook(desk.file()), datetime.now(UTC))
    store.close()


# the account


def test_who_may_not_export_is_told_so(desk, store):
    desk.users[US]["role"] = "agent"
    assert not store.health().ok
    assert "administrator" in store.health().missing[0]


def test_zendesk_answers_200_to_strangers_and_that_is_no_health(address):
    store = open_store(f"zendesk:{address.replace(TOKEN, 'wrong')}")
    health = store.health()
    assert not health.ok
    assert "does not recognise us" in health.missing[0]
    with pytest.raises(AccessDenied):
        store.fetch("1")
    store.close()


def test_an_oauth_token_needs_no_user(desk, faults):
    with served(faults, date_header=False) as base:
        store = open_store(f"zendesk:{base.replace('http://', f'http://:{TOKEN}@')}")
        assert store.health().me == "deskyard@example.test"
        store.close()


@pytest.mark.parametrize("number", ["1", str(KIND)])
def test_a_category_that_is_no_active_field_is_missing_and_nothing_else_suffers(number, desk, address):
    desk.fields[KIND]["active"] = False
    store = open_store(f"zendesk:{address}?category={number}")
    assert not store.health().ok
    ref = desk.file()
    assert store.apply(make_delivery(store.fetch(ref), {"queue": "Network"})).result is DeliveryResult.APPLIED
    values = {"category": "Network"}
    assert store.apply(Delivery(id=new_id(), ref=ref, set=values)).result is DeliveryResult.REJECTED
    store.close()


def test_without_a_field_there_is_no_category(desk, address):
    store = open_store(f"zendesk:{address}")
    ref = desk.file()
    outcome = store.apply(make_delivery(store.fetch(ref), {"queue": "Network", "category": "Network"}))
    assert (outcome.result, set(outcome.reasons)) == (DeliveryResult.UNSUPPORTED, {"category"})
    store.close()


@pytest.mark.parametrize("options", ["category=Kind", "exports_per_minute=often"])
def test_an_option_that_makes_no_sense_is_refused(options):
    with pytest.raises(BadInput):
        open_store(f"zendesk:https://:t@acme.zendesk.com?{options}")


def test_the_secret_that_zendesk_publishes_is_no_secret(address):
    store = open_store(f"zendesk:{address}?hook_secret={PUBLIC_TEST_SECRET}")
    assert "publishes" in store.health().missing[0]
    store.close()


@pytest.mark.parametrize("ref", ["../users/me", "12a", "", "١٢"])
def test_what_is_no_number_is_no_ticket(ref, desk, store):
    with pytest.raises(NotFound):
        store.fetch(ref)
    assert desk.asked == []


# the comparison itself


def test_a_whole_delivery_was_compared(desk, checked, store):
    ref = desk.file()
    assert (
        store.apply(make_delivery(store.fetch(ref), {"queue": "Network"}, note="Sorted.")).result
        is DeliveryResult.APPLIED
    )
    pull_all(store, None, 5)
    assert checked.seen == len(desk.asked) > 10
