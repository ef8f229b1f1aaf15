"""A delivery written once: the same steps at every help desk, whatever each calls them.

In comes a delivery, out goes an outcome. Look first; never over a person; only what the catalogue has; write once;
believe nothing but what is read back; the note last. After a silence the ticket is looked at before anything is sent
again. The help desk's own part is `WritableStore`.
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
"""How often a ticket that others keep changing is looked at before it is left to them."""


class WritableStore(Protocol):
    """What a help desk must be able to do for it."""

    @property
    def caps(self) -> Capabilities:
        """What it can do."""
        ...

    def fetch(self, ref: str) -> StoredTicket:
        """The ticket as it is now."""
        ...

    def catalogue(self) -> Catalogue:
        """What it has, at most a minute old."""
        ...

    def invalidate_catalogue(self) -> None:
        """Let the catalogue be read anew."""
        ...

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """Set these values (and the tags, and the note where it travels along); field → reason for what it refused.

        Raises StoreConflict where it compares versions and the ticket is no longer as seen.
        """
        ...

    def add_note(self, ref: str, text: str) -> None:
        """Leave a note for the desk's people only."""
        ...

    def find_overwritten(self, seen: StoredTicket, now: StoredTicket, values: FieldValues) -> FieldValues:
        """What people set between our look and our write, and we wrote over: field → their value."""
        ...


def apply_delivery(store: WritableStore, delivery: Delivery) -> DeliveryOutcome:
    """Write it, once. Raises NotThere and NotAllowed."""
    if why := unsupported_fields(store.caps, delivery):
        return DeliveryOutcome(DeliveryResult.UNSUPPORTED, None, why)
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
    why = dict.fromkeys(delivery.set, "others keep changing the ticket")
    return DeliveryOutcome(DeliveryResult.CONFLICT, seen, why)


def _outcome_before_write(
    store: WritableStore, delivery: Delivery, seen: StoredTicket, changed: FieldValues
) -> DeliveryOutcome | None:
    """What becomes of it without writing; None where it must be written."""
    if delivery.id in seen.markers:
        return DeliveryOutcome(DeliveryResult.ALREADY_APPLIED, seen)
    if delivery.set and not changed:
        # What stands there may be our own writing, cut off before its note.
        return DeliveryOutcome(
            DeliveryResult.ALREADY_APPLIED, _ensure_note(store, delivery, seen) if delivery.begun else seen
        )
    wanted = {name: delivery.set[name] for name in changed}
    if why := _missing_values(store, wanted, seen):
        return DeliveryOutcome(DeliveryResult.REJECTED, seen, why)
    moved = {
        name: f"it is {value!r} by now"
        for name, value in seen.differing(delivery.expect).items()
        if name not in delivery.set or value != delivery.set[name]
    }
    if moved:
        return DeliveryOutcome(DeliveryResult.CONFLICT, seen, moved)
    if not delivery.expect and delivery.seen_version not in (None, seen.version):
        return DeliveryOutcome(
            DeliveryResult.CONFLICT, seen, dict.fromkeys(delivery.set, "the ticket was changed meanwhile")
        )
    if spoken := seen.set_by_people & changed.keys():
        return DeliveryOutcome(
            DeliveryResult.CONFLICT, seen, dict.fromkeys(sorted(spoken), "a person set it: a person's word stands")
        )
    return None


def _missing_values(store: WritableStore, values: FieldValues, seen: StoredTicket) -> Mapping[str, str]:
    """What the help desk does not have; before it is believed, the catalogue is read anew."""
    if store.catalogue().find_unavailable(values, seen.queue):
        store.invalidate_catalogue()
        return store.catalogue().find_unavailable(values, seen.queue)
    return {}


def _outcome_after_write(
    store: WritableStore, delivery: Delivery, seen: StoredTicket, values: FieldValues, refused: Mapping[str, str]
) -> DeliveryOutcome:
    """What became of a write: what was read back says it."""
    now = store.fetch(delivery.ref)
    if theirs := store.find_overwritten(seen, now, values):
        store.write(now, theirs, Delivery(id=delivery.id, ref=delivery.ref, set=theirs))
        why = {
            name: f"a person set it to {value!r} in the same moment: it was given back"
            for name, value in theirs.items()
        }
        return DeliveryOutcome(DeliveryResult.CONFLICT, store.fetch(delivery.ref), why)
    lost = now.differing(values)
    overtaken = {name for name, value in lost.items() if value != seen.value(name)}
    why = {name: refused.get(name) or f"it is {value!r} after the write" for name, value in lost.items()}
    if delivery.add_tags and not now.tags >= set(delivery.add_tags):
        why["add_tags"] = refused.get("add_tags") or "not all tags are there after the write"
    if values and lost.keys() == values.keys():
        return DeliveryOutcome(DeliveryResult.CONFLICT if overtaken else DeliveryResult.REJECTED, now, why)
    # What is neither as it was nor as we wrote it, somebody wrote right after us: that is their word, and no refusal.
    done = DeliveryResult.APPLIED if why.keys() <= overtaken else DeliveryResult.PARTIAL
    return DeliveryOutcome(done, _ensure_note(store, delivery, now), why)


def _ensure_note(store: WritableStore, delivery: Delivery, now: StoredTicket) -> StoredTicket:
    """Leave the note, unless it is there; the ticket after it. Raises StoreUnreachable where nobody knows."""
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
