"""What the conformance cases share: the harness by which they act as people of the help desk, and assertions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn
from uuid import uuid4

from deskyard.connectors.base.ticket_store import (
    Delivery,
    DeliveryOutcome,
    DeliveryResult,
    FieldValues,
    StoredTicket,
    TicketStore,
)

MAX_PAGES: Final = 1_000
"""Pages after which a pull is considered endless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHarness:
    """What people do at the help desk, without our API user.

    `make_tickets(n, at)` makes n tickets in the queue `start_queue` that no person has changed, all with the same time
    `at` if the store allows that (None: now), and returns their refs. `set_as_person(ref, field, value)` changes one.
    `read_notes(ref)` returns the internal notes, oldest first. `close_queue` closes a queue, `make_absent` marks an
    agent as absent. `queues`: two open ones beside `start_queue`, and one that may be closed; `agents`: one of the
    first queue, and another of it who may be made absent. `make_webhook(ref, at)` returns headers and body of a valid
    webhook of that time, if the store sends any.
    """

    make_tickets: Callable[[int, datetime | None], list[str]]
    set_as_person: Callable[[str, str, str], None]
    read_notes: Callable[[str], list[str]]
    close_queue: Callable[[str], None]
    make_absent: Callable[[str], None]
    start_queue: str
    queues: tuple[str, str, str]
    agents: tuple[str, str]
    make_webhook: Callable[[str, datetime], tuple[Mapping[str, str], bytes]] | None = None


class ContractViolation(AssertionError):
    """A store does not conform; the message says how."""


def make_ticket(store: TicketStore, harness: StoreHarness) -> StoredTicket:
    """A new ticket that no person has changed."""
    return store.fetch(harness.make_tickets(1, None)[0])


def make_delivery(seen: StoredTicket, values: FieldValues, note: str = "") -> Delivery:
    """A delivery of values to a ticket that expects what was seen."""
    expect = {name: seen.value(name) for name in (*values, "status")}
    return Delivery(id=new_id(), ref=seen.ref, set=values, expect=expect, note=note, seen_version=seen.version)


def new_id() -> str:
    """A new id for a delivery."""
    return f"d-{uuid4().hex[:12]}"


def pull_all(store: TicketStore, cursor: str | None, limit: int) -> tuple[list[StoredTicket], str]:
    """The tickets of all pages after the cursor, and the last cursor."""
    found: list[StoredTicket] = []
    pages, page = 1, store.pull(cursor, limit)
    while True:
        require(pages <= MAX_PAGES, "its pages never end")
        require(len(page.tickets) <= limit, f"a page of {limit} has {len(page.tickets)} tickets")
        times = [one.updated_at for one in page.tickets]
        require(times == sorted(times), "a page is not in the order of the changes")
        found += page.tickets
        if not page.more:
            return found, page.cursor
        pages, page = pages + 1, store.pull(page.cursor, limit)


def pull_ticket(store: TicketStore, cursor: str, ref: str) -> StoredTicket:
    """A ticket in its last state on the pages after the cursor."""
    found = [one for one in pull_all(store, cursor, 50)[0] if one.ref == ref]
    if not found:
        fail("a change never appeared in a pull")
    return found[-1]


def assert_refused(
    store: TicketStore, harness: StoreHarness, delivery: Delivery, result: DeliveryResult
) -> DeliveryOutcome:
    """Require that a delivery has this result and changes neither the ticket nor its notes; returns the outcome."""
    before, notes = store.fetch(delivery.ref), harness.read_notes(delivery.ref)
    outcome = store.apply(delivery)
    assert_result(outcome, result)
    now = store.fetch(delivery.ref)
    require(
        now.version == before.version and harness.read_notes(delivery.ref) == notes,
        f"it says {result} and wrote something",
    )
    require(outcome.reasons, "it gives no reason")
    return outcome


def assert_result(outcome: DeliveryOutcome, result: DeliveryResult) -> None:
    """Require that a delivery has this result."""
    require(outcome.result is result, f"the outcome is {outcome.result} ({dict(outcome.reasons)}), not {result}")


def require(condition: object, message: str) -> None:
    """Raise ContractViolation unless the condition holds."""
    if not condition:
        fail(message)


def fail(message: str) -> NoReturn:
    """Raise ContractViolation."""
    raise ContractViolation(message)
