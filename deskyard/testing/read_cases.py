"""Conformance cases of reading: pages without gaps, the state of tickets, webhooks that are verified."""

from datetime import UTC, datetime, timedelta

from deskyard.connectors.base.ticket_store import Delivery, DeliveryResult, StoredTicket, TicketStore
from deskyard.errors import BadInput, BadSignature, NotFound, StaleWebhook
from deskyard.testing.harness import (
    MAX_PAGES,
    StoreHarness,
    assert_result,
    fail,
    make_delivery,
    make_ticket,
    new_id,
    pull_all,
    pull_ticket,
    require,
)


def is_healthy(store: TicketStore, harness: StoreHarness) -> None:
    """It answers, knows our user, and its clock is right."""
    health = store.health()
    require(health.ok, f"it reports that something is missing: {health.missing}")
    require(health.me, "it does not report our user there")
    require(health.skew is None or abs(health.skew) < 300, f"its clock is {health.skew} seconds off")


def lists_what_it_has(store: TicketStore, harness: StoreHarness) -> None:
    """Its open queues and present agents are in the catalogue."""
    found = store.catalogue()
    require(
        {harness.start_queue, *harness.queues[:2]} <= set(found.queues), f"it lists the queues {sorted(found.queues)}"
    )
    require(found.serves(harness.agents[0], harness.queues[0]), f"it lists the agents {dict(found.agents)}")
    require(found.version == store.catalogue().version, "its version changes although nothing did")


def reports_unknown_tickets(store: TicketStore, harness: StoreHarness) -> None:
    """Reading or writing a ticket that does not exist raises NotFound."""
    unknown = "999999999"
    for operation in (
        store.fetch,
        lambda ref: store.apply(Delivery(id=new_id(), ref=ref, set={"queue": harness.queues[0]})),
    ):
        try:
            operation(unknown)
        except NotFound:
            continue
        fail(f"a ticket {unknown!r} that does not exist raises no NotFound")


def pages_in_order(store: TicketStore, harness: StoreHarness) -> None:
    """Pages together hold every ticket, also those that changed at the same time."""
    all_made = harness.make_tickets(5, None)
    found, _ = pull_all(store, None, 2)
    require(set(all_made) <= {one.ref for one in found}, "the pages left out tickets with the same time")


def loses_none_of_the_cursors_moment(store: TicketStore, harness: StoreHarness) -> None:
    """A ticket that changes at the very time at which a pull ended comes with the next one."""
    harness.make_tickets(1, None)
    found, cursor = pull_all(store, None, 50)
    late = harness.make_tickets(1, found[-1].updated_at)[0]
    again, _ = pull_all(store, cursor, 50)
    require(late in {one.ref for one in again}, "a ticket with the cursor's own time never came")


def loses_none_that_was_committed_late(store: TicketStore, harness: StoreHarness) -> None:
    """A ticket that became visible after a younger one was read comes with the next pull."""
    harness.make_tickets(1, None)
    found, cursor = pull_all(store, None, 50)
    late = harness.make_tickets(1, found[-1].updated_at - timedelta(seconds=1))[0]
    again, _ = pull_all(store, cursor, 50)
    require(late in {one.ref for one in again}, "a ticket that became visible a second late never came")


def loses_none_while_tickets_change(store: TicketStore, harness: StoreHarness) -> None:
    """Tickets that are made and changed during a pull all come, in their last state."""
    refs = harness.make_tickets(6, None)
    found: dict[str, StoredTicket] = {}
    cursor, more, changed = None, True, 0
    for _ in range(MAX_PAGES):
        page = store.pull(cursor, 2)
        found |= {one.ref: one for one in page.tickets}
        cursor, more = page.cursor, page.more
        if changed < 3 and found.keys() & set(refs):
            harness.set_as_person(refs[changed], "queue", harness.queues[changed % 2])
            refs += harness.make_tickets(1, None)
            changed += 1
        elif not more:
            break
    newest = {ref: store.fetch(ref).version for ref in refs}
    missed = [ref for ref, version in newest.items() if ref not in found or found[ref].version != version]
    require(not missed, f"{len(missed)} of {len(refs)} tickets did not come in their last state while others changed")


def starts_at_the_cursor(store: TicketStore, harness: StoreHarness) -> None:
    """A cursor of a time leaves out what did not change since, and nothing that did."""
    old = harness.make_tickets(1, datetime.now(UTC) - timedelta(days=2))[0]
    before = store.fetch(old).updated_at
    start = datetime.now(UTC) - timedelta(seconds=5)
    new = harness.make_tickets(1, None)[0]
    found = {one.ref for one in pull_all(store, store.cursor_at(start), 50)[0]}
    require(new in found, "a ticket that was filed after the time of a cursor did not come")
    require(old not in found or before > start - timedelta(days=1), "a cursor of a time starts from the beginning")


def refuses_an_unknown_cursor(store: TicketStore, harness: StoreHarness) -> None:
    """A cursor that it never gave is an error; it does not start from the beginning."""
    try:
        store.pull("certainly not a cursor", 2)
    except BadInput:
        return
    fail("it accepts a cursor that it never gave")


def recognises_its_own_writes(store: TicketStore, harness: StoreHarness) -> None:
    """It distinguishes our own writes from a person's."""
    before = make_ticket(store, harness)
    _, cursor = pull_all(store, None, 50)
    delivery = make_delivery(before, {"queue": harness.queues[0]})
    assert_result(store.apply(delivery), DeliveryResult.APPLIED)
    seen = pull_ticket(store, cursor, before.ref)
    require(seen.last_change_by_deskyard, "our own write comes back as news")
    require(not store.caps.notes or delivery.id in seen.markers, "the marker of a delivery is not found again")
    harness.set_as_person(before.ref, "queue", harness.queues[1])
    require(
        not pull_ticket(store, cursor, before.ref).last_change_by_deskyard,
        "a person's change is taken for our own write",
    )


def reports_who_changed_it(store: TicketStore, harness: StoreHarness) -> None:
    """If it reports who changed what, a person's change and ours are both there, in order, and distinguished."""
    if not store.caps.moves:
        return
    before = make_ticket(store, harness)
    assert_result(store.apply(make_delivery(before, {"queue": harness.queues[0]})), DeliveryResult.APPLIED)
    harness.set_as_person(before.ref, "queue", harness.queues[1])
    found = [
        (move.was, move.became, move.by_deskyard) for move in store.fetch_moves(before.ref) if move.field == "queue"
    ]
    expected = [(harness.start_queue, harness.queues[0], True), (harness.queues[0], harness.queues[1], False)]
    require(found == expected, f"it reports the moves {found}, not {expected}")


def rejects_forged_webhooks(store: TicketStore, harness: StoreHarness) -> None:
    """A webhook without a valid signature or secret is rejected."""
    now = datetime.now(UTC)
    ref = make_ticket(store, harness).ref
    headers, raw = harness.make_webhook(ref, now) if harness.make_webhook else ({}, b"{}")
    for forged in [({}, raw), *([(headers, raw + b" ")] if store.caps.signed_webhooks else [])]:
        try:
            store.parse_webhook(*forged, now)
        except BadSignature:
            continue
        fail("a webhook that nobody signed is accepted")


def accepts_a_valid_webhook(store: TicketStore, harness: StoreHarness) -> None:
    """A valid webhook names its ticket, has the same id when repeated, and is rejected when it is old."""
    if harness.make_webhook is None:
        return
    now = datetime.now(UTC)
    ref = make_ticket(store, harness).ref
    hook = harness.make_webhook(ref, now)
    events = store.parse_webhook(*hook, now)
    require(
        [event.ref for event in events] == [ref], f"it names {[event.ref for event in events]}, not the ticket {ref}"
    )
    require(events == store.parse_webhook(*hook, now), "the same webhook again has another id")
    if not store.caps.signed_webhooks:
        return
    try:
        store.parse_webhook(*harness.make_webhook(ref, now - timedelta(hours=1)), now)
    except StaleWebhook:
        return
    fail("a webhook of an hour ago is accepted")
