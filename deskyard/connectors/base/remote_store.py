"""The base class of connectors to help desks with an API: an account, a cached catalogue, pulls, deliveries, webhooks.

A connector inherits from `RemoteStore` and implements the rest with the API of its help desk: reading a ticket, listing
changes and the catalogue, writing values, adding a note. Idempotent writes, pulls without gaps and HTTP come from
`idempotent_write`, `incremental_pull` and `http_client`. `docs/new-connector.md` shows how to write one.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, Self

from deskyard.connectors.base import idempotent_write, incremental_pull, webhooks
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.http_client import HttpClient
from deskyard.connectors.base.incremental_pull import ChangedRef
from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    DeliveryOutcome,
    FieldValues,
    Health,
    Move,
    StoredTicket,
    TicketPage,
    WebhookEvent,
)
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import DeskyardError, NotFound

CATALOGUE_TTL: Final = 60.0
"""Seconds for which a catalogue is cached."""


class RemoteStore(ABC):
    """A help desk with an API. `options` are the options that its URL may have."""

    caps: ClassVar[Capabilities]
    options: ClassVar[Collection[str]] = ()
    time_step: ClassVar[timedelta] = timedelta(seconds=1)
    """The precision of the times that changes can be listed from."""

    def __init__(self, url: ConnectionUrl, http: HttpClient) -> None:
        """No request is made yet."""
        self.url = url
        self.http = http
        self._cached_catalogue: tuple[float, Catalogue] | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_address(cls, address: str) -> Self:
        """The store at an address. Raises BadInput."""
        return cls.from_url(ConnectionUrl.parse(address, (*cls.options, "hook_sha256")))

    @classmethod
    @abstractmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """The store at a URL, with a client that authenticates its account."""

    @abstractmethod
    def check_account(self) -> Health:
        """The help desk's version, our user there, and what is missing. May raise any StoreError."""

    @abstractmethod
    def fetch_catalogue(self) -> Catalogue:
        """The values that tickets can have now."""

    @abstractmethod
    def list_changes(self, since: datetime, n: int) -> Iterable[ChangedRef]:
        """The tickets that changed at or after that time, in the order of time: at least the first `n`."""

    @abstractmethod
    def fetch(self, ref: str) -> StoredTicket:
        """The current state of a ticket. Raises NotFound."""

    @abstractmethod
    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """See `idempotent_write.WritableStore`."""

    @abstractmethod
    def add_note(self, ref: str, text: str) -> None:
        """Add a note that only agents can see."""

    @abstractmethod
    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The events of a webhook; the names of `headers` are in lower case. Raises BadSignature and StaleWebhook."""

    def find_overwritten(self, seen: StoredTicket, now: StoredTicket, values: FieldValues) -> FieldValues:
        """Found from the moves; empty if the help desk compares versions itself or does not report moves."""
        if self.caps.checks_version or not self.caps.moves:
            return {}
        return find_overwritten(self.fetch_moves(now.ref), seen, values)

    def fetch_moves(self, ref: str) -> list[Move]:
        """No moves; a connector whose help desk reports them overrides this."""
        return []

    def fetch_many(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Tickets by ref, without those that are gone; one call each unless overridden."""
        found = {}
        for ref in refs:
            try:
                found[ref] = self.fetch(ref)
            except NotFound:
                continue
        return found

    def health(self) -> Health:
        """Whether the help desk can be used; never raises."""
        try:
            found = self.check_account()
        except DeskyardError as error:
            return Health("", "", self.http.skew, (str(error),))
        skew = found.skew if found.skew is not None else self.http.skew
        off = (f"its clock is {skew:.0f} seconds off ours: set both by NTP",) if skew and abs(skew) > 120 else ()
        return Health(found.version, found.me, skew, (*found.missing, *off))

    def catalogue(self) -> Catalogue:
        """The values that tickets can have, at most `CATALOGUE_TTL` seconds old."""
        with self._lock:
            if self._cached_catalogue is None or time.monotonic() - self._cached_catalogue[0] > CATALOGUE_TTL:
                self._cached_catalogue = time.monotonic(), self.fetch_catalogue()
            return self._cached_catalogue[1]

    def invalidate_catalogue(self) -> None:
        """Read the catalogue again the next time."""
        self._cached_catalogue = None

    def pull(self, cursor: str | None, limit: int) -> TicketPage:
        """The tickets that changed since the cursor."""
        now = datetime.now(UTC) + timedelta(seconds=self.http.skew or 0.0)
        return incremental_pull.read_page(cursor, limit, now, self.list_changes, self.fetch_many, self.time_step)

    def cursor_at(self, moment: datetime) -> str:
        """The cursor from which a pull gives what changed since that time."""
        return incremental_pull.start_cursor(moment)

    def parse_webhook(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The events of a webhook, without any request."""
        return self.parse_events(webhooks.lower_header_names(headers), raw, now)

    def check_secret(self, headers: Mapping[str, str]) -> None:
        """Check the secret of a webhook that is not signed. Raises BadSignature."""
        secret = self.url.options.get("hook_secret", "")
        webhooks.check_secret(self.url.options.get("hook_sha256") or (secret and webhooks.hash_secret(secret)), headers)

    def apply(self, delivery: Delivery) -> DeliveryOutcome:
        """Write a delivery, once."""
        return idempotent_write.apply_delivery(self, delivery)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


def find_overwritten(moves: Iterable[Move], seen: StoredTicket, values: FieldValues) -> FieldValues:
    """Values that our last write of these fields replaced and that had not been seen: field → that value."""
    ours = {move.field: move for move in moves if move.by_deskyard and move.field in values}
    return {
        name: move.was
        for name, move in ours.items()
        if move.became == values[name] and move.was not in (seen.value(name), values[name])
    }
