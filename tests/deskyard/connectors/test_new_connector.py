"""The code of `docs/new-connector.md` as it stands there conforms to the store interface, also when requests fail."""

import re
from pathlib import Path

import pytest

from deskyard.connectors import Delivery, DeliveryResult
from deskyard.testing import CASES
from deskyard.testing.harness import StoreHarness, make_delivery, new_id
from tests.fakes.plaindesk import SECRET, TOKEN, Plaindesk
from tests.fakes.serving import Faults, served

PAGE = Path(__file__).parents[3] / "docs" / "new-connector.md"
LONGEST = 150


@pytest.fixture(scope="module")
def written() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def kind(written):
    module: dict = {}
    exec(compile(written[0], str(PAGE), "exec"), module)
    return module["PlaindeskStore"]


@pytest.fixture
def desk():
    return Plaindesk()


@pytest.fixture
def faults(desk):
    return Faults(desk.app)


@pytest.fixture
def store(kind, faults):
    with served(faults) as base:
        opened = kind.from_address(f"{base.replace('http://', f'http://:{TOKEN}@')}?hook_secret={SECRET}")
        yield opened
        opened.close()


@pytest.fixture
def harness(desk) -> StoreHarness:
    def person_sets(ref, field, value):
        theirs = "agent" if field == "assignee" else field
        desk.set(ref, {theirs: value}, by="ann")

    return StoreHarness(
        make_tickets=lambda n, at: [desk.file("VPN drops", at=at) for _ in range(n)],
        set_as_person=person_sets,
        read_notes=lambda ref: [note["text"] for note in desk.notes[ref]],
        close_queue=lambda name: desk.queues.update({name: False}),
        make_absent=desk.agents.pop,
        make_webhook=desk.hook,
        start_queue="Inbox",
        queues=("Network", "Billing", "Hardware"),
        agents=("ann", "bob"),
    )


def test_the_store_of_the_page_is_one_short_file(written):
    assert len(written[0].splitlines()) < LONGEST


def test_the_test_of_the_page_passes_as_written(written, desk, store):
    module: dict = {}
    exec(compile(written[1], str(PAGE), "exec"), module)
    module["test_plaindesk_keeps_the_contract"](desk, store)


@pytest.mark.parametrize("case", CASES)
def test_the_store_of_the_page_keeps_the_contract(case, store, harness):
    CASES[case](store, harness)


@pytest.mark.parametrize("fault", ["hang", "cut"])
def test_a_silence_after_the_write_is_looked_into_and_never_answered_by_a_second_write(
    fault, kind, faults, desk, store, harness
):
    store.http._client.timeout = 0.5
    faults.patience = 1.0
    ref = harness.make_tickets(1, None)[0]
    delivery = make_delivery(store.fetch(ref), {"queue": "Network"}, note="Sorted.")
    faults.waiting = [fault, fault]
    outcome = store.apply(delivery)
    assert outcome.result is DeliveryResult.APPLIED
    assert (desk.writes[ref, "deskyard"], len(desk.notes[ref])) == (1, 1)


@pytest.mark.parametrize("fault", ["too many", "broken"])
def test_what_was_not_done_is_asked_for_later_and_then_done_once(fault, faults, desk, store, harness):
    ref = harness.make_tickets(1, None)[0]
    delivery = make_delivery(store.fetch(ref), {"queue": "Network"}, note="Sorted.")
    faults.waiting = [fault]
    outcome = store.apply(delivery)
    assert outcome.result is DeliveryResult.RETRY_LATER
    assert outcome.retry_after > 0
    assert desk.tickets[ref]["queue"] == "Inbox"
    assert store.apply(delivery).result in (DeliveryResult.APPLIED, DeliveryResult.RETRY_LATER)
    store.http._budgets["write"]._held_until = 0.0
    store.apply(delivery)
    assert (desk.writes[ref, "deskyard"], len(desk.notes[ref])) == (1, 1)


def test_a_delivery_that_was_cut_off_before_its_note_gets_its_note(desk, store, harness):
    ref = harness.make_tickets(1, None)[0]
    seen = store.fetch(ref)
    desk.set(ref, {"queue": "Network"}, by="deskyard")
    cut_off = Delivery(id=new_id(), ref=ref, set={"queue": "Network"}, expect={"queue": "Inbox"}, begun=True)
    assert store.apply(cut_off).result is DeliveryResult.ALREADY_APPLIED
    assert [note["text"] for note in desk.notes[ref]] == [cut_off.marker]
    assert store.apply(cut_off).result is DeliveryResult.ALREADY_APPLIED
    assert len(desk.notes[ref]) == 1
    assert seen.queue == "Inbox"


def test_a_ticket_that_somebody_only_commented_on_meanwhile_is_still_written(desk, store, harness, monkeypatch):
    ref = harness.make_tickets(1, None)[0]
    seen = store.fetch(ref)
    fetch, looks = store.fetch, []

    def and_then_somebody_comments(asked):
        found = fetch(asked)
        if not looks:
            desk.say(asked, "looking into it", "ann")
        looks.append(asked)
        return found

    monkeypatch.setattr(store, "fetch", and_then_somebody_comments)
    assert store.apply(make_delivery(seen, {"queue": "Network"})).result is DeliveryResult.APPLIED
    assert desk.tickets[ref]["queue"] == "Network"


def test_a_person_who_comes_right_after_our_write_is_no_refusal(desk, store, harness, monkeypatch):
    ref = harness.make_tickets(1, None)[0]
    delivery = make_delivery(store.fetch(ref), {"queue": "Network", "priority": "high"}, note="Sorted.")
    write = store.write

    def and_then_a_person_writes(*given):
        refused = write(*given)
        desk.set(ref, {"queue": "Billing"}, by="ann")
        return refused

    monkeypatch.setattr(store, "write", and_then_a_person_writes)
    outcome = store.apply(delivery)
    assert (outcome.result, set(outcome.reasons)) == (DeliveryResult.APPLIED, {"queue"})
    assert (desk.tickets[ref]["queue"], desk.tickets[ref]["priority"]) == ("Billing", "high")
    assert len(desk.notes[ref]) == 1
