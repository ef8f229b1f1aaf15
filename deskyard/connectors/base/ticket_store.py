"""The interface of a ticket store, and the values that it takes and returns, the same for every help desk.

A store never overwrites a value that a person set, never writes a value that its catalogue lacks, and never takes a
successful status for proof: what was written is read back. `deskyard.testing.check_store` checks every implementation.
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
"""Field (`queue`, `category`, `priority`, `assignee`, `status`) → value; None is an empty field."""

_MARKER: Final = re.compile(r"\[(d[0-9]*-[0-9a-f]{2,64})\]")

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a store supports. `settable_fields` are the fields that a delivery may set.

    `atomic_writes`: all fields change together or none does. `checks_version`: the store itself refuses a write based
    on an older version; without it a short window remains. `reports_people`: it reports whether a person set a value.
    `moves`: it reports who changed what and when. `signed_webhooks`: a webhook proves sender, content and time; without
    it, a secret header proves the sender alone.
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
    """Whether the store can be used. `me` is our user there; `skew` its clock minus ours, in seconds; `missing` says
    what must be corrected, a sentence each."""

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
    """A ticket as it is in the store. `ref` is its id there; `version` changes whenever the ticket does.

    `status` is one of ours (new, open, waiting, resolved, closed). `markers` are the ids of the deliveries whose notes
    it has. `last_change_by_deskyard`: its last change was made by us, and is no news. `set_by_people`: the fields that
    a person set after it was filed, if the store reports that. `raw` is the store's own answer, for connectors.
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
        """The value of `queue`, `category`, `priority`, `assignee` or `status`."""
        found: str | None = getattr(self, name)
        return found

    def differing(self, values: FieldValues) -> dict[str, str | None]:
        """The current values of those fields whose value differs from the given one."""
        return {name: self.value(name) for name, value in values.items() if self.value(name) != value}


@dataclass(frozen=True, slots=True)
class Move:
    """A change of `queue`, `category`, `priority`, `assignee` or `status`, in our terms."""

    at: datetime
    actor: str
    field: str
    was: str | None
    became: str | None
    by_deskyard: bool = False


@dataclass(frozen=True, slots=True)
class TicketPage:
    """Tickets in the order of `updated_at`. `cursor` gives the next page; `more`: there is one.

    The next page may repeat tickets: drop those whose (`ref`, `version`) is known.
    """

    tickets: tuple[StoredTicket, ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A webhook's event: the ticket may have changed and should be fetched. A repeated event has the same `id`."""

    id: str
    ref: str
    by_deskyard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Values to be written into a ticket, once, however often the delivery is applied.

    `id` is "d", optional digits, "-", and 2 to 64 lower-case hexadecimal characters, so that its marker can be found in
    a note. `expect`: the values at the time of the decision, of every field of `set` and others that it depended on.
    `seen_version`: the ticket's version at that time, which is checked if `expect` is empty. `note` is for agents only,
    and ends with `marker`. `begun`: an earlier attempt may have written some of it.
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
        """The text at the end of its note by which the delivery is recognised.

        >>> Delivery(id="d7", ref="1").marker
        '[d7]'
        """
        return f"[{self.id}]"

    @property
    def full_note(self) -> str:
        """The note with its marker."""
        return f"{self.note}\n\n{self.marker}".strip()


def find_markers(texts: Iterable[str]) -> frozenset[str]:
    """The ids of the deliveries whose markers are in these notes, also if HTML or a signature surrounds them.

    >>> sorted(find_markers(["Sorted.\\n\\n[d7-0a1b]", "<p>Queue: IT</p><p>[d8-22]</p>", "see [1]"]))
    ['d7-0a1b', 'd8-22']
    """
    return frozenset(found for text in texts for found in _MARKER.findall(text))


class DeliveryResult(StrEnum):
    """The result of a delivery."""

    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"
    RETRY_LATER = "retry_later"


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """The outcome of a delivery; `observed` is the ticket as it was last read, if it was.

    `reasons`: field → reason, for what was not done. Only `applied` and `partial` have written anything; with `partial`
    the fields in `reasons` were not set, the others were. `retry_after` is in seconds.
    """

    result: DeliveryResult
    observed: StoredTicket | None = None
    reasons: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    retry_after: float | None = None


class TicketStore(Protocol):
    """Where tickets are kept. Synchronous, and safe to call from many threads.

    Every method may raise AccessDenied and StoreUnreachable; `apply` returns `retry_later` instead of the latter.
    """

    @property
    def caps(self) -> Capabilities:
        """What this store supports."""
        ...

    def health(self) -> Health:
        """Whether it can be used; never raises."""
        ...

    def catalogue(self) -> Catalogue:
        """The values that tickets can have, at most a minute old."""
        ...

    def invalidate_catalogue(self) -> None:
        """Read the catalogue again the next time."""
        ...

    def pull(self, cursor: str | None, limit: int) -> TicketPage:
        """The tickets that changed since the cursor (None: all), at most `limit`, without gaps. Raises BadInput for a
        cursor that this store did not give."""
        ...

    def cursor_at(self, moment: datetime) -> str:
        """The cursor from which a pull gives what changed since that time."""
        ...

    def fetch(self, ref: str) -> StoredTicket:
        """The current state of a ticket. Raises NotFound."""
        ...

    def fetch_moves(self, ref: str) -> list[Move]:
        """The changes since it was filed, oldest first; empty if the store does not report them. Raises NotFound."""
        ...

    def parse_webhook(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The events of a webhook, without any request. Raises BadSignature and StaleWebhook."""
        ...

    def apply(self, delivery: Delivery) -> DeliveryOutcome:
        """Write a delivery, unless it is written already, a person has set a value, or the store lacks one.

        The order: validate, fetch, look for the marker, compare with `expect`, write once, read back and compare, add
        the note. After a missing answer the ticket is fetched before anything is sent again. Raises NotFound.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class ConnectorClass(Protocol):
    """The class of a connector; a store is opened from what follows the first colon of its URL."""

    @property
    def caps(self) -> Capabilities:
        """What such a store supports."""
        ...

    @classmethod
    def from_address(cls, address: str) -> TicketStore:
        """The store at that address. Raises BadInput."""
        ...


def unsupported_fields(caps: Capabilities, delivery: Delivery) -> dict[str, str]:
    """Field → reason for what a delivery needs and the store does not support.

    >>> caps = Capabilities(settable_fields=frozenset({"queue"}))
    >>> unsupported_fields(caps, Delivery(id="1", ref="7", set={"queue": "IT"}))
    {}
    """
    reasons = {name: f"this store can't set {name}" for name in delivery.set if name not in caps.settable_fields}
    if delivery.add_tags and not caps.tags:
        reasons["add_tags"] = "this store has no tags"
    return reasons


def describe_limits(caps: Capabilities) -> list[str]:
    """What is not supported by such a store, and what happens instead, a sentence each.

    >>> fields = frozenset({"queue", "category", "priority", "assignee"})
    >>> describe_limits(Capabilities(settable_fields=fields, atomic_writes=True, checks_version=True, notes=True,
    ...     moves=True, webhooks=True, signed_webhooks=True, tags=True))
    []
    """
    found = [
        f"it has no {name} that can be set: the {name} is decided and recorded, but not written"
        for name in ("queue", "category", "priority", "assignee")
        if name not in caps.settable_fields
    ]
    if not caps.atomic_writes:
        found.append(
            "fields are written one after the other: if one is refused, the others stay written and a person is asked"
        )
    if not caps.checks_version and caps.moves:
        found.append(
            "it compares no versions: a person's change at the moment of our write is found in its history and restored"
        )
    elif not caps.checks_version:
        found.append("it compares no versions: a person's change between our read and our write is overwritten unseen")
    if not caps.notes:
        found.append("it has no internal notes: the reasons are kept in deskyard only")
    if not caps.moves:
        found.append("it does not report who changed what: histories have no moves")
    if not caps.webhooks:
        found.append("it sends no webhooks: new tickets are found within a minute")
    elif not caps.signed_webhooks:
        found.append("it does not sign webhooks: they carry a secret, and each ticket is read before anything is done")
    return found
