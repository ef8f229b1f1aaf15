"""Conformance cases of writing: once, only values that the store has, never over a person's, and read back."""

from deskyard.connectors.base.ticket_store import Delivery, DeliveryResult, FieldValues, TicketStore
from deskyard.testing.harness import (
    StoreHarness,
    assert_refused,
    assert_result,
    make_delivery,
    make_ticket,
    new_id,
    require,
)


def reads_back(store: TicketStore, harness: StoreHarness) -> None:
    """The values that it reports as written are there, and nothing else changed."""
    before = make_ticket(store, harness)
    values: dict[str, str | None] = {"queue": harness.queues[0], "assignee": harness.agents[0], "priority": "high"}
    values = {name: value for name, value in values.items() if name in store.caps.settable_fields}
    outcome = store.apply(make_delivery(before, values))
    assert_result(outcome, DeliveryResult.APPLIED)
    now = store.fetch(before.ref)
    require(not now.differing(values), f"it reports applied, but the ticket has {now.differing(values)}")
    require(now.version != before.version, "the ticket changed and its version did not")
    require(now.ticket == before.ticket, "the ticket itself was changed")
    require(
        outcome.observed is not None and not outcome.observed.differing(values),
        "it does not return the ticket that it read back",
    )


def writes_once(store: TicketStore, harness: StoreHarness) -> None:
    """The same delivery many times is one write and one note."""
    before = make_ticket(store, harness)
    delivery = make_delivery(before, {"queue": harness.queues[0]}, note="Sorted by deskyard.")
    assert_result(store.apply(delivery), DeliveryResult.APPLIED)
    first = store.fetch(before.ref)
    for _ in range(3):
        assert_result(store.apply(delivery), DeliveryResult.ALREADY_APPLIED)
    require(store.fetch(before.ref).version == first.version, "a repeated delivery changed the ticket again")
    notes = [text for text in harness.read_notes(before.ref) if delivery.marker in text]
    require(not store.caps.notes or len(notes) == 1, f"{len(notes)} notes have the marker of one delivery")
    require(not store.caps.notes or "Sorted by deskyard." in notes[0], "the note does not have the given text")


def keeps_later_changes(store: TicketStore, harness: StoreHarness) -> None:
    """A repeated delivery after a person's change does not undo that change."""
    before = make_ticket(store, harness)
    delivery = make_delivery(before, {"queue": harness.queues[0]})
    assert_result(store.apply(delivery), DeliveryResult.APPLIED)
    harness.set_as_person(before.ref, "queue", harness.queues[1])
    require(
        store.apply(delivery).result in (DeliveryResult.ALREADY_APPLIED, DeliveryResult.CONFLICT),
        "a late repetition was written",
    )
    require(store.fetch(before.ref).queue == harness.queues[1], "a late repetition overwrote a person's value")


def skips_values_already_set(store: TicketStore, harness: StoreHarness) -> None:
    """Values that are set already are not written again."""
    before = make_ticket(store, harness)
    assert_result(store.apply(make_delivery(before, {"queue": harness.queues[0]})), DeliveryResult.APPLIED)
    now = store.fetch(before.ref)
    assert_result(store.apply(make_delivery(now, {"queue": harness.queues[0]})), DeliveryResult.ALREADY_APPLIED)
    require(store.fetch(before.ref).version == now.version, "values that were set already were written again")


def lets_people_win(store: TicketStore, harness: StoreHarness) -> None:
    """A value that a person set after our read stays."""
    before = make_ticket(store, harness)
    harness.set_as_person(before.ref, "queue", harness.queues[1])
    assert_refused(store, harness, make_delivery(before, {"queue": harness.queues[0]}), DeliveryResult.CONFLICT)
    require(store.fetch(before.ref).queue == harness.queues[1], "a person's queue was overwritten")


def returns_the_conflicting_ticket(store: TicketStore, harness: StoreHarness) -> None:
    """A conflict is returned with the current state of the ticket."""
    before = make_ticket(store, harness)
    harness.set_as_person(before.ref, "queue", harness.queues[1])
    outcome = store.apply(make_delivery(before, {"queue": harness.queues[0]}))
    observed = outcome.observed
    require(observed is not None and observed.queue == harness.queues[1], "a conflict does not show the person's queue")


def keeps_values_set_by_people(store: TicketStore, harness: StoreHarness) -> None:
    """If it reports who set a value, a person's value stays although it was seen and expected."""
    if not store.caps.reports_people:
        return
    ref = make_ticket(store, harness).ref
    harness.set_as_person(ref, "queue", harness.queues[1])
    assert_refused(
        store, harness, make_delivery(store.fetch(ref), {"queue": harness.queues[0]}), DeliveryResult.CONFLICT
    )


def checks_the_version(store: TicketStore, harness: StoreHarness) -> None:
    """If it compares versions, a write based on an older one is refused."""
    if not store.caps.checks_version:
        return
    before = make_ticket(store, harness)
    harness.set_as_person(before.ref, "priority", "high")
    blind = Delivery(id=new_id(), ref=before.ref, set={"queue": harness.queues[0]}, seen_version=before.version)
    assert_refused(store, harness, blind, DeliveryResult.CONFLICT)


def refuses_unknown_values(store: TicketStore, harness: StoreHarness) -> None:
    """An unknown queue, priority or agent is named, and nothing of the delivery is written."""
    for name in sorted(store.caps.settable_fields & {"queue", "priority", "assignee"}):
        before = make_ticket(store, harness)
        good: dict[str, str | None] = {"priority": "low"} if name == "queue" else {"queue": harness.queues[0]}
        delivery = make_delivery(before, good | {name: "Nobody has this"})
        outcome = assert_refused(store, harness, delivery, DeliveryResult.REJECTED)
        require(set(outcome.reasons) == {name}, f"only {name!r} is wrong, but it names {sorted(outcome.reasons)}")


def refuses_a_closed_queue(store: TicketStore, harness: StoreHarness) -> None:
    """No ticket is moved into a closed queue."""
    before = make_ticket(store, harness)
    harness.close_queue(harness.queues[2])
    store.invalidate_catalogue()
    require(harness.queues[2] not in store.catalogue().queues, "a closed queue is still in the catalogue")
    assert_refused(store, harness, make_delivery(before, {"queue": harness.queues[2]}), DeliveryResult.REJECTED)


def refuses_an_absent_agent(store: TicketStore, harness: StoreHarness) -> None:
    """No ticket is assigned to an agent who is absent."""
    before = make_ticket(store, harness)
    harness.make_absent(harness.agents[1])
    store.invalidate_catalogue()
    require(
        not store.catalogue().serves(harness.agents[1], harness.queues[0]), "an absent agent is still in the catalogue"
    )
    values: FieldValues = {"queue": harness.queues[0], "assignee": harness.agents[1]}
    assert_refused(store, harness, make_delivery(before, values), DeliveryResult.REJECTED)


def reports_unsupported_fields(store: TicketStore, harness: StoreHarness) -> None:
    """Unsupported fields and tags are named, and nothing of the delivery is written."""
    before = make_ticket(store, harness)
    unsupported: FieldValues = dict.fromkeys(
        sorted({"category", "priority", "colour"} - store.caps.settable_fields), "x"
    )
    tags = () if store.caps.tags else ("vip",)
    delivery = Delivery(id=new_id(), ref=before.ref, set={"queue": harness.queues[0], **unsupported}, add_tags=tags)
    outcome = assert_refused(store, harness, delivery, DeliveryResult.UNSUPPORTED)
    require(
        set(unsupported) <= set(outcome.reasons),
        f"it can't set {sorted(unsupported)}, but names {sorted(outcome.reasons)}",
    )
