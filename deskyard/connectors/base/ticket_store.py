"""The store contract: what every help desk can be asked and told, and what it may answer.

In come plain values; out go plain values, each the same for every store. A store never overwrites what a person set,
never writes what its catalogue does not have, and never takes an answer's status for proof: what was written is read
back. `deskyard.testing.check_store` holds every implementation to it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Protocol

from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import Ticket

FieldValues = Mapping[str, str | None]
"""Field → value, of `queue`, `category`, `priority`, `assignee` and `status`; None is an empty field."""

_MARKER: Final = re.compile(r"\[(d[0-9]*-[0-9a-f]{2,64})\]")

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a store can do. `sets` are the fields that a delivery may set.

    `moves`: it tells who changed what and when.
    `one_write`: all fields change together or none does. `checks_version`: the store itself refuses a write that is
    based on an older version; elsewhere a small window stays. `knows_people`: it tells whether a person set a value.
    `signed_webhooks`: a webhook proves who sent it, what and when; elsewhere a secret header proves the sender alone.
    """

    settable_fields: frozenset[str]
    atomic_writes: bool = False
    checks_version: bool = False
    reports_people: bool = False
    tags: bool = False
    notes: bool = False
    moves: bool = False
    webhooks: bool = False
    signed_webhooks: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the store can be worked with. `me` is our own user there; `skew` its clock minus ours, in seconds;
    `missing` says, a sentence each, what is not as it must be."""

    version: str
    me: str
    skew: float | None = None
    missing: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTicket:
    """A ticket where it stands. `ref` is the store's name for it, `version` changes whenever the ticket does.

    `status` is one of ours (new, open, waiting, resolved, closed) where the store's own can be told so. `markers` are
    the ids of the deliveries whose note it bears. `ours`: its last change was our own writing, which must not be taken
    for news. `load_human_steps`: the fields that a person set after it was filed, where the store tells. `raw` is what
    the store said, for mapping more of it.
    """

    ref: str
    ticket: Ticket
    version: str
    updated_at: datetime
    queue: str | None = None
    category: str | None = None
    priority: str | None = None
    assignee: str | None = None
    status: str = ""
    tags: frozenset[str] = frozenset()
    markers: frozenset[str] = frozenset()
    last_change_by_deskyard: bool = False
    set_by_people: frozenset[str] = frozenset()
    raw: Mapping[str, Any] = field(default_factory=lambda: _EMPTY, repr=False)

    def value(self, name: str) -> str | None:
        """What stands in `queue`, `category`, `priority`, `assignee` or `status`."""
        found: str | None = getattr(self, name)
        return found

    def differing(self, values: FieldValues) -> dict[str, str | None]:
        """What stands in those of these fields that hold something else than wanted."""
        return {name: self.value(name) for name, value in values.items() if self.value(name) != value}


@dataclass(frozen=True, slots=True)
class Move:
    """One change of `queue`, `category`, `priority`, `assignee` or `status`, in our words; `ours`: deskyard made it."""

    at: datetime
    actor: str
    field: str
    was: str | None
    became: str | None
    by_deskyard: bool = False


@dataclass(frozen=True, slots=True)
class TicketPage:
    """Tickets by (`updated_at`, place in the store). `cursor` continues; `more`: there is something to continue with.

    The next page may repeat tickets: drop those whose (`ref`, `version`) was seen.
    """

    tickets: tuple[StoredTicket, ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A webhook's hint that a ticket may have changed: fetch it. `id` is the same when the hint is repeated."""

    id: str
    ref: str
    by_deskyard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is to be written into a ticket, once, however often it is delivered.

    `id` is "d", digits or none, "-", and 2 to 64 hexadecimal characters in small letters, so that its marker is found
    again among whatever else stands in a note.

    `expect`: what stood in the fields when this was decided; every field of `set` and whatever else it hung on.
    `seen_version`: the ticket's version at that moment, which must still stand where `expect` says nothing. `note` is
    for the desk's people only, and ends with `marker`. `begun`: an earlier attempt may have written some of it.
    """

    id: str
    ref: str
    set: FieldValues = field(default_factory=lambda: _EMPTY)
    expect: FieldValues = field(default_factory=lambda: _EMPTY)
    add_tags: tuple[str, ...] = ()
    note: str = ""
    seen_version: str | None = None
    begun: bool = False

    @property
    def marker(self) -> str:
        """What its note bears, so that it is found again.

        >>> Delivery(id="d7", ref="1").marker
        '[d7]'
        """
        return f"[{self.id}]"

    @property
    def full_note(self) -> str:
        """The whole note."""
        return f"{self.note}\n\n{self.marker}".strip()


def find_markers(texts: Iterable[str]) -> frozenset[str]:
    """The ids of the deliveries whose marker ends one of these notes; what wraps a note (HTML, a signature) is no bar.

    >>> sorted(find_markers(["Sorted.\\n\\n[d7-0a1b]", "<p>Queue: IT</p><p>[d8-22]</p>", "see [1]"]))
    ['d7-0a1b', 'd8-22']
    """
    return frozenset(found for text in texts for found in _MARKER.findall(text))


class DeliveryResult(StrEnum):
    """What became of a delivery."""

    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"
    RETRY_LATER = "retry_later"


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What became of a delivery; `observed` is the ticket as it was read last, where it was read.

    `why`: field → reason, for what was not done. Only `applied` and `partial` have written anything, and `partial`
    alone leaves some fields as wanted and others (those in `why`) not. `retry_after` is in seconds.
    """

    result: DeliveryResult
    observed: StoredTicket | None = None
    reasons: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    retry_after: float | None = None


class TicketStore(Protocol):
    """Where tickets live. Synchronous, and safe to call from many threads.

    Each door may raise NotAllowed and StoreUnreachable; `apply` answers `retry_later` instead of the latter.
    """

    @property
    def caps(self) -> Capabilities:
        """What this store can do."""
        ...

    def health(self) -> Health:
        """Whether it can be worked with; never raises."""
        ...

    def catalogue(self) -> Catalogue:
        """What it has now, at most a minute old."""
        ...

    def invalidate_catalogue(self) -> None:
        """Let the catalogue be read anew the next time."""
        ...

    def pull(self, cursor: str | None, limit: int) -> TicketPage:
        """The tickets that changed since the cursor (None: all), at most `limit`, nothing left out. Raises BadInput
        for a cursor that this store did not give."""
        ...

    def cursor_at(self, moment: datetime) -> str:
        """The cursor after which a pull gives what changed since that moment."""
        ...

    def fetch(self, ref: str) -> StoredTicket:
        """One ticket as it is now. Raises NotThere."""
        ...

    def fetch_moves(self, ref: str) -> list[Move]:
        """What changed since it was filed, oldest first; empty where the store does not tell. Raises NotThere."""
        ...

    def parse_webhook(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """What a webhook hints at, asking nobody. Raises BadSignature and StaleWebhook."""
        ...

    def apply(self, delivery: Delivery) -> DeliveryOutcome:
        """Write, unless it is written already, a person has spoken, or the store lacks a value. Raises NotThere.

        The order: validate, fetch, look for the marker, compare with `expect`, write once, read back and compare, and
        last the note. After a silence the ticket is fetched before anything is sent again.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class ConnectorClass(Protocol):
    """A store's class: opened from what follows the first colon of its URL."""

    @property
    def caps(self) -> Capabilities:
        """What such a store can do."""
        ...

    @classmethod
    def from_address(cls, address: str) -> TicketStore:
        """The store at that place."""
        ...


def unsupported_fields(caps: Capabilities, delivery: Delivery) -> dict[str, str]:
    """What a delivery asks of a store that can't do it: field → reason.

    >>> unsupported_fields(Capabilities(sets=frozenset({"queue"})), Delivery(id="1", ref="7", set={"queue": "IT"}))
    {}
    """
    why = {name: f"this store can't set {name}" for name in delivery.set if name not in caps.settable_fields}
    if delivery.add_tags and not caps.tags:
        why["add_tags"] = "this store has no tags"
    return why


def describe_limits(caps: Capabilities) -> list[str]:
    """What can't be done at such a store, and what happens instead, a sentence each.

    >>> describe_limits(Capabilities(sets=frozenset({"queue", "category", "priority", "assignee"}), one_write=True,
    ...     checks_version=True, notes=True, moves=True, webhooks=True, signed_webhooks=True, tags=True))
    []
    """
    found = [
        f"it has no {name} that can be set: the {name} is decided, recorded, and not written"
        for name in ("queue", "category", "priority", "assignee")
        if name not in caps.settable_fields
    ]
    if not caps.atomic_writes:
        found.append(
            "fields are written one after the other: if one is refused the others stand, and a person is asked"
        )
    if not caps.checks_version and caps.moves:
        found.append(
            "it compares no versions: a person's change in the moment of our write is seen in its history and restored"
        )
    elif not caps.checks_version:
        found.append("it compares no versions: a person's change between our look and our write is overwritten unseen")
    if not caps.notes:
        found.append("it has no internal notes: the reasons stand in deskyard only")
    if not caps.moves:
        found.append("it does not tell who changed what: histories come without moves")
    if not caps.webhooks:
        found.append("it sends no webhooks: new tickets are found within a minute")
    elif not caps.signed_webhooks:
        found.append("it does not sign webhooks: they show a secret, and each ticket is read before anything is done")
    return found
