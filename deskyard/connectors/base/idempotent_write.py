"""Writes a delivery exactly once, in the same steps for every help desk.

Read the ticket; never overwrite a person's value; write only values that the catalogue has; write once; read back and
compare; add the note last. After a missing answer the ticket is read before anything is sent again. What a help desk
must provide is `WritableStore`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    DeliveryOutcome,
    DeliveryResult,
    FieldValues,
    StoredTicket,
    unsupported_fields,
)
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import StoreConflict, StoreRefused, StoreUnreachable

MAX_ATTEMPTS: Final = 3
"""How often a write is tried while others keep changing the ticket."""


class WritableStore(Protocol):
    """What a store must provide for `apply_delivery`."""

    @property
    def caps(self) -> Capabilities:
        """The capabilities of the store."""
        ...

    def fetch(self, ref: str) -> StoredTicket:
        """The current state of a ticket. Raises NotFound."""
        ...

    def catalogue(self) -> Catalogue:
        """The values that tickets can have, at most a minute old."""
        ...

    def invalidate_catalogue(self) -> None:
        """Read the catalogue again the next time."""
        ...

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """Set these values and tags, and the note if the help desk takes it in the same write.

        Returns field → reason for refused values. Raises StoreConflict if the help desk compares versions and the
        ticket has changed since it was seen.
        """
        ...

    def add_note(self, ref: str, text: str) -> None:
        """Add a note that only agents can see."""
        ...

    def find_overwritten(self, seen: StoredTicket, now: StoredTicket, values: FieldValues) -> FieldValues:
        """Values that people set between our read and our write, and that we overwrote: field → their value."""
        ...


def apply_delivery(store: WritableStore, delivery: Delivery) -> DeliveryOutcome:
    """Write a delivery, once. Raises NotFound and AccessDenied."""
    if reasons := unsupported_fields(store.caps, delivery):
        return DeliveryOutcome(DeliveryResult.UNSUPPORTED, None, reasons)
    seen = None
    try:
        for _ in range(MAX_ATTEMPTS):
            seen = store.fetch(delivery.ref)
            changed = seen.differing(delivery.set)
            ended = _outcome_before_write(store, delivery, seen, changed)
            if ended is not None:
                return ended
            values = {name: delivery.set[name] for name in changed}
            try:
                refused = store.write(seen, values, delivery)
            except StoreConflict:
                continue
            except StoreRefused as error:
                store.invalidate_catalogue()
                refused = (
                    dict.fromkeys(values, error.reason) if error.field == "request" else {error.field: error.reason}
                )
            except StoreUnreachable as error:
                delivery = replace(delivery, begun=True)
                if store.fetch(delivery.ref).differing(values):
                    return DeliveryOutcome(DeliveryResult.RETRY_LATER, seen, {"store": str(error)}, error.retry_after)
                refused = {}
            return _outcome_after_write(store, delivery, seen, values, refused)
    except StoreUnreachable as error:
        return DeliveryOutcome(DeliveryResult.RETRY_LATER, seen, {"store": str(error)}, error.retry_after)
    reasons = dict.fromkeys(delivery.set, "others keep changing the ticket")
    return DeliveryOutcome(DeliveryResult.CONFLICT, seen, reasons)


def _outcome_before_write(
    store: WritableStore, delivery: Delivery, seen: StoredTicket, changed: FieldValues
) -> DeliveryOutcome | None:
    """The outcome of a delivery that needs no write or must not be written; None if it is to be written."""
    if delivery.id in seen.markers:
        return DeliveryOutcome(DeliveryResult.ALREADY_APPLIED, seen)
    if delivery.set and not changed:
        # The values may be our own write, interrupted before its note.
        return DeliveryOutcome(
            DeliveryResult.ALREADY_APPLIED, _ensure_note(store, delivery, seen) if delivery.begun else seen
        )
    values = {name: delivery.set[name] for name in changed}
    if reasons := _missing_values(store, values, seen):
        return DeliveryOutcome(DeliveryResult.REJECTED, seen, reasons)
    moved = {
        name: f"it is now {value!r}"
        for name, value in seen.differing(delivery.expect).items()
        if name not in delivery.set or value != delivery.set[name]
    }
    if moved:
        return DeliveryOutcome(DeliveryResult.CONFLICT, seen, moved)
    if not delivery.expect and delivery.seen_version not in (None, seen.version):
        return DeliveryOutcome(
            DeliveryResult.CONFLICT, seen, dict.fromkeys(delivery.set, "the ticket was changed in the meantime")
        )
    if by_people := seen.set_by_people & changed.keys():
        reason = "a person set it, and people's values are not overwritten"
        return DeliveryOutcome(DeliveryResult.CONFLICT, seen, dict.fromkeys(sorted(by_people), reason))
    return None


def _missing_values(store: WritableStore, values: FieldValues, seen: StoredTicket) -> Mapping[str, str]:
    """Field → reason for values that the catalogue lacks, also after it was read again."""
    if store.catalogue().find_unavailable(values, seen.queue):
        store.invalidate_catalogue()
        return store.catalogue().find_unavailable(values, seen.queue)
    return {}


def _outcome_after_write(
    store: WritableStore, delivery: Delivery, seen: StoredTicket, values: FieldValues, refused: Mapping[str, str]
) -> DeliveryOutcome:
    """The outcome of a write, judged by what is read back."""
    now = store.fetch(delivery.ref)
    if theirs := store.find_overwritten(seen, now, values):
        store.write(now, theirs, Delivery(id=delivery.id, ref=delivery.ref, set=theirs))
        reasons = {
            name: f"a person set it to {value!r} at the same moment, and that value was restored"
            for name, value in theirs.items()
        }
        return DeliveryOutcome(DeliveryResult.CONFLICT, store.fetch(delivery.ref), reasons)
    lost = now.differing(values)
    overtaken = {name for name, value in lost.items() if value != seen.value(name)}
    reasons = {name: refused.get(name) or f"it is {value!r} after the write" for name, value in lost.items()}
    if delivery.add_tags and not now.tags >= set(delivery.add_tags):
        reasons["add_tags"] = refused.get("add_tags") or "not all tags are there after the write"
    if values and lost.keys() == values.keys():
        return DeliveryOutcome(DeliveryResult.CONFLICT if overtaken else DeliveryResult.REJECTED, now, reasons)
    # A value that is neither the old one nor ours was set by somebody right after our write: that is not a refusal.
    result = DeliveryResult.APPLIED if reasons.keys() <= overtaken else DeliveryResult.PARTIAL
    return DeliveryOutcome(result, _ensure_note(store, delivery, now), reasons)


def _ensure_note(store: WritableStore, delivery: Delivery, now: StoredTicket) -> StoredTicket:
    """Add the note unless it is there; returns the ticket after it. Raises StoreUnreachable if it may be missing."""
    if not store.caps.notes or delivery.id in now.markers:
        return now
    try:
        store.add_note(delivery.ref, delivery.full_note)
    except StoreUnreachable:
        after = store.fetch(delivery.ref)
        if delivery.id in after.markers:
            return after
        raise
    return store.fetch(delivery.ref)
