"""Cases of writing: once, only what the store has, never over a person, and read back."""

from deskyard.connectors.base.ticket_store import Delivery, Result, TicketStore, Values
from deskyard.testing.harness import Behind, deliver, ends, made, new_id, refuses, see


def reads_back(store: TicketStore, behind: Behind) -> None:
    """What it says it wrote stands there, and nothing else changed."""
    before = made(store, behind)
    wanted: dict[str, str | None] = {"queue": behind.queues[0], "assignee": behind.agents[0], "priority": "high"}
    wanted = {name: value for name, value in wanted.items() if name in store.caps.sets}
    outcome = store.apply(deliver(before, wanted))
    ends(outcome, Result.APPLIED)
    now = store.fetch(before.ref)
    see(not now.differing(wanted), f"it says applied, and {now.differing(wanted)} stands there")
    see(now.version != before.version, "the ticket changed and its version did not")
    see(now.ticket == before.ticket, "the ticket itself was changed")
    see(outcome.observed is not None and not outcome.observed.differing(wanted), "it does not tell what it read back")


def writes_once(store: TicketStore, behind: Behind) -> None:
    """The same delivery many times is one write and one note."""
    before = made(store, behind)
    delivery = deliver(before, {"queue": behind.queues[0]}, note="Sorted by deskyard.")
    ends(store.apply(delivery), Result.APPLIED)
    first = store.fetch(before.ref)
    for _ in range(3):
        ends(store.apply(delivery), Result.ALREADY_APPLIED)
    see(store.fetch(before.ref).version == first.version, "the same delivery again changed the ticket again")
    notes = [text for text in behind.notes(before.ref) if delivery.marker in text]
    see(not store.caps.notes or len(notes) == 1, f"{len(notes)} notes bear the marker of one delivery")
    see(not store.caps.notes or "Sorted by deskyard." in notes[0], "the note does not say what it was given")


def lets_a_later_hand_stand(store: TicketStore, behind: Behind) -> None:
    """A repeat that comes after a person's change does not take it back."""
    before = made(store, behind)
    delivery = deliver(before, {"queue": behind.queues[0]})
    ends(store.apply(delivery), Result.APPLIED)
    behind.person_sets(before.ref, "queue", behind.queues[1])
    see(store.apply(delivery).result in (Result.ALREADY_APPLIED, Result.CONFLICT), "a late repeat was written")
    see(store.fetch(before.ref).queue == behind.queues[1], "a late repeat overwrote a person")


def writes_nothing_that_stands(store: TicketStore, behind: Behind) -> None:
    """What stands there already is not written again."""
    before = made(store, behind)
    ends(store.apply(deliver(before, {"queue": behind.queues[0]})), Result.APPLIED)
    now = store.fetch(before.ref)
    ends(store.apply(deliver(now, {"queue": behind.queues[0]})), Result.ALREADY_APPLIED)
    see(store.fetch(before.ref).version == now.version, "what stood there already was written again")


def lets_people_win(store: TicketStore, behind: Behind) -> None:
    """What a person set after we looked stays."""
    before = made(store, behind)
    behind.person_sets(before.ref, "queue", behind.queues[1])
    refuses(store, behind, deliver(before, {"queue": behind.queues[0]}), Result.CONFLICT)
    see(store.fetch(before.ref).queue == behind.queues[1], "a person's queue was overwritten")


def shows_what_stands_against_it(store: TicketStore, behind: Behind) -> None:
    """A conflict comes with the ticket as it is."""
    before = made(store, behind)
    behind.person_sets(before.ref, "queue", behind.queues[1])
    outcome = store.apply(deliver(before, {"queue": behind.queues[0]}))
    observed = outcome.observed
    see(observed is not None and observed.queue == behind.queues[1], "a conflict does not show the person's queue")


def knows_a_person_from_a_machine(store: TicketStore, behind: Behind) -> None:
    """Where it tells who set a value, a person's stays although it was seen and expected."""
    if not store.caps.knows_people:
        return
    ref = made(store, behind).ref
    behind.person_sets(ref, "queue", behind.queues[1])
    refuses(store, behind, deliver(store.fetch(ref), {"queue": behind.queues[0]}), Result.CONFLICT)


def checks_the_version(store: TicketStore, behind: Behind) -> None:
    """Where it compares versions, a write that is based on an older one is refused."""
    if not store.caps.checks_version:
        return
    before = made(store, behind)
    behind.person_sets(before.ref, "priority", "high")
    blind = Delivery(id=new_id(), ref=before.ref, set={"queue": behind.queues[0]}, seen_version=before.version)
    refuses(store, behind, blind, Result.CONFLICT)


def refuses_what_it_does_not_have(store: TicketStore, behind: Behind) -> None:
    """An unknown queue, priority or agent is named, and nothing of the delivery is written."""
    for name in sorted(store.caps.sets & {"queue", "priority", "assignee"}):
        before = made(store, behind)
        good: dict[str, str | None] = {"priority": "low"} if name == "queue" else {"queue": behind.queues[0]}
        delivery = deliver(before, good | {name: "Nobody has this"})
        outcome = refuses(store, behind, delivery, Result.REJECTED)
        see(set(outcome.why) == {name}, f"of {name!r} alone nothing is wrong, it names {sorted(outcome.why)}")


def refuses_a_closed_queue(store: TicketStore, behind: Behind) -> None:
    """Nothing is moved into a queue that was closed."""
    before = made(store, behind)
    behind.close_queue(behind.queues[2])
    store.forget()
    see(behind.queues[2] not in store.catalogue().queues, "a closed queue is still in the catalogue")
    refuses(store, behind, deliver(before, {"queue": behind.queues[2]}), Result.REJECTED)


def refuses_an_absent_agent(store: TicketStore, behind: Behind) -> None:
    """Nothing is given to an agent who is away."""
    before = made(store, behind)
    behind.send_away(behind.agents[1])
    store.forget()
    see(not store.catalogue().serves(behind.agents[1], behind.queues[0]), "an absent agent is still in the catalogue")
    wanted: Values = {"queue": behind.queues[0], "assignee": behind.agents[1]}
    refuses(store, behind, deliver(before, wanted), Result.REJECTED)


def says_what_it_can_not_do(store: TicketStore, behind: Behind) -> None:
    """Fields and tags that it does not know are named, and nothing of the delivery is written."""
    before = made(store, behind)
    asked: Values = dict.fromkeys(sorted({"category", "priority", "colour"} - store.caps.sets), "x")
    tags = () if store.caps.tags else ("vip",)
    delivery = Delivery(id=new_id(), ref=before.ref, set={"queue": behind.queues[0], **asked}, add_tags=tags)
    outcome = refuses(store, behind, delivery, Result.UNSUPPORTED)
    see(set(asked) <= set(outcome.why), f"it can't set {sorted(asked)} and names {sorted(outcome.why)}")
