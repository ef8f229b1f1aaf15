"""Zammad passes the conformance suite, against a fake that reproduces the difficult behaviour of Zammad's source."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from deskyard.connectors import Delivery, DeliveryResult, open_store
from deskyard.errors import BadInput, BadSignature, NotFound, StaleWebhook
from deskyard.testing import CASES, StoreHarness
from deskyard.testing.harness import make_delivery, new_id, pull_all
from tests.fakes.serving import Faults, served
from tests.fakes.wire_check import Checked, described
from tests.fakes.zammad import ANN, BILLING, BOB, HARDWARE, INBOX, NETWORK, NOBODY, REQ, SECRET, TOKEN, US, Zammad
from tests.fakes.zammad_api import api

GROUPS = {"Inbox": INBOX, "IT::Network": NETWORK, "Billing": BILLING, "Hardware": HARDWARE}
AGENTS = {"ann@example.test": ANN, "bob@example.test": BOB}
PRIORITIES = {"low": 1, "medium": 2, "high": 3, "critical": 4}


@pytest.fixture
def desk():
    return Zammad()


@pytest.fixture
def checked(desk):
    spoken = Checked(api(desk), described("zammad"))
    yield spoken
    assert spoken.broken == []


@pytest.fixture
def faults(checked):
    return Faults(checked, {})


@pytest.fixture
def address(faults):
    with served(faults) as base:
        yield base.replace("http://", f"http://:{TOKEN}@")


@pytest.fixture
def store(address):
    opened = open_store(f"zammad:{address}?hook_secret={SECRET}&category=kind")
    yield opened
    opened.close()


@pytest.fixture
def harness(desk) -> StoreHarness:
    kinds = {"queue": ("group_id", GROUPS), "assignee": ("owner_id", AGENTS), "priority": ("priority_id", PRIORITIES)}

    return StoreHarness(
        make_tickets=lambda n, at: [desk.file(at=at) for _ in range(n)],
        set_as_person=lambda ref, field, value: desk.change(ref, {kinds[field][0]: kinds[field][1][value]}, ANN),
        read_notes=desk.notes,
        close_queue=lambda name: desk.groups[GROUPS[name]].update(active=False),
        make_absent=lambda name: desk.users[AGENTS[name]].update(active=False),
        make_webhook=desk.hook,
        start_queue="Inbox",
        queues=("IT::Network", "Billing", "Hardware"),
        agents=("ann@example.test", "bob@example.test"),
    )


@pytest.mark.parametrize("case", CASES)
def test_zammad_keeps_the_contract(case, store, harness):
    CASES[case](store, harness)


@pytest.mark.parametrize("case", ["pages", "same moment", "late commit", "changes while reading", "echo"])
@pytest.mark.parametrize("searches", [False, "all"])
def test_an_installation_that_does_not_search_as_asked_loses_nothing(searches, case, desk, store, harness):
    desk.searches = searches
    CASES[case](store, harness)


def test_one_put_carries_fields_and_note(desk, store):
    ref = desk.file()
    delivery = Delivery(
        id=new_id(),
        ref=ref,
        set={"queue": "IT::Network", "assignee": "ann@example.test", "priority": "critical", "category": "Network"},
        expect={"queue": "Inbox"},
        note="Sorted.",
    )
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    assert [path for method, path, _ in desk.asked if method != "GET"] == [f"/api/v1/tickets/{ref}"]
    row = desk.tickets[int(ref)]
    assert (row["group_id"], row["owner_id"], row["priority_id"], row["kind"]) == (NETWORK, ANN, 4, "network")
    assert desk.notes(ref) == [f"Sorted.\n\n{delivery.marker}"]


def test_a_ticket_is_read_as_it_was_filed_and_as_it_stands(desk, store):
    ref = desk.file("No paper", "<p>It is empty.</p>", at=datetime(2026, 3, 1, 8, 30, tzinfo=UTC))
    desk.say(ref, "Which printer?", ANN, internal=False)
    desk.change(ref, {"group_id": NETWORK, "owner_id": BOB, "kind": "printer", "state_id": 3}, ANN)
    desk.tag(ref, "vip", ANN)
    found = store.fetch(ref)
    assert (found.ticket.subject, found.ticket.body) == ("No paper", "<p>It is empty.</p>")
    assert found.ticket.created_at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    assert (found.ticket.requester, found.ticket.organisation) == ("req@example.test", "Acme")
    assert (found.ticket.channel, dict(found.ticket.fields)) == ("email", {"number": "22001"})
    assert (found.queue, found.assignee, found.priority) == ("IT::Network", "bob@example.test", "medium")
    assert (found.category, found.status, found.tags) == ("Hardware / Printer", "waiting", {"vip"})
    assert found.set_by_people == {"queue", "assignee", "category", "status"}


def test_what_nobody_owns_has_no_assignee_and_can_be_given_back(desk, store):
    ref = desk.file(group=NETWORK, owner_id=ANN)
    assert store.apply(make_delivery(store.fetch(ref), {"assignee": None})).result is DeliveryResult.APPLIED
    assert desk.tickets[int(ref)]["owner_id"] == NOBODY
    assert store.fetch(ref).assignee is None
    assert [(move.was, move.became) for move in store.fetch_moves(ref)] == [("ann@example.test", None)]


def test_a_ticket_without_its_optional_fields_is_still_read(desk, store):
    desk.bare = True
    found = store.fetch(desk.file())
    assert (found.ticket.subject, found.queue, found.assignee, found.status) == ("", None, None, "open")


def test_a_state_or_priority_that_nobody_knows_breaks_nothing(desk, store):
    desk.states[9] = "waiting for the moon"
    desk.priorities[9] = ("9 VIP", True)
    found = store.fetch(desk.file(state_id=9, priority_id=9))
    assert (found.status, found.priority) == ("open", None)
    assert store.catalogue().priorities == ("low", "medium", "high", "critical")


def test_a_priority_that_is_switched_off_is_not_offered(desk, store):
    desk.priorities[4] = ("4 urgent", False)
    ref = desk.file()
    assert store.apply(make_delivery(store.fetch(ref), {"priority": "critical"})).result is DeliveryResult.REJECTED
    assert store.fetch(desk.file(priority_id=4)).priority == "critical"


def test_agents_serve_the_open_groups_to_which_they_or_their_roles_have_full_access(desk, store):
    desk.users[ANN]["group_ids"][str(HARDWARE)] = ["full"]
    desk.groups[HARDWARE]["active"] = False
    found = store.catalogue().agents
    assert found["ann@example.test"] == ("IT::Network",)
    assert found["eve@example.test"] == ("Billing",)
    assert not {"deskyard@example.test", "req@example.test", "-"} & set(found)


def test_an_agent_who_is_out_of_office_today_is_away(desk, store):
    today = date.today()
    for who, start in ((ANN, today - timedelta(days=1)), (BOB, today + timedelta(days=7))):
        end = start + timedelta(days=2)
        desk.users[who] |= {
            "out_of_office": True, "out_of_office_start_at": start.isoformat(), "out_of_office_end_at": end.isoformat(),
        }  # fmt: skip
    assert "ann@example.test" not in store.catalogue().agents
    assert "bob@example.test" in store.catalogue().agents


def test_agents_are_found_one_by_one_where_users_can_not_be_searched(desk, store):
    desk.finds = False
    assert {"ann@example.test", "bob@example.test"} <= set(store.catalogue().agents)


def test_a_list_of_many_pages_is_read_to_its_end(desk, store):
    for key in range(100, 350):
        desk.groups[key] = {"name": f"Team {key}", "active": True}
    assert len(store.catalogue().queues) == 254


# what was written


def test_an_owner_whom_zammad_silently_makes_nobody_is_reported_and_the_rest_stands(desk, store):
    ref = desk.file()
    seen = store.fetch(ref)
    store.catalogue()
    desk.users[ANN]["group_ids"] = {}
    outcome = store.apply(make_delivery(seen, {"queue": "IT::Network", "assignee": "ann@example.test"}))
    assert (outcome.result, set(outcome.reasons)) == (DeliveryResult.PARTIAL, {"assignee"})
    assert desk.tickets[int(ref)]["group_id"] == NETWORK


def test_an_error_in_an_answer_of_200_is_no_success(desk, store):
    ref = desk.file()
    desk.says = {"error": "Something is not right"}
    outcome = store.apply(make_delivery(store.fetch(ref), {"queue": "IT::Network"}))
    assert (outcome.result, dict(outcome.reasons)) == (DeliveryResult.REJECTED, {"queue": "Something is not right"})
    assert desk.notes(ref) == []


def test_a_refusal_is_told_in_zammads_words(desk, store):
    ref = desk.file()
    seen = store.fetch(ref)
    store.catalogue()
    del desk.priorities[3]
    outcome = store.apply(make_delivery(seen, {"priority": "high"}))
    assert (outcome.result, dict(outcome.reasons)) == (
        DeliveryResult.REJECTED,
        {"priority": "Invalid value '3' for field 'priority_id'!"},
    )


def test_what_a_person_set_between_look_and_write_is_given_back(desk, store, monkeypatch):
    ref = desk.file()
    write = store.write

    def and_before_it_a_person(*facts):
        if not desk.writes[ref, ANN]:
            desk.change(ref, {"group_id": BILLING}, ANN)
        return write(*facts)

    monkeypatch.setattr(store, "write", and_before_it_a_person)
    outcome = store.apply(make_delivery(store.fetch(ref), {"queue": "IT::Network"}))
    assert outcome.result is DeliveryResult.CONFLICT
    assert desk.tickets[int(ref)]["group_id"] == BILLING
    assert len(desk.notes(ref)) == 1


def test_tags_are_added_once_and_nobody_elses_are_lost(desk, store):
    ref = desk.file()
    desk.tag(ref, "vip", ANN)
    delivery = Delivery(
        id=new_id(), ref=ref, set={"queue": "IT::Network"}, expect={"queue": "Inbox"}, add_tags=("sorted", "vip")
    )
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    assert store.apply(delivery).result is DeliveryResult.ALREADY_APPLIED
    assert desk.tickets[int(ref)]["tags"] == ["vip", "sorted"]


def test_a_tag_that_zammad_does_not_let_us_invent_leaves_the_ticket_as_it_was(desk, store):
    desk.tag_new = False
    ref = desk.file()
    delivery = Delivery(
        id=new_id(), ref=ref, set={"queue": "IT::Network"}, expect={"queue": "Inbox"}, add_tags=("brand-new",)
    )
    outcome = store.apply(delivery)
    assert outcome.result is DeliveryResult.REJECTED
    assert outcome.reasons["add_tags"]
    assert (desk.tickets[int(ref)]["group_id"], desk.notes(ref)) == (INBOX, [])


@pytest.mark.parametrize("fault", ["hang", "cut"])
def test_after_a_silence_it_is_looked_first_and_written_once(fault, desk, faults, store):
    store.http._client.timeout = 0.5
    faults.patience = 1.0
    ref = desk.file()
    delivery = make_delivery(store.fetch(ref), {"queue": "IT::Network"}, note="Sorted.")
    faults.waiting = [fault]
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    assert (desk.writes[ref, US], len(desk.notes(ref))) == (1, 1)


@pytest.mark.parametrize(("headers", "least"), [({"Retry-After": "7"}, 7.0), ({}, 3.0)])
def test_a_proxys_limit_is_kept_whatever_it_says(headers, least, desk, faults, store):
    faults.headers = headers
    ref = desk.file()
    delivery = make_delivery(store.fetch(ref), {"queue": "IT::Network"})
    faults.waiting = ["too many"]
    outcome = store.apply(delivery)
    assert outcome.result is DeliveryResult.RETRY_LATER
    assert outcome.retry_after >= least
    store.http._budgets["write"]._held_until = 0.0
    assert store.apply(delivery).result is DeliveryResult.APPLIED


# what is pulled


def test_more_tickets_of_one_moment_than_a_search_holds_all_come(desk, store, monkeypatch):
    monkeypatch.setattr("deskyard.connectors.zammad.client.MAX_SEARCH_ROWS", 3)
    at = datetime(2026, 1, 2, tzinfo=UTC)
    refs = [desk.file(at=at) for _ in range(8)] + [desk.file(at=at + timedelta(seconds=n)) for n in range(8)]
    found, _ = pull_all(store, None, 5)
    assert {one.ref for one in found} == set(refs)


def test_only_what_changed_is_asked_for_again(desk, store):
    for n in range(6):
        desk.file(at=datetime(2026, 1, 2 + n, tzinfo=UTC))
    _, cursor = pull_all(store, None, 50)
    desk.change("2", {"priority_id": 3}, ANN)
    assert {one.ref for one in pull_all(store, cursor, 50)[0]} == {"2", "6"}


# who did it


def test_a_trigger_is_neither_a_person_nor_we(desk, store):
    ref = desk.file()
    store.apply(make_delivery(store.fetch(ref), {"queue": "IT::Network"}))
    desk.change(ref, {"priority_id": 3}, US, source=("Trigger", "Big customers first"))
    desk.change(ref, {"state_id": 2}, NOBODY)
    moves = [(move.field, move.actor, move.was, move.became, move.by_deskyard) for move in store.fetch_moves(ref)]
    assert moves == [
        ("queue", "deskyard@example.test", "Inbox", "IT::Network", True),
        ("priority", "Trigger Big customers first", "medium", "high", False),
        ("status", "-", "new", "open", False),
    ]
    assert store.fetch(ref).set_by_people == frozenset()


def test_an_answer_by_a_person_is_news_although_zammad_still_names_us_as_the_last_hand(desk, store):
    ref = desk.file()
    store.apply(make_delivery(store.fetch(ref), {"queue": "IT::Network"}))
    desk._note(int(ref), datetime.now(UTC), NOBODY, "notification", value_to="ann@example.test (update:email)")
    assert store.fetch(ref).last_change_by_deskyard
    desk.say(ref, "Looking into it.", ANN)
    assert desk.tickets[int(ref)]["updated_by_id"] == US
    assert not store.fetch(ref).last_change_by_deskyard


def test_a_marker_that_a_customer_quotes_proves_nothing(desk, store):
    ref = desk.file()
    desk.say(ref, "Sorted. [d-0a1b2c]", REQ, internal=False)
    assert store.fetch(ref).markers == frozenset()


# webhooks


def test_a_webhook_of_our_own_writing_is_known(desk, store):
    ref = desk.file()
    store.apply(make_delivery(store.fetch(ref), {"queue": "IT::Network"}))
    assert [one.by_deskyard for one in store.parse_webhook(*desk.hook(ref), datetime.now(UTC))] == [True]
    desk.say(ref, "Looking into it.", ANN)
    assert [one.by_deskyard for one in store.parse_webhook(*desk.hook(ref), datetime.now(UTC))] == [False]


def test_webhooks_twice_and_out_of_order_keep_their_ids(desk, store):
    ref = desk.file(at=datetime.now(UTC) - timedelta(seconds=5))
    first = desk.hook(ref)
    desk.change(ref, {"priority_id": 3}, ANN)
    second = desk.hook(ref)
    ids = [store.parse_webhook(*hook, datetime.now(UTC))[0].id for hook in (second, first, first, second)]
    assert ids[0] == ids[3] != ids[1] == ids[2]


def test_zammads_fifth_attempt_is_still_heard_and_one_of_an_hour_ago_is_not(desk, store):
    ref = desk.file()
    hook = desk.hook(ref)
    assert store.parse_webhook(*hook, datetime.now(UTC) + timedelta(seconds=100))
    with pytest.raises(StaleWebhook):
        store.parse_webhook(*hook, datetime.now(UTC) + timedelta(hours=1))


@pytest.mark.parametrize("told", [{}, {"ticket": None}, {"ticket": {"id": "x"}}, {"article": {"id": 1}}])
def test_a_webhook_about_no_ticket_is_nothing(told, desk, store):
    assert store.parse_webhook(*desk.signed(json.dumps(told).encode()), datetime.now(UTC)) == []


def test_a_payload_of_the_administrators_own_needs_only_the_tickets_id(desk, store):
    hook = desk.signed(b'{"ticket": {"id": 7}}')
    assert [one.ref for one in store.parse_webhook(*hook, datetime.now(UTC))] == ["7"]


def test_without_a_secret_no_webhook_is_believed(desk, address):
    store = open_store(f"zammad:{address}")
    with pytest.raises(BadSignature):
        store.parse_webhook(*desk.hook(desk.file()), datetime.now(UTC))
    store.close()


# the installation


def test_what_the_token_may_not_see_is_missing_by_name(desk, store):
    desk.forbids = {"groups", "object_manager_attributes", "version"}
    health = store.health()
    assert [name in " ".join(health.missing) for name in ("admin.group", "admin.object")] == [True, True]
    assert health.version == ""


def test_groups_that_our_user_does_not_see_are_missing_by_name(desk, store):
    del desk.users[US]["group_ids"][str(HARDWARE)]
    assert "Hardware" in store.health().missing[0]


def test_roles_that_the_token_may_not_see_hide_their_agents_and_nothing_else(desk, store):
    desk.forbids = {"roles"}
    assert "ann@example.test" in store.catalogue().agents
    assert "eve@example.test" not in store.catalogue().agents


def test_an_attribute_that_is_not_there_is_missing_and_nothing_else_suffers(desk, address):
    store = open_store(f"zammad:{address}?category=colour")
    assert "colour" in store.health().missing[0]
    ref = desk.file()
    assert store.apply(make_delivery(store.fetch(ref), {"queue": "IT::Network"})).result is DeliveryResult.APPLIED
    store.close()


def test_a_tree_of_categories_is_known_by_its_paths(desk, store):
    desk.attributes["kind"] = {"data_type": "tree_select", "active": True, "data_option": {"options": [
        {"name": "Hardware", "value": "Hardware", "children": [{"name": "Printer", "value": "Hardware::Printer"}]}
    ]}}  # fmt: skip
    assert store.catalogue().categories == ("Hardware", "Hardware::Printer")
    ref = desk.file()
    assert (
        store.apply(make_delivery(store.fetch(ref), {"category": "Hardware::Printer"})).result is DeliveryResult.APPLIED
    )


def test_without_an_attribute_there_is_no_category(desk, address):
    store = open_store(f"zammad:{address}")
    outcome = store.apply(make_delivery(store.fetch(desk.file()), {"queue": "IT::Network", "category": "Network"}))
    assert (outcome.result, set(outcome.reasons)) == (DeliveryResult.UNSUPPORTED, {"category"})
    store.close()


def test_a_wrong_token_is_no_health_and_is_never_shown(address):
    store = open_store(f"zammad:{address.replace(TOKEN, 'wrong-secret')}")
    health = store.health()
    assert not health.ok
    assert "wrong-secret" not in str(health)
    store.close()


def test_an_attribute_that_can_be_none_is_refused():
    with pytest.raises(BadInput):
        open_store("zammad:https://:t@help.example.org?category=Kind%20of%20thing")


@pytest.mark.parametrize("ref", ["../users/me", "12a", "", "١٢"])
def test_what_is_no_number_is_no_ticket(ref, desk, store):
    with pytest.raises(NotFound):
        store.fetch(ref)
    assert desk.asked == []


# the comparison itself


def test_a_whole_delivery_was_compared(desk, checked, store):
    ref = desk.file()
    assert (
        store.apply(make_delivery(store.fetch(ref), {"queue": "IT::Network"}, note="Sorted.")).result
        is DeliveryResult.APPLIED
    )
    pull_all(store, None, 5)
    assert checked.seen == len(desk.asked) > 10
