"""What every case needs: a view of the store's people, and the words in which a case says what is broken."""

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
"""Pages after which a run is taken for endless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHarness:
    """What happens at the store without our API user.

    `make(n, at)`: n tickets in queue `start` that no person has touched, all of one moment where the store can be told
    one (`at`; None: now); their refs. `person_sets(ref, field, value)`; `notes(ref)`: the internal notes, oldest first.
    `close_queue` and `send_away` make a queue closed and an agent absent. `queues`: two open ones beside `start`, and
    one that may be closed; `agents`: one of the first queue, and one of it who may be sent away. `hook(ref, at)`: a
    true webhook of that moment, where the store sends any.
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
    """A store broke its contract; the message says how."""


def make_ticket(store: TicketStore, harness: StoreHarness) -> StoredTicket:
    """A ticket that no person has touched."""
    return store.fetch(harness.make_tickets(1, None)[0])


def make_delivery(seen: StoredTicket, values: FieldValues, note: str = "") -> Delivery:
    """A delivery to a ticket as it was seen."""
    expect = {name: seen.value(name) for name in (*values, "status")}
    return Delivery(id=new_id(), ref=seen.ref, set=values, expect=expect, note=note, seen_version=seen.version)


def new_id() -> str:
    """A delivery's id that was never used."""
    return f"d-{uuid4().hex[:12]}"


def pull_all(store: TicketStore, cursor: str | None, limit: int) -> tuple[list[StoredTicket], str]:
    """All pages until there is no more."""
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
    """A ticket as the pages after the cursor show it last."""
    found = [one for one in pull_all(store, cursor, 50)[0] if one.ref == ref]
    if not found:
        fail("a change never came")
    return found[-1]


def assert_refused(
    store: TicketStore, harness: StoreHarness, delivery: Delivery, result: DeliveryResult
) -> DeliveryOutcome:
    """It answers so, and neither the ticket nor its notes change."""
    before, notes = store.fetch(delivery.ref), harness.read_notes(delivery.ref)
    outcome = store.apply(delivery)
    assert_result(outcome, result)
    now = store.fetch(delivery.ref)
    require(
        now.version == before.version and harness.read_notes(delivery.ref) == notes,
        f"it says {result} and wrote something",
    )
    require(outcome.reasons, "it does not say why")
    return outcome


def assert_result(outcome: DeliveryOutcome, result: DeliveryResult) -> None:
    """The delivery became what it should."""
    require(outcome.result is result, f"the outcome is {outcome.result} ({dict(outcome.reasons)}), not {result}")


def require(condition: object, message: str) -> None:
    """Break off where something does not hold."""
    if not condition:
        fail(message)


def fail(message: str) -> NoReturn:
    """Break off."""
    raise ContractViolation(message)
