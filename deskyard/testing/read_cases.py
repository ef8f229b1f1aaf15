"""Cases of reading: pages that lose nothing, tickets as they are, webhooks that prove themselves."""

from datetime import UTC, datetime, timedelta

from deskyard.connectors.base.ticket_store import Delivery, Result, StoredTicket, TicketStore
from deskyard.errors import BadInput, BadSignature, NotThere, StaleWebhook
from deskyard.testing.harness import MOST, Behind, deliver, ends, fail, made, new_id, pulled, run, see


def is_well(store: TicketStore, behind: Behind) -> None:
    """It answers, knows who we are, and its clock is right."""
    health = store.health()
    see(health.ok, f"it says that something is missing: {health.missing}")
    see(health.me, "it does not say who we are there")
    see(health.skew is None or abs(health.skew) < 300, f"its clock is {health.skew} seconds off")


def lists_what_it_has(store: TicketStore, behind: Behind) -> None:
    """Its open queues and present agents are in the catalogue."""
    found = store.catalogue()
    see({behind.start, *behind.queues[:2]} <= set(found.queues), f"it lists the queues {sorted(found.queues)}")
    see(found.serves(behind.agents[0], behind.queues[0]), f"it lists the agents {dict(found.agents)}")
    see(found.version == store.catalogue().version, "its version changes although nothing did")


def knows_no_unknown_ticket(store: TicketStore, behind: Behind) -> None:
    """A ticket that does not exist is NotThere, to read and to write."""
    unknown = "999999999"
    for door in (store.fetch, lambda ref: store.apply(Delivery(id=new_id(), ref=ref, set={"queue": behind.queues[0]}))):
        try:
            door(unknown)
        except NotThere:
            continue
        fail(f"a ticket {unknown!r} that does not exist is not NotThere")


def pages_in_order(store: TicketStore, behind: Behind) -> None:
    """Pages together hold every ticket, also those that changed in the same moment."""
    all_made = behind.make(5, None)
    found, _ = run(store, None, 2)
    see(set(all_made) <= {one.ref for one in found}, "a run of pages left tickets of one moment out")


def loses_none_of_the_cursors_moment(store: TicketStore, behind: Behind) -> None:
    """A ticket that changes in the very moment at which a run ended comes with the next."""
    behind.make(1, None)
    found, cursor = run(store, None, 50)
    late = behind.make(1, found[-1].updated_at)[0]
    again, _ = run(store, cursor, 50)
    see(late in {one.ref for one in again}, "a ticket of the cursor's own moment never came")


def loses_none_that_was_committed_late(store: TicketStore, behind: Behind) -> None:
    """So does one that became visible after a younger one was read."""
    behind.make(1, None)
    found, cursor = run(store, None, 50)
    late = behind.make(1, found[-1].updated_at - timedelta(seconds=1))[0]
    again, _ = run(store, cursor, 50)
    see(late in {one.ref for one in again}, "a ticket that became visible a second late never came")


def loses_none_while_tickets_change(store: TicketStore, behind: Behind) -> None:
    """Tickets that are made and changed while somebody pages all come, as they are last."""
    refs = behind.make(6, None)
    found: dict[str, StoredTicket] = {}
    cursor, more, changed = None, True, 0
    for _ in range(MOST):
        page = store.pull(cursor, 2)
        found |= {one.ref: one for one in page.tickets}
        cursor, more = page.cursor, page.more
        if changed < 3 and found.keys() & set(refs):
            behind.person_sets(refs[changed], "queue", behind.queues[changed % 2])
            refs += behind.make(1, None)
            changed += 1
        elif not more:
            break
    newest = {ref: store.fetch(ref).version for ref in refs}
    missed = [ref for ref, version in newest.items() if ref not in found or found[ref].version != version]
    see(not missed, f"{len(missed)} of {len(refs)} tickets did not come as they are while others changed")


def begins_where_it_is_told(store: TicketStore, behind: Behind) -> None:
    """A cursor of a moment leaves out what did not change since, and nothing that did."""
    old = behind.make(1, datetime.now(UTC) - timedelta(days=2))[0]
    before = store.fetch(old).updated_at
    began = datetime.now(UTC) - timedelta(seconds=5)
    new = behind.make(1, None)[0]
    found = {one.ref for one in run(store, store.cursor_at(began), 50)[0]}
    see(new in found, "a ticket that was filed after the moment of a cursor did not come")
    see(old not in found or before > began - timedelta(days=1), "a cursor of a moment begins anew")


def refuses_a_strange_cursor(store: TicketStore, behind: Behind) -> None:
    """A cursor that it never gave is an error and no beginning."""
    try:
        store.pull("certainly not a cursor", 2)
    except BadInput:
        return
    fail("it takes a cursor that it never gave")


def knows_its_own_writing(store: TicketStore, behind: Behind) -> None:
    """Our own writing is told from a person's."""
    before = made(store, behind)
    _, cursor = run(store, None, 50)
    delivery = deliver(before, {"queue": behind.queues[0]})
    ends(store.apply(delivery), Result.APPLIED)
    seen = pulled(store, cursor, before.ref)
    see(seen.ours, "our own writing comes back as news")
    see(not store.caps.notes or delivery.id in seen.markers, "the marker of a delivery is not found again")
    behind.person_sets(before.ref, "queue", behind.queues[1])
    see(not pulled(store, cursor, before.ref).ours, "a person's change is taken for our own writing")


def tells_who_moved_it(store: TicketStore, behind: Behind) -> None:
    """Where it tells who changed what, a person's change and ours are both there, in order, and told apart."""
    if not store.caps.moves:
        return
    before = made(store, behind)
    ends(store.apply(deliver(before, {"queue": behind.queues[0]})), Result.APPLIED)
    behind.person_sets(before.ref, "queue", behind.queues[1])
    found = [(move.was, move.became, move.ours) for move in store.moves(before.ref) if move.field == "queue"]
    wanted = [(behind.start, behind.queues[0], True), (behind.queues[0], behind.queues[1], False)]
    see(found == wanted, f"it tells the moves {found}, not {wanted}")


def trusts_no_forged_webhook(store: TicketStore, behind: Behind) -> None:
    """What nobody signed is not believed."""
    now = datetime.now(UTC)
    ref = made(store, behind).ref
    headers, raw = behind.hook(ref, now) if behind.hook else ({}, b"{}")
    for forged in [({}, raw), *([(headers, raw + b" ")] if store.caps.signed_webhooks else [])]:
        try:
            store.parse_webhook(*forged, now)
        except BadSignature:
            continue
        fail("a webhook that nobody signed is believed")


def reads_a_true_webhook(store: TicketStore, behind: Behind) -> None:
    """A true one names its ticket, has the same id when repeated, and does not keep."""
    if behind.hook is None:
        return
    now = datetime.now(UTC)
    ref = made(store, behind).ref
    hook = behind.hook(ref, now)
    events = store.parse_webhook(*hook, now)
    see([event.ref for event in events] == [ref], f"it names {[event.ref for event in events]}, not the ticket {ref}")
    see(events == store.parse_webhook(*hook, now), "the same webhook again has another id")
    if not store.caps.signed_webhooks:
        return
    try:
        store.parse_webhook(*behind.hook(ref, now - timedelta(hours=1)), now)
    except StaleWebhook:
        return
    fail("a webhook of an hour ago is taken for news")
