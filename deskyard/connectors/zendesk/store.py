"""Zendesk Support as a ticket store: its ticket API for one ticket, its incremental export for what changed.

In come our deliveries and cursors; out go Zendesk's tickets in our words (`zendesk_words`). One PUT carries fields and
the internal note together, and names the moment of the ticket that it is based on (safe_update); tags go ahead of it by
the call that adds. The export tells nothing of the last minute, and comes to administrators only.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Self

from deskyard.connectors.base import incremental_pull, webhooks
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.http_client import HttpClient
from deskyard.connectors.base.incremental_pull import ChangedRef
from deskyard.connectors.base.remote_store import RemoteStore, find_overwritten
from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    FieldValues,
    Health,
    Move,
    StoredTicket,
    TicketPage,
    WebhookEvent,
)
from deskyard.connectors.zendesk.client import (
    EXPORT_DELAY,
    SIDELOADS,
    fetch_all,
    iterate_export,
    parse_hint,
    parse_ref,
    refusal_text,
    response_part,
    to_changed_ref,
)
from deskyard.connectors.zendesk.field_mapping import (
    VENDOR_PRIORITIES,
    FieldMapping,
    Row,
    Rows,
    build_mapping,
    parse_moves,
    to_stored_ticket,
)
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import AccessDenied, BadInput, NotFound, StoreConflict, StoreRefused

EXPORTS_PER_MINUTE: Final = 10.0
"""Exports a minute that Zendesk allows without the high volume add-on."""

MAX_CACHED_AUDITS: Final = 2000
"""Tickets that are not read again while the export says the same of them."""

TEXT_FIELD_TYPES: Final = frozenset({"text", "textarea", "regexp"})
PUBLIC_TEST_SECRET: Final = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # noqa: S105 - printed in its documents
"""The secret that Zendesk signs test calls with; its documents print it."""


class ZendeskStore(RemoteStore):
    """Tickets at Zendesk. URL: `zendesk:https://USER%40MAIL:TOKEN@account.zendesk.com`, without a user for OAuth."""

    caps: ClassVar = Capabilities(
        settable_fields=frozenset({"queue", "priority", "assignee"}),
        atomic_writes=True,
        checks_version=True,
        reports_people=True,
        tags=True,
        notes=True,
        moves=True,
        webhooks=True,
        signed_webhooks=True,
    )
    options: ClassVar = ("category", "exports_per_minute")

    def __init__(self, url: ConnectionUrl, http: HttpClient, exports: HttpClient) -> None:
        """`exports` keeps the export's own limit."""
        super().__init__(url, http)
        self.exports = exports
        self._book = FieldMapping()
        self._read: dict[tuple[str, Any, Any], StoredTicket] = {}
        if url.options.get("category"):
            # Only an account whose administrator named the field has a category.
            vars(self)["caps"] = replace(self.caps, settable_fields=self.caps.settable_fields | {"category"})

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """An API token belongs to a user, an OAuth token says itself who it is."""
        if not re.fullmatch(r"[0-9]*", url.options.get("category", "")):
            raise BadInput(
                "category is the number of a ticket field: take it from the field's page in the Admin Center"
            )
        try:
            often = float(url.options.get("exports_per_minute") or EXPORTS_PER_MINUTE)
        except ValueError as error:
            raise BadInput("exports_per_minute is a number: 10, or 30 with the high volume add-on") from error
        base = url.url.removesuffix("/api/v2") + "/api/v2"
        user = url.user.removesuffix("/token") + "/token"
        shown: dict[str, Any] = (
            {"auth": (user, url.secret)} if url.user else {"headers": {"Authorization": f"Bearer {url.secret}"}}
        )
        http = HttpClient(base, secrets=[url.secret], **shown)
        return cls(url, http, HttpClient(base, secrets=[url.secret], per_minute=often, **shown))

    def check_account(self) -> Health:
        """Whether our user may export, and whether the category's field is one."""
        me = self._fetch_account()
        missing = []
        if me.get("role") != "admin":
            missing.append("make deskyard's user an administrator: Zendesk exports changed tickets to no one else")
        if self.url.options.get("hook_secret") == PUBLIC_TEST_SECRET:
            missing.append("hook_secret is the secret that Zendesk publishes for tests: take the webhook's own")
        try:
            self._category_field()
        except StoreRefused as error:
            missing.append(error.reason)
        return Health("API v2", me.get("email") or str(me["id"]), missing=tuple(missing))

    def fetch_catalogue(self) -> Catalogue:
        """Groups, agents with their groups, and the options of the category's field."""
        try:
            kind = self._category_field()
        except StoreRefused:
            kind = None
        users = fetch_all(self.http, "/users", "users", {"role[]": ["agent", "admin"]})
        memberships = fetch_all(self.http, "/group_memberships", "group_memberships")
        self._book = build_mapping(
            self._fetch_account()["id"], fetch_all(self.http, "/groups", "groups"), users, memberships, kind
        )
        return self._book.catalogue

    def list_changes(self, since: datetime, n: int) -> Iterable[ChangedRef]:
        """By the moment at which Zendesk noted the change, which may be younger than the ticket's `updated_at`."""
        return (to_changed_ref(row) for row, _ in iterate_export(self.exports, since, n, self._server_time()))

    def pull(self, cursor: str | None, limit: int) -> TicketPage:
        """From the export, which tells until a minute ago. Its rows are whole tickets: only their audits are read."""
        self._cached_mapping()  # also tells Zendesk's clock, before anything is reckoned by it
        rows: dict[str, tuple[Row, Mapping[str, Rows]]] = {}

        def told(since: datetime, n: int) -> Iterator[ChangedRef]:
            for row, beside in iterate_export(self.exports, since, n, self._server_time()):
                found = to_changed_ref(row)
                rows[found.ref] = row, beside
                yield found

        def read(refs: list[str]) -> dict[str, StoredTicket]:
            found = {ref: self._from_export(*rows[ref]) for ref in refs}
            return {ref: ticket for ref, ticket in found.items() if ticket is not None}

        return incremental_pull.read_page(cursor, limit, self._server_time() - EXPORT_DELAY, told, read, self.time_step)

    def fetch(self, ref: str) -> StoredTicket:
        """The ticket first and its audits then, so that what came between makes a write fail rather than pass."""
        found = self.http.get(f"/tickets/{parse_ref(ref)}", {"include": SIDELOADS})
        row = response_part(found, "ticket")
        if row.get("status") == "deleted":
            raise NotFound(f"the ticket {ref} was deleted")
        return to_stored_ticket(row, found.data, self._fetch_audits(ref), self._cached_mapping())

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """One PUT with the note; refused by Zendesk if the ticket changed since the second of `seen`."""
        if seen.status == "closed":
            raise StoreRefused("request", "the ticket is closed, and Zendesk lets nobody change a closed one")
        theirs = self._to_vendor_values(values)
        if delivery.id not in seen.markers:
            theirs["comment"] = {"body": delivery.full_note, "public": False}
        seen = self._add_tags(seen, delivery)
        theirs |= {"safe_update": True, "updated_stamp": seen.raw["ticket"]["updated_at"]}
        answer = self.http.send("PUT", f"/tickets/{seen.ref}", json={"ticket": theirs}, accept=(422,))
        if answer.status == 422 or not isinstance(answer.data, dict) or "ticket" not in answer.data:
            raise StoreRefused("request", refusal_text(answer.data))
        return {}

    def find_overwritten(self, seen: StoredTicket, now: StoredTicket, values: FieldValues) -> FieldValues:
        """Zendesk compares seconds: who changed the ticket in the second that we saw is told by the audits alone."""
        return find_overwritten((move for move, _ in parse_moves(now.raw["audits"], self._book)), seen, values)

    def add_note(self, ref: str, text: str) -> None:
        """A private comment."""
        self.http.send(
            "PUT", f"/tickets/{parse_ref(ref)}", json={"ticket": {"comment": {"body": text, "public": False}}}
        )

    def fetch_moves(self, ref: str) -> list[Move]:
        """From the audits."""
        audits = self._fetch_audits(ref)
        return [move for move, _ in parse_moves(audits, self._cached_mapping())]

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """Of a trigger with our template, or of Zendesk's own event subscription."""
        moment = headers.get("x-zendesk-webhook-signature-timestamp", "")
        secret = self.url.options.get("hook_secret", "")
        signature = headers.get("x-zendesk-webhook-signature", "")
        webhooks.check_signature(secret, signature, moment.encode() + raw, encoding="base64")
        webhooks.check_age(webhooks.parse_timestamp(moment), now)
        told = webhooks.parse_body(raw)
        name = headers.get("x-zendesk-webhook-invocation-id") or webhooks.make_event_id(moment, raw)
        mine = {self.url.user.removesuffix("/token").lower(), str(self._book.me)} - {"", "0"}
        found = parse_hint(told)
        return (
            []
            if found is None
            else [WebhookEvent(str(found.id or name), found.ref, by_deskyard=found.author.lower() in mine)]
        )

    def close(self) -> None:
        """Of both."""
        super().close()
        self.exports.close()

    def _fetch_account(self) -> Row:
        me: Row = response_part(self.http.get("/users/me"), "user")
        if not me.get("id"):
            raise AccessDenied(
                f"{self.http.base} does not know us: check the user, the token, and that tokens are allowed"
            )
        return me

    def _category_field(self) -> Row | None:
        """The ticket field that is the category. Raises StoreRefused for one that is of no use."""
        named = self.url.options.get("category")
        if not named:
            return None
        try:
            kind: Row = response_part(self.http.get(f"/ticket_fields/{named}"), "ticket_field")
        except NotFound as error:
            told = f"there is no ticket field {named}: correct `category` in the store's URL"
            raise StoreRefused("category", told) from error
        if kind.get("active") is False or kind.get("type") not in TEXT_FIELD_TYPES | {"tagger"}:
            told = f"the ticket field {named} is no active drop-down or text field: name another as `category`"
            raise StoreRefused("category", told)
        return kind

    def _cached_mapping(self) -> FieldMapping:
        self.catalogue()
        return self._book

    def _to_vendor_values(self, values: FieldValues) -> dict[str, Any]:
        """Values in Zendesk's words. Raises StoreRefused for one that was there a moment ago."""
        book, theirs = self._cached_mapping(), dict[str, Any]()
        options = {label: value for value, label in book.options.items()}
        for name, value in values.items():
            try:
                if name == "queue":
                    theirs["group_id"] = book.id_of(book.groups, value)
                elif name == "assignee":
                    theirs["assignee_id"] = book.id_of(book.agents, value)
                elif name == "priority":
                    theirs["priority"] = value and VENDOR_PRIORITIES[value]
                else:
                    chosen = options[value] if options and value is not None else value
                    theirs["custom_fields"] = [{"id": book.category, "value": chosen}]
            except KeyError as error:
                raise StoreRefused(name, f"{value!r} is no longer there") from error
        return theirs

    def _add_tags(self, seen: StoredTicket, delivery: Delivery) -> StoredTicket:
        """The ticket with the delivery's tags. Raises StoreConflict where somebody changed it meanwhile."""
        lacking = sorted(set(delivery.add_tags) - seen.tags)
        if not lacking:
            return seen
        stamp = seen.raw["ticket"]["updated_at"]
        wanted = {"tags": lacking, "updated_stamp": stamp, "safe_update": "true"}
        self.http.send("PUT", f"/tickets/{seen.ref}/tags", json=wanted)
        now = self.fetch(seen.ref)
        if now.differing({name: seen.value(name) for name in (*self.caps.settable_fields, "status")}):
            raise StoreConflict("the ticket was changed while its tags were added")
        return now

    def _fetch_audits(self, ref: str) -> list[Row]:
        return fetch_all(self.http, f"/tickets/{parse_ref(ref)}/audits", "audits")

    def _from_export(self, row: Row, sideloads: Mapping[str, Rows]) -> StoredTicket | None:
        """A row of the export as a ticket; None for one that was deleted."""
        ref = str(row["id"])
        if row.get("status") == "deleted":
            return None
        name = (ref, row.get("generated_timestamp"), row.get("updated_at"))
        if name not in self._read:
            try:
                audits = self._fetch_audits(ref)
                found = to_stored_ticket(row, sideloads, audits, self._cached_mapping())
                if audits and datetime.fromisoformat(audits[-1]["created_at"]) > found.updated_at:
                    return self.fetch(ref)
            except NotFound:
                return None
            while len(self._read) >= MAX_CACHED_AUDITS:
                self._read.pop(next(iter(self._read)), None)
            self._read[name] = found
        return self._read[name]

    def _server_time(self) -> datetime:
        """Zendesk's clock."""
        skew = self.http.skew if self.exports.skew is None else self.exports.skew
        return datetime.now(UTC) + timedelta(seconds=skew or 0.0)
