"""What every help desk behind an API has in common: an account, a catalogue that is remembered a minute, webhooks.

A store inherits from `RemoteStore` and says the rest in its own API's words: how a ticket is read, what changed since
when, what the help desk has, how values are written, how a note is left. Writing once, pages without gaps and the wire
come from `writing`, `sweep` and `http`; `docs/new-connector.md` builds one in an hour.
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
"""Seconds that a catalogue is believed."""


class RemoteStore(ABC):
    """A help desk behind an API. `options` are what its URL may say after the question mark."""

    caps: ClassVar[Capabilities]
    options: ClassVar[Collection[str]] = ()
    time_step: ClassVar[timedelta] = timedelta(seconds=1)
    """The finest moment that "changed since" can be asked for."""

    def __init__(self, url: ConnectionUrl, http: HttpClient) -> None:
        """Nothing is asked yet."""
        self.url = url
        self.http = http
        self._cached_catalogue: tuple[float, Catalogue] | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_address(cls, address: str) -> Self:
        """The store at an address; raises BadInput for what is none."""
        return cls.from_url(ConnectionUrl.parse(address, (*cls.options, "hook_sha256")))

    @classmethod
    @abstractmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """The store at a place: the account and how it shows who it is."""

    @abstractmethod
    def check_account(self) -> Health:
        """Version, our own user, and what is missing. May raise any StoreError."""

    @abstractmethod
    def fetch_catalogue(self) -> Catalogue:
        """What it has now."""

    @abstractmethod
    def list_changes(self, since: datetime, n: int) -> Iterable[ChangedRef]:
        """What changed at or after a moment, by moment: the first `n`, and more where it is asked for."""

    @abstractmethod
    def fetch(self, ref: str) -> StoredTicket:
        """One ticket as it is now. Raises NotThere."""

    @abstractmethod
    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """See `writing.Writes`."""

    @abstractmethod
    def add_note(self, ref: str, text: str) -> None:
        """Leave a note for the desk's people only."""

    @abstractmethod
    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """What a webhook hints at; `headers` have small letters. Raises BadSignature and StaleWebhook."""

    def find_overwritten(self, seen: StoredTicket, now: StoredTicket, values: FieldValues) -> FieldValues:
        """Told from the moves; nothing where the help desk compares versions itself or can't tell."""
        if self.caps.checks_version or not self.caps.moves:
            return {}
        return find_overwritten(self.fetch_moves(now.ref), seen, values)

    def fetch_moves(self, ref: str) -> list[Move]:
        """None, unless a store knows better."""
        return []

    def fetch_many(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Tickets by ref, without those that are gone; one call each, unless a store knows better."""
        found = {}
        for ref in refs:
            try:
                found[ref] = self.fetch(ref)
            except NotFound:
                continue
        return found

    def health(self) -> Health:
        """Whether it can be worked with; never raises."""
        try:
            found = self.check_account()
        except DeskyardError as error:
            return Health("", "", self.http.skew, (str(error),))
        skew = found.skew if found.skew is not None else self.http.skew
        late = (f"its clock is {skew:.0f} seconds off ours: set both by NTP",) if skew and abs(skew) > 120 else ()
        return Health(found.version, found.me, skew, (*found.missing, *late))

    def catalogue(self) -> Catalogue:
        """What it has, at most `CATALOGUE_TTL` seconds old."""
        with self._lock:
            if self._cached_catalogue is None or time.monotonic() - self._cached_catalogue[0] > CATALOGUE_TTL:
                self._cached_catalogue = time.monotonic(), self.fetch_catalogue()
            return self._cached_catalogue[1]

    def invalidate_catalogue(self) -> None:
        """Read the catalogue anew the next time."""
        self._cached_catalogue = None

    def pull(self, cursor: str | None, limit: int) -> TicketPage:
        """The tickets that changed since the cursor."""
        now = datetime.now(UTC) + timedelta(seconds=self.http.skew or 0.0)
        return incremental_pull.read_page(cursor, limit, now, self.list_changes, self.fetch_many, self.time_step)

    def cursor_at(self, moment: datetime) -> str:
        """The cursor after which a pull gives what changed since that moment."""
        return incremental_pull.start_cursor(moment)

    def parse_webhook(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """What a webhook hints at, asking nobody."""
        return self.parse_events(webhooks.lower_header_names(headers), raw, now)

    def check_secret(self, headers: Mapping[str, str]) -> None:
        """For help desks that sign nothing. Raises BadSignature."""
        secret = self.url.options.get("hook_secret", "")
        webhooks.check_secret(self.url.options.get("hook_sha256") or (secret and webhooks.hash_secret(secret)), headers)

    def apply(self, delivery: Delivery) -> DeliveryOutcome:
        """Write it, once."""
        return idempotent_write.apply_delivery(self, delivery)

    def close(self) -> None:
        """Let go of connections."""
        self.http.close()


def find_overwritten(moves: Iterable[Move], seen: StoredTicket, values: FieldValues) -> FieldValues:
    """What our last writing of these values found standing that had not been seen: field → that value."""
    ours = {move.field: move for move in moves if move.by_deskyard and move.field in values}
    return {
        name: move.was
        for name, move in ours.items()
        if move.became == values[name] and move.was not in (seen.value(name), values[name])
    }
