"""Cases of reading: pages that lose nothing, tickets as they are, webhooks that prove themselves."""

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
    """It answers, knows who we are, and its clock is right."""
    health = store.health()
    require(health.ok, f"it says that something is missing: {health.missing}")
    require(health.me, "it does not say who we are there")
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
    """A ticket that does not exist is NotThere, to read and to write."""
    unknown = "999999999"
    for door in (
        store.fetch,
        lambda ref: store.apply(Delivery(id=new_id(), ref=ref, set={"queue": harness.queues[0]})),
    ):
        try:
            door(unknown)
        except NotFound:
            continue
        fail(f"a ticket {unknown!r} that does not exist is not NotThere")


def pages_in_order(store: TicketStore, harness: StoreHarness) -> None:
    """Pages together hold every ticket, also those that changed in the same moment."""
    all_made = harness.make_tickets(5, None)
    found, _ = pull_all(store, None, 2)
    require(set(all_made) <= {one.ref for one in found}, "a run of pages left tickets of one moment out")


def loses_none_of_the_cursors_moment(store: TicketStore, harness: StoreHarness) -> None:
    """A ticket that changes in the very moment at which a run ended comes with the next."""
    harness.make_tickets(1, None)
    found, cursor = pull_all(store, None, 50)
    late = harness.make_tickets(1, found[-1].updated_at)[0]
    again, _ = pull_all(store, cursor, 50)
    require(late in {one.ref for one in again}, "a ticket of the cursor's own moment never came")


def loses_none_that_was_committed_late(store: TicketStore, harness: StoreHarness) -> None:
    """So does one that became visible after a younger one was read."""
    harness.make_tickets(1, None)
    found, cursor = pull_all(store, None, 50)
    late = harness.make_tickets(1, found[-1].updated_at - timedelta(seconds=1))[0]
    again, _ = pull_all(store, cursor, 50)
    require(late in {one.ref for one in again}, "a ticket that became visible a second late never came")


def loses_none_while_tickets_change(store: TicketStore, harness: StoreHarness) -> None:
    """Tickets that are made and changed while somebody pages all come, as they are last."""
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
    require(not missed, f"{len(missed)} of {len(refs)} tickets did not come as they are while others changed")


def starts_at_the_cursor(store: TicketStore, harness: StoreHarness) -> None:
    """A cursor of a moment leaves out what did not change since, and nothing that did."""
    old = harness.make_tickets(1, datetime.now(UTC) - timedelta(days=2))[0]
    before = store.fetch(old).updated_at
    began = datetime.now(UTC) - timedelta(seconds=5)
    new = harness.make_tickets(1, None)[0]
    found = {one.ref for one in pull_all(store, store.cursor_at(began), 50)[0]}
    require(new in found, "a ticket that was filed after the moment of a cursor did not come")
    require(old not in found or before > began - timedelta(days=1), "a cursor of a moment begins anew")


def refuses_an_unknown_cursor(store: TicketStore, harness: StoreHarness) -> None:
    """A cursor that it never gave is an error and no beginning."""
    try:
        store.pull("certainly not a cursor", 2)
    except BadInput:
        return
    fail("it takes a cursor that it never gave")


def recognises_its_own_writes(store: TicketStore, harness: StoreHarness) -> None:
    """Our own writing is told from a person's."""
    before = make_ticket(store, harness)
    _, cursor = pull_all(store, None, 50)
    delivery = make_delivery(before, {"queue": harness.queues[0]})
    assert_result(store.apply(delivery), DeliveryResult.APPLIED)
    seen = pull_ticket(store, cursor, before.ref)
    require(seen.last_change_by_deskyard, "our own writing comes back as news")
    require(not store.caps.notes or delivery.id in seen.markers, "the marker of a delivery is not found again")
    harness.set_as_person(before.ref, "queue", harness.queues[1])
    require(
        not pull_ticket(store, cursor, before.ref).last_change_by_deskyard,
        "a person's change is taken for our own writing",
    )


def reports_who_changed_it(store: TicketStore, harness: StoreHarness) -> None:
    """Where it tells who changed what, a person's change and ours are both there, in order, and told apart."""
    if not store.caps.moves:
        return
    before = make_ticket(store, harness)
    assert_result(store.apply(make_delivery(before, {"queue": harness.queues[0]})), DeliveryResult.APPLIED)
    harness.set_as_person(before.ref, "queue", harness.queues[1])
    found = [
        (move.was, move.became, move.by_deskyard) for move in store.fetch_moves(before.ref) if move.field == "queue"
    ]
    wanted = [(harness.start_queue, harness.queues[0], True), (harness.queues[0], harness.queues[1], False)]
    require(found == wanted, f"it tells the moves {found}, not {wanted}")


def rejects_forged_webhooks(store: TicketStore, harness: StoreHarness) -> None:
    """What nobody signed is not believed."""
    now = datetime.now(UTC)
    ref = make_ticket(store, harness).ref
    headers, raw = harness.make_webhook(ref, now) if harness.make_webhook else ({}, b"{}")
    for forged in [({}, raw), *([(headers, raw + b" ")] if store.caps.signed_webhooks else [])]:
        try:
            store.parse_webhook(*forged, now)
        except BadSignature:
            continue
        fail("a webhook that nobody signed is believed")


def accepts_a_valid_webhook(store: TicketStore, harness: StoreHarness) -> None:
    """A true one names its ticket, has the same id when repeated, and does not keep."""
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
    fail("a webhook of an hour ago is taken for news")
