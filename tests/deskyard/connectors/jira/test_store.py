"""Jira Service Management, against a stateful fake that is checked against our description of Jira's API.

If the vendor's own OpenAPI file is beside the project, each exchange is checked against it, too.
"""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx2
import pytest
from fastapi import FastAPI, Response

from deskyard.connectors import Delivery, DeliveryResult, open_store
from deskyard.errors import AccessDenied, BadInput, BadSignature, NotFound, StoreRefused, StoreUnreachable
from deskyard.testing import CASES
from deskyard.testing.harness import StoreHarness, make_delivery, new_id, pull_all
from tests.fakes.jira import api
from tests.fakes.jira_site import MAIL, QUEUE_FIELD, SECRET, TEAM_FIELD, TOKEN, US, Jira, doc
from tests.fakes.serving import Faults, served
from tests.fakes.spec import vendor_file
from tests.fakes.wire_check import Checked, described

SPEC = "jira/jira-platform-v3-2025.json"
LIMITED = {
    "Retry-After": "7",
    "X-RateLimit-Limit": "100",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": "2026-11-23T10:15Z",
    "RateLimit-Reason": "jira-per-issue-on-write",
}


@pytest.fixture
def site():
    return Jira()


@pytest.fixture
def checked(site):
    theirs = vendor_file(SPEC)
    spoken = Checked(api(site), described("jira"), *([theirs] if theirs else []))
    yield spoken
    assert spoken.broken == []


@pytest.fixture
def faults(checked):
    return Faults(checked, LIMITED)


@pytest.fixture
def base(faults):
    with served(faults) as base:
        yield base


@pytest.fixture
def opened(base):
    stores = []

    def opened(token=TOKEN, **options):
        options = {"project": "HELP", "hook_secret": SECRET, **options}
        result = "&".join(f"{name}={value}" for name, value in options.items() if value is not None)
        user = f"{quote(MAIL, safe='')}:{token}@"
        stores.append(open_store(f"jira:{base.replace('http://', 'http://' + user)}?{result}"))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(opened):
    return opened()


def behind_of(site, field="components", known=None):
    """What people do at the site, whose queues hang on a field."""
    known = site.components if known is None else known

    def person_sets(ref, name, value):
        if name == "queue":
            site.set(ref, {field: [value] if field == "components" else value}, by=site.ann)
        elif name == "assignee":
            site.set(ref, {name: account(site, value)}, by=site.ann)
        else:
            site.set(ref, {name: value.capitalize()}, by=site.ann)

    return StoreHarness(
        make_tickets=lambda n, at: [site.file(at=at) for _ in range(n)],
        set_as_person=person_sets,
        read_notes=site.notes,
        close_queue=known.pop,
        make_absent=lambda name: site.users[account(site, name)].update(active=False),
        make_webhook=site.hook,
        start_queue="Inbox",
        queues=("Network", "Billing", "Hardware"),
        agents=("Ann Lee", "Bob Ray"),
    )


def account(site, name):
    return next(number for number, one in site.users.items() if one["displayName"] == name)


@pytest.fixture
def harness(site):
    return behind_of(site)


def no_hold(store):
    for budget in store.http._budgets.values():
        budget._held_until = 0.0


@pytest.mark.parametrize("case", CASES)
def test_jira_keeps_the_contract(case, store, harness):
    CASES[case](store, harness)


@pytest.mark.parametrize("case", CASES)
def test_jira_keeps_the_contract_where_a_choice_field_stands_behind_queues(case, site, opened):
    store = opened(queue=QUEUE_FIELD, category="issuetype", project=None)
    CASES[case](store, behind_of(site, QUEUE_FIELD, site.options))


@pytest.mark.parametrize("case", ["catalogue", "read back", "people win", "closed queue", "echo", "moves"])
def test_jira_keeps_the_contract_where_teams_stand_behind_queues(case, site, opened):
    CASES[case](opened(queue=TEAM_FIELD), behind_of(site, TEAM_FIELD, site.teams))


# reading


def test_an_issue_is_read_as_it_was_filed_whatever_was_done_to_it_since(site, store):
    ref = site.file("VPN drops", "It drops every hour.")
    before = store.fetch(ref)
    filed = before.ticket
    assert (filed.id, filed.source, filed.subject, filed.body) == (ref, "jira", "VPN drops", "It drops every hour.")
    assert (filed.requester, filed.organisation, filed.channel) == ("rita@customer.test", "ACME", "portal")
    assert filed.fields == {
        "project": "HELP", "issue_type": "[System] Service request", "request_type": "Report a problem",
    }  # fmt: skip
    assert filed.created_at.tzinfo is not None
    site.set(
        ref,
        {
            "summary": "VPN of Rita", "description": doc("solved by a new cable"), "issuetype": "[System] Incident",
            "customfield_10010": "Get help", "status": "In progress", "labels": ["vip"],
        },
        by=site.ann,
    )  # fmt: skip
    site.set(ref, {"summary": "VPN of Rita, again"}, by=site.bob)
    after = store.fetch(ref)
    assert after.ticket == filed
    assert (after.status, after.tags) == ("open", {"vip"})
    assert after.version != before.version


def test_priorities_are_told_by_name_and_unknown_ones_are_none(site, store):
    found = {}
    for name in ("Highest", "High", "Medium", "Low", "Lowest", "Whenever", None):
        found[name] = store.fetch(site.file(priority=name)).priority
    assert found == {
        "Highest": "critical", "High": "high", "Medium": "medium", "Low": "low", "Lowest": "low", "Whenever": None,
        None: None,
    }  # fmt: skip


def test_a_site_with_priorities_of_its_own_is_written_in_its_own_words(site, store):
    site.priorities = {"Blocker": "1", "CRITICAL": "2", "Major": "3", "Trivial": "4", "Someday": "5"}
    assert store.catalogue().priorities == ("low", "high", "critical")
    ref = site.file()
    assert store.apply(make_delivery(store.fetch(ref), {"priority": "critical"})).result is DeliveryResult.APPLIED
    assert site.find(ref)["priority"] == "CRITICAL"
    assert store.apply(make_delivery(store.fetch(ref), {"priority": "medium"})).result is DeliveryResult.REJECTED


@pytest.mark.parametrize(
    ("status", "resolution", "ours"),
    [
        ("Waiting for support", None, "new"), ("In progress", None, "open"), ("Waiting for customer", None, "waiting"),
        ("Resolved", "Done", "resolved"), ("Closed", "Done", "closed"), ("In progress", "Won't do", "resolved"),
        ("Hibernating", None, ""),
    ],
)  # fmt: skip
def test_statuses_are_told_by_category_and_resolution(status, resolution, ours, site, store):
    assert store.fetch(site.file(status=status, resolution=resolution)).status == ours


def test_an_issue_of_which_almost_everything_is_left_out_is_read(site, store, harness):
    site.bare = True
    ref = site.file()
    site.set(ref, {"status": "In progress"}, by=site.ann)
    found = store.fetch(ref)
    assert (found.queue, found.priority, found.assignee, found.tags) == (None, None, None, frozenset())
    assert (found.status, found.ticket.subject, found.ticket.body, found.ticket.created_at) == (
        "open", "VPN drops", "", None,
    )  # fmt: skip
    assert [one.ref for one in pull_all(store, None, 10)[0]] == [ref]
    assert [move.actor for move in store.fetch_moves(ref)] == ["Ann Lee"]


def test_an_issue_without_description_queue_and_channel_is_read(site, store):
    found = store.fetch(site.file(body=None, queue=None, channel=None))
    assert (found.ticket.body, found.queue, found.ticket.channel) == ("", None, "")


def test_several_components_are_no_queue_that_the_catalogue_has(site, store):
    ref = site.file()
    site.set(ref, {"components": ["Network", "Billing"]}, by=site.ann)
    found = store.fetch(ref)
    assert found.queue == "Billing, Network"
    assert found.queue not in store.catalogue().queues
    assert [(one.was, one.became) for one in store.fetch_moves(ref)] == [("Inbox", "Billing, Network")]
    site.set(ref, {"components": ["Network"]}, by=site.bob)
    site.set(ref, {"components": []}, by=site.bob)
    assert [(one.was, one.became) for one in store.fetch_moves(ref)] == [
        ("Inbox", "Billing, Network"), ("Billing, Network", "Network"), ("Network", None),
    ]  # fmt: skip


def test_moves_are_told_in_our_words(site, store):
    ref = site.file()
    site.set(ref, {"priority": "Low"}, by=site.ann)
    site.set(ref, {"priority": "Lowest"}, by=site.ann)
    site.set(ref, {"assignee": site.bob, "status": "Waiting for customer"}, by=site.ann)
    site.set(ref, {"assignee": None, "status": "Closed"}, by=site.bob)
    moves = [(one.actor, one.field, one.was, one.became, one.by_deskyard) for one in store.fetch_moves(ref)]
    assert moves == [
        ("Ann Lee", "priority", None, "low", False),
        ("Ann Lee", "assignee", None, "Bob Ray", False),
        ("Ann Lee", "status", "new", "waiting", False),
        ("Bob Ray", "assignee", "Bob Ray", None, False),
        ("Bob Ray", "status", "waiting", "closed", False),
    ]


def test_a_changelog_that_names_fields_without_their_ids_is_understood(site, opened):
    site.leaves_out_field_ids = True
    ref = site.file()
    site.set(ref, {"components": ["Network"], QUEUE_FIELD: "Billing", "summary": "other"}, by=site.ann)
    assert [(one.was, one.became) for one in opened().fetch_moves(ref)] == [("Inbox", "Network")]
    store = opened(queue=QUEUE_FIELD)
    assert [(one.was, one.became) for one in store.fetch_moves(ref)] == [("Inbox", "Billing")]
    assert store.fetch(ref).ticket.subject == "VPN drops"


def test_what_an_automation_set_is_no_persons_word(site, store):
    ref = site.file()
    site.set(ref, {"components": ["Billing"]}, by="712020:auto")
    found = store.fetch(ref)
    assert found.set_by_people == frozenset()
    assert store.apply(make_delivery(found, {"queue": "Network"})).result is DeliveryResult.APPLIED
    site.set(ref, {"components": ["Billing"], "assignee": site.ann}, by=site.bob)
    assert store.fetch(ref).set_by_people == {"queue", "assignee"}


def test_a_long_changelog_and_many_comments_are_read_to_the_end(site, store):
    site.changelog_shown = site.bulk_changelog_shown = site.comments_shown = 2
    ref = site.file()
    before = store.fetch(ref)
    delivery = make_delivery(before, {"queue": "Network"}, note="Sorted.")
    for number in range(3):
        site.say(ref, doc(f"remark {number}"), site.ann)
        site.set(ref, {"summary": f"VPN {number}"}, by=site.ann)
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    for number in range(3):
        site.say(ref, doc(f"more {number}"), site.bob)
        site.set(ref, {"labels": [f"l{number}"]}, by=site.bob)
    for found in (store.fetch(ref), store.fetch_many([ref])[ref]):
        assert delivery.id in found.markers
        assert found.ticket == before.ticket
        assert not found.last_change_by_deskyard
    assert store.apply(delivery).result is DeliveryResult.ALREADY_APPLIED
    assert len(store.fetch_moves(ref)) == 1


def test_namesakes_are_told_apart_and_strangers_are_no_agents(site, store):
    site.add_user("5fa", "Ann Lee", "ann.lee@acme.test")
    site.add_user("5fb", "Ann Lee", None)
    site.add_user("5fc", "Old Ann", "old@acme.test", active=False)
    site.add_user("5fd", "Helper", None, kind="app")
    agents = store.catalogue().agents
    assert sorted(agents) == [
        "Ann Lee (5fb)", "Ann Lee (ann.lee@acme.test)", "Ann Lee (ann@acme.test)", "Bob Ray", "Deskyard", "Eve Sun",
    ]  # fmt: skip
    ref = site.file()
    assert store.apply(make_delivery(store.fetch(ref), {"assignee": "Ann Lee (5fb)"})).result is DeliveryResult.APPLIED
    assert site.find(ref)["assignee"] == "5fb"
    assert store.fetch(site.file(assignee="5fc")).assignee == "Old Ann"


def test_an_issue_that_was_moved_to_another_project_is_not_there_any_more(site, store):
    ref = site.file()
    found, cursor = pull_all(store, None, 10)
    assert [one.ref for one in found] == [ref]
    site.move(ref, "OPS-1")
    with pytest.raises(NotFound, match="OPS-1"):
        store.fetch(ref)
    assert pull_all(store, cursor, 10)[0] == []


def test_a_key_in_small_letters_is_the_same_issue(site, store):
    assert store.fetch(site.file().lower()).ref == "HELP-1"


# pulling


def test_pages_shorter_than_asked_for_lose_nothing(site, store):
    site.page_size = 2
    made = {site.file() for _ in range(7)}
    assert {one.ref for one in pull_all(store, None, 5)[0]} == made


@pytest.mark.parametrize(("changed", "shown"), [(30, 31), (200, 240)])
def test_a_change_that_the_search_shows_late_is_pulled_nevertheless(changed, shown, site, store):
    early = site.file()
    site.lag = shown
    late = site.file(at=datetime.now(UTC) - timedelta(seconds=changed))
    found, cursor = pull_all(store, None, 10)
    assert [one.ref for one in found] == [early]
    found, cursor = pull_all(store, cursor, 10)
    assert late not in [one.ref for one in found]
    site.wait(shown)
    assert late in [one.ref for one in pull_all(store, cursor, 10)[0]]


def test_an_issue_that_shows_a_later_moment_than_it_was_indexed_by_hides_none_behind_it(site, store):
    moment = datetime.now(UTC) - timedelta(hours=3)
    refs = [site.file(at=moment + timedelta(minutes=5 * number)) for number in range(5)]
    fresh = site.find(refs[0])["id"]
    site.shows_instead = {fresh: datetime.now(UTC)}
    assert {one.ref for one in pull_all(store, None, 2)[0]} == set(refs)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York", "Asia/Kathmandu", None])
def test_times_are_asked_for_in_the_zone_of_our_account(zone, site, store):
    site.our_zone = zone
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    refs = [site.file(at=moment + timedelta(minutes=number)) for number in range(4)]
    found = list(store.list_changes(moment + timedelta(minutes=2), 10))
    assert [one.ref for one in found if one.at >= moment + timedelta(minutes=2)] == refs[2:]
    assert refs[0] not in [one.ref for one in found]


@pytest.mark.parametrize("fold", [0, 1])
def test_the_hour_that_clocks_show_twice_is_not_lost(fold, site, store):
    site.our_zone, site.fold = "America/New_York", fold
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 01:30 in New York, and an hour later again
    refs = [site.file(at=first + timedelta(minutes=10 * number)) for number in range(12)]
    for number, moment in enumerate(first + timedelta(minutes=10 * step) for step in range(12)):
        assert [one.ref for one in store.list_changes(moment, 50)] == refs[number:]


def test_a_zone_that_nobody_knows_is_a_sentence(site, store):
    site.our_zone = "Mars/Olympus"
    with pytest.raises(AccessDenied, match="UTC"):
        store.pull(None, 5)


# writing


def test_fields_and_tags_go_in_one_edit_and_the_note_is_internal(site, store):
    ref = site.file(labels=["kept"])
    values = {"queue": "Network", "priority": "critical", "assignee": "Bob Ray"}
    delivery = Delivery(id=new_id(), ref=ref, set=values, add_tags=("sorted",), note="Why: vpn\nSure: 97 %")
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    issue = site.find(ref)
    assert (issue["components"], issue["priority"], issue["assignee"]) == (["Network"], "Highest", site.bob)
    assert sorted(issue["labels"]) == ["kept", "sorted"]
    assert (site.edits[ref], len(issue["comments"])) == (1, 1)
    assert site.notes(ref) == [f"Why: vpn\nSure: 97 %\n{delivery.marker}"]
    assert store.fetch(ref).last_change_by_deskyard


def test_a_category_is_set_only_where_a_field_stands_for_it(site, opened):
    ref = site.file()
    store = opened()
    refused = store.apply(make_delivery(store.fetch(ref), {"category": "[System] Incident"}))
    assert refused.result is DeliveryResult.UNSUPPORTED
    store = opened(category="issuetype")
    assert "category" in store.caps.settable_fields
    assert "issue_type" not in store.fetch(ref).ticket.fields
    assert (
        store.apply(make_delivery(store.fetch(ref), {"category": "[System] Incident"})).result is DeliveryResult.APPLIED
    )
    assert site.find(ref)["issuetype"] == "[System] Incident"
    refused = store.apply(make_delivery(store.fetch(ref), {"category": "Sub-task"}))
    assert (refused.result, set(refused.reasons)) == (DeliveryResult.REJECTED, {"category"})


def test_a_field_that_is_accepted_and_forgotten_is_told_as_partial(site, store):
    site.drops = {"assignee"}
    ref = site.file()
    outcome = store.apply(make_delivery(store.fetch(ref), {"queue": "Network", "assignee": "Bob Ray"}, note="Sorted."))
    assert (outcome.result, set(outcome.reasons)) == (DeliveryResult.PARTIAL, {"assignee"})
    assert len(site.notes(ref)) == 1


def test_an_edit_that_is_refused_with_200_is_not_believed(site, store):
    ref = site.file()
    seen = store.fetch(ref)
    site.says_no_with_200 = True
    outcome = store.apply(make_delivery(seen, {"queue": "Network"}))
    assert (outcome.result, site.find(ref)["components"]) == (DeliveryResult.REJECTED, ["Inbox"])
    assert "being indexed" in outcome.reasons["queue"]


def test_a_search_that_fails_with_200_is_no_empty_page(site, store):
    site.file()
    site.says_no_with_200 = True
    with pytest.raises(StoreRefused, match="the search is busy"):
        store.pull(None, 5)


def test_refused_fields_are_named_in_our_words(site, opened):
    ref = site.file()
    site.refuses = {QUEUE_FIELD: "Option is disabled.", "assignee": "Bob is on leave."}
    store = opened(queue=QUEUE_FIELD)
    values = {"queue": "Network", "assignee": "Bob Ray", "priority": "high"}
    outcome = store.apply(make_delivery(store.fetch(ref), values, note="Sorted."))
    assert outcome.result is DeliveryResult.REJECTED
    assert (outcome.reasons["queue"], outcome.reasons["assignee"]) == ("Option is disabled.", "Bob is on leave.")
    assert "all or nothing" in outcome.reasons["priority"]
    assert site.notes(ref) == []
    site.refuses = {"customfield_10099": "Impact is required."}
    outcome = store.apply(make_delivery(store.fetch(ref), values))
    assert outcome.reasons == dict.fromkeys(values, "customfield_10099: Impact is required.")


def test_a_tag_that_jira_refuses_is_named(site, store):
    ref = site.file()
    outcome = store.apply(Delivery(id=new_id(), ref=ref, add_tags=("two words",)))
    assert set(outcome.reasons) == {"add_tags"}
    assert "spaces" in outcome.reasons["add_tags"]


def test_without_the_right_to_silence_mails_it_is_written_nevertheless_and_asked_for_once(site, store):
    site.rights.discard("ADMINISTER_PROJECTS")
    for _ in range(2):
        ref = site.file()
        assert store.apply(make_delivery(store.fetch(ref), {"queue": "Network"})).result is DeliveryResult.APPLIED
    assert store.health().ok
    assert sum(n for (method, path), n in site.asked.items() if method == "PUT") == 3


def test_jiras_own_conflict_is_looked_at_again(site, store):
    ref = site.file()
    site.conflicts = 1
    assert store.apply(make_delivery(store.fetch(ref), {"queue": "Network"})).result is DeliveryResult.APPLIED
    site.conflicts = 9
    outcome = store.apply(make_delivery(store.fetch(ref), {"queue": "Billing"}))
    assert (outcome.result, site.find(ref)["components"]) == (DeliveryResult.CONFLICT, ["Network"])


@pytest.mark.parametrize(("field", "theirs", "values"), [
    ("components", ["Billing"], {"queue": "Network"}), ("priority", "Medium", {"priority": "high"}),
    ("assignee", "ann", {"assignee": "Bob Ray"}), ("components", [], {"queue": "Network"}),
])  # fmt: skip
def test_what_a_person_set_between_our_look_and_our_write_is_given_back(field, theirs, values, site, store):
    ref = site.file()
    theirs = site.ann if theirs == "ann" else theirs
    seen = store.fetch(ref)
    site.between = lambda: site.set(ref, {field: theirs}, by=site.ann)
    outcome = store.apply(make_delivery(seen, values, note="Sorted."))
    assert outcome.result is DeliveryResult.CONFLICT
    assert "restored" in next(iter(outcome.reasons.values()))
    assert site.find(ref)[field] == theirs
    assert site.notes(ref) == []


def test_what_a_person_set_beside_ours_stays(site, store):
    ref = site.file()
    seen = store.fetch(ref)
    site.between = lambda: site.set(ref, {"priority": "High"}, by=site.ann)
    assert store.apply(make_delivery(seen, {"queue": "Network"})).result is DeliveryResult.APPLIED
    assert (site.find(ref)["priority"], site.find(ref)["components"]) == ("High", ["Network"])


def test_a_note_that_customers_would_see_is_taken_back(site, store):
    site.makes_notes_public = True
    ref = site.file()
    with pytest.raises(AccessDenied, match="agent"):
        store.apply(make_delivery(store.fetch(ref), {"queue": "Network"}, note="Sorted."))
    assert site.find(ref)["comments"] == []


def test_a_note_that_is_refused_is_a_sentence(site, store):
    site.rights.discard("ADD_COMMENTS")
    ref = site.file()
    with pytest.raises(AccessDenied, match="Add comments"):
        store.apply(make_delivery(store.fetch(ref), {"queue": "Network"}))


@pytest.mark.parametrize("fault", ["hang", "cut"])
@pytest.mark.parametrize("both", [True, False])
def test_a_silence_after_the_write_is_looked_into_and_never_answered_by_a_second_write(
    fault, both, faults, site, store
):
    ref = site.file()
    delivery = make_delivery(store.fetch(ref), {"queue": "Network"}, note="Sorted.")
    store.http._client.timeout = 0.5
    faults.patience = 1.0
    faults.waiting = [fault, fault] if both else [fault]
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    assert (site.edits[ref], len(site.find(ref)["comments"]), len(site.notes(ref))) == (1, 1, 1)


def test_a_note_that_was_cut_off_is_left_once(faults, site, store):
    ref = site.file()
    delivery = make_delivery(store.fetch(ref), {"queue": "Network"}, note="Sorted.")
    site.set(ref, {"components": ["Network"]}, by=US)
    again = Delivery(id=delivery.id, ref=ref, set=delivery.set, expect=delivery.expect, note="Sorted.", begun=True)
    assert store.apply(again).result is DeliveryResult.ALREADY_APPLIED
    assert store.apply(again).result is DeliveryResult.ALREADY_APPLIED
    assert len(site.notes(ref)) == 1


def test_jiras_limits_are_kept(faults, site, store):
    ref = site.file()
    delivery = make_delivery(store.fetch(ref), {"queue": "Network"}, note="Sorted.")
    faults.waiting = ["too many"]
    outcome = store.apply(delivery)
    assert (outcome.result, outcome.retry_after) == (DeliveryResult.RETRY_LATER, 7.0)
    assert site.edits[ref] == 0
    assert store.apply(delivery).result is DeliveryResult.RETRY_LATER
    no_hold(store)
    assert store.apply(delivery).result is DeliveryResult.APPLIED
    assert (site.edits[ref], len(site.notes(ref))) == (1, 1)


def test_without_retry_after_the_reset_in_iso_8601_is_kept(faults, site, store):
    ref = site.file()
    seen = store.fetch(ref)
    reset = datetime.now(UTC) + timedelta(minutes=10)
    faults.headers = {"X-RateLimit-Reset": f"{reset:%Y-%m-%dT%H:%MZ}", "RateLimit-Reason": "jira-burst-based"}
    faults.waiting = ["too many"]
    outcome = store.apply(make_delivery(seen, {"queue": "Network"}))
    assert outcome.result is DeliveryResult.RETRY_LATER
    assert 500 < outcome.retry_after <= 600


def test_a_limit_while_pulling_is_told(faults, site, store):
    site.file()
    store.catalogue()
    faults.reads = True
    faults.waiting = ["too many"]
    with pytest.raises(StoreUnreachable) as caught:
        store.pull(None, 5)
    assert caught.value.retry_after == 7.0


# who we are


@pytest.mark.parametrize("named", [True, False])
def test_an_expired_token_is_told_and_never_taken_for_an_empty_desk(named, site, opened):
    site.tells_bad_tokens = named
    ref = site.file()
    store = opened(token="0ld-t0ken")
    for door in (
        lambda: store.pull(None, 5),
        lambda: store.fetch(ref),
        lambda: store.fetch_many([ref]),
        lambda: store.apply(Delivery(id=new_id(), ref=ref, set={"queue": "Network"})),
        store.catalogue,
    ):
        with pytest.raises(AccessDenied) as caught:
            door()
        assert "0ld-t0ken" not in str(caught.value)
    assert not store.health().ok


@pytest.mark.parametrize("named", [True, False])
def test_a_token_that_expires_on_the_way_does_not_make_issues_vanish(named, site, store):
    site.tells_bad_tokens = named
    ref = site.file()
    store.fetch(ref)
    site.token = "another"
    for door in (
        lambda: store.pull(None, 5),
        lambda: store.fetch(ref),
        lambda: store.fetch_many([ref]),
        lambda: store.add_note(ref, "x"),
    ):
        with pytest.raises(AccessDenied):
            door()


def test_what_our_account_lacks_is_said(site, opened):
    site.rights -= {"EDIT_ISSUES", "SERVICEDESK_AGENT"}
    site.components.clear()
    *missing, nothing_to_choose = opened(project="HELP,NOPE").health().missing
    assert missing == [
        "our account sees no project NOPE",
        "our account lacks in HELP: Edit issues, Service project agent",
    ]
    assert "components offers nothing to choose" in nothing_to_choose


def test_a_site_that_is_well_says_who_we_are(store):
    health = store.health()
    assert (health.ok, health.me, health.version) == (True, "Deskyard", "1001.0.0-SNAPSHOT")


def test_data_center_is_told_from_cloud(site, store):
    site.deployment = "Server"
    assert "Data Center" in store.health().missing[0]


@pytest.mark.parametrize("options", [
    "project=help desk", "project=H-1", "queue=Support", "category=priority", "queue=customfield_x", "colour=red",
])  # fmt: skip
def test_options_that_name_nothing_are_refused(options):
    with pytest.raises(BadInput):
        open_store(f"jira:https://a%40b.test:t@acme.atlassian.net?{options}")


# webhooks


def test_a_webhook_repeated_or_out_of_order_names_its_issue_and_who_did_it(site, store):
    store.health()
    ref = site.file()
    now = datetime.now(UTC)
    created = site.hook(ref)
    site.set(ref, {"components": ["Network"]}, by=US)
    ours = site.hook(ref)
    site.set(ref, {"components": ["Billing"]}, by=site.ann)
    theirs = site.hook(ref)
    received = [store.parse_webhook(*hook, now) for hook in (theirs, created, ours, theirs, created)]
    assert [[(one.ref, one.by_deskyard) for one in events] for events in received] == [
        [(ref, False)], [(ref, False)], [(ref, True)], [(ref, False)], [(ref, False)],
    ]  # fmt: skip
    ids = [events[0].id for events in received]
    assert ids[0] == ids[3]
    assert ids[1] == ids[4]
    assert len(set(ids)) == 3


def signed(facts, **headers):
    raw = json.dumps(facts).encode()
    made = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    return {"x-hub-signature": f"sha256={made}", **headers}, raw


def test_a_webhook_without_an_id_gets_one_and_one_about_something_else_is_nothing(store):
    now = datetime.now(UTC)
    facts = {"timestamp": int(now.timestamp() * 1000), "webhookEvent": "jira:issue_updated", "issue": {"key": "HELP-7"}}
    first, second = (store.parse_webhook(*signed(facts), now) for _ in range(2))
    assert first == second
    assert first[0].ref == "HELP-7"
    comment = facts | {"webhookEvent": "comment_created", "comment": {"author": {"accountId": US}}}
    assert [one.ref for one in store.parse_webhook(*signed(comment), now)] == ["HELP-7"]
    for other in (
        {"webhookEvent": "sprint_started"}, {"issue": None}, {"issue": {"key": "OPS-1"}}, {"issue": "HELP-7"},
        {"webhookEvent": "jira:issue_deleted"},
    ):  # fmt: skip
        assert store.parse_webhook(*signed(facts | other), now) == []


def test_a_webhook_signed_with_another_secret_is_refused(site, store):
    with pytest.raises(BadSignature):
        store.parse_webhook(*site.hook(site.file(), secret="another"), datetime.now(UTC))
    with pytest.raises(BadSignature):
        store.parse_webhook({}, b"{}", datetime.now(UTC))


# the comparison itself


def test_the_vendors_own_file_knows_all_that_we_describe_and_sees_what_breaks_it():
    theirs = vendor_file(SPEC)
    if theirs is None:
        pytest.skip("the vendor's own OpenAPI file is checked where ../shared/specs is")
    endpoints = {
        (method.upper(), re.sub(r"{\w+}", "{}", path)): {one["name"] for one in endpoint.get("parameters", ())}
        for path, methods in theirs.told["paths"].items()
        for method, endpoint in methods.items()
    }
    ours = described("jira")
    for name, endpoint in ours.endpoints.items():
        method, path = re.sub(r"{\w+}", "{}", name).split()
        known = ours.resolved(endpoint.get("query", {})).get("properties", {})
        assert known.keys() <= endpoints[method, path], name

    app = FastAPI()
    answers = {"accountId": "1", "displayName": "Ann", "active": True}

    @app.get("/rest/api/3/myself")
    def myself():
        return answers

    @app.put("/rest/api/3/issue/{ref}")
    def edit(ref: str):
        return Response(status_code=204)

    @app.get("/rest/api/3/nowhere")
    def nowhere():
        return {}

    checked = Checked(app, theirs)
    headers = {"Authorization": "Basic eDp5"}
    with served(checked) as base, httpx2.Client(base_url=base, headers=headers) as client:
        client.get("/rest/api/3/myself")
        client.put("/rest/api/3/issue/HELP-1", json={"fields": {"summary": "x"}})
        assert checked.broken == []
        client.put("/rest/api/3/issue/HELP-1", json={"fields": "x"})
        assert "request of put" in checked.broken[0]
        answers["active"] = "yes"
        client.get("/rest/api/3/myself")
        assert "not of type 'boolean'" in checked.broken[1]
        answers["nickname"] = "Annie"
        client.get("/rest/api/3/myself")
        assert "nickname" in checked.broken[2]
        client.get("/rest/api/3/nowhere")
        assert "PathNotFound" in checked.broken[3]
    assert checked.seen == 6


def test_without_the_vendors_file_there_is_no_second_check():
    assert vendor_file("jira/none.json") is None


def test_a_whole_delivery_was_compared(site, checked, store):
    ref = site.file()
    assert (
        store.apply(make_delivery(store.fetch(ref), {"queue": "Network"}, note="Sorted.")).result
        is DeliveryResult.APPLIED
    )
    pull_all(store, None, 5)
    assert checked.seen == sum(site.asked.values()) > 10
