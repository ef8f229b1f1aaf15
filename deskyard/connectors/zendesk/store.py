"""Zendesk Support as a ticket store: its ticket API for single tickets, its incremental export for changes.

One PUT writes fields and internal note together, and names the time of the version that it is based on (safe_update);
tags are added before by a request of their own. The export leaves out the last minute, and is open to administrators
only.
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
"""Exports per minute that Zendesk allows without the high volume add-on."""

MAX_CACHED_AUDITS: Final = 2000
"""Tickets whose audits are not read again while the export shows the same version."""

TEXT_FIELD_TYPES: Final = frozenset({"text", "textarea", "regexp"})
PUBLIC_TEST_SECRET: Final = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # noqa: S105 - published in its documentation
"""The secret with which Zendesk signs test calls, published in its documentation."""


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
        """`exports` is the client for the export, which has a rate limit of its own."""
        super().__init__(url, http)
        self.exports = exports
        self._mapping = FieldMapping()
        self._cached_tickets: dict[tuple[str, Any, Any], StoredTicket] = {}
        if url.options.get("category"):
            # Categories are supported only if the URL names their field.
            vars(self)["caps"] = replace(self.caps, settable_fields=self.caps.settable_fields | {"category"})

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """The store of an account: a user with an API token, or an OAuth token alone. Raises BadInput for wrong
        options."""
        if not re.fullmatch(r"[0-9]*", url.options.get("category", "")):
            raise BadInput(
                "category is the number of a ticket field: take it from the field's page in the Admin Center"
            )
        try:
            per_minute = float(url.options.get("exports_per_minute") or EXPORTS_PER_MINUTE)
        except ValueError as error:
            raise BadInput("exports_per_minute is a number: 10, or 30 with the high volume add-on") from error
        base = url.url.removesuffix("/api/v2") + "/api/v2"
        user = url.user.removesuffix("/token") + "/token"
        credentials: dict[str, Any] = (
            {"auth": (user, url.secret)} if url.user else {"headers": {"Authorization": f"Bearer {url.secret}"}}
        )
        http = HttpClient(base, secrets=[url.secret], **credentials)
        return cls(url, http, HttpClient(base, secrets=[url.secret], per_minute=per_minute, **credentials))

    def check_account(self) -> Health:
        """Our user, whether it may export, and whether the category's field can be used."""
        me = self._fetch_account()
        missing = []
        if me.get("role") != "admin":
            missing.append("make deskyard's user an administrator: Zendesk exports changed tickets to nobody else")
        if self.url.options.get("hook_secret") == PUBLIC_TEST_SECRET:
            missing.append("hook_secret is the secret that Zendesk publishes for tests: use the webhook's own")
        try:
            self._category_field()
        except StoreRefused as error:
            missing.append(error.reason)
        return Health("API v2", me.get("email") or str(me["id"]), missing=tuple(missing))

    def fetch_catalogue(self) -> Catalogue:
        """Groups, agents with their groups, and the options of the category's field."""
        try:
            category_field = self._category_field()
        except StoreRefused:
            category_field = None
        users = fetch_all(self.http, "/users", "users", {"role[]": ["agent", "admin"]})
        memberships = fetch_all(self.http, "/group_memberships", "group_memberships")
        me, groups = self._fetch_account()["id"], fetch_all(self.http, "/groups", "groups")
        self._mapping = build_mapping(me, groups, users, memberships, category_field)
        return self._mapping.catalogue

    def list_changes(self, since: datetime, n: int) -> Iterable[ChangedRef]:
        """Changes by the time at which Zendesk recorded them, which may be later than the ticket's `updated_at`."""
        return (to_changed_ref(row) for row, _ in iterate_export(self.exports, since, n, self._server_time()))

    def pull(self, cursor: str | None, limit: int) -> TicketPage:
        """The tickets that changed since the cursor, until a minute ago. The rows of the export are whole tickets, so
        only their audits are read."""
        self._cached_mapping()  # its requests also measure the difference to Zendesk's clock, which is used below
        rows: dict[str, tuple[Row, Mapping[str, Rows]]] = {}

        def list_changes(since: datetime, n: int) -> Iterator[ChangedRef]:
            for row, sideloads in iterate_export(self.exports, since, n, self._server_time()):
                found = to_changed_ref(row)
                rows[found.ref] = row, sideloads
                yield found

        def fetch_many(refs: list[str]) -> dict[str, StoredTicket]:
            found = {ref: self._from_export(*rows[ref]) for ref in refs}
            return {ref: ticket for ref, ticket in found.items() if ticket is not None}

        now = self._server_time() - EXPORT_DELAY
        return incremental_pull.read_page(cursor, limit, now, list_changes, fetch_many, self.time_step)

    def fetch(self, ref: str) -> StoredTicket:
        """The ticket with its audits. The ticket is read first, so that a change in between makes a write fail."""
        found = self.http.get(f"/tickets/{parse_ref(ref)}", {"include": SIDELOADS})
        row = response_part(found, "ticket")
        if row.get("status") == "deleted":
            raise NotFound(f"the ticket {ref} was deleted")
        return to_stored_ticket(row, found.data, self._fetch_audits(ref), self._cached_mapping())

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """One PUT with the note, which Zendesk refuses if the ticket changed after the second in which it was seen."""
        if seen.status == "closed":
            raise StoreRefused("request", "the ticket is closed, and Zendesk allows no changes of closed tickets")
        body = self._to_vendor_values(values)
        if delivery.id not in seen.markers:
            body["comment"] = {"body": delivery.full_note, "public": False}
        seen = self._add_tags(seen, delivery)
        body |= {"safe_update": True, "updated_stamp": seen.raw["ticket"]["updated_at"]}
        answer = self.http.send("PUT", f"/tickets/{seen.ref}", json={"ticket": body}, accept=(422,))
        if answer.status == 422 or not isinstance(answer.data, dict) or "ticket" not in answer.data:
            raise StoreRefused("request", refusal_text(answer.data))
        return {}

    def find_overwritten(self, seen: StoredTicket, now: StoredTicket, values: FieldValues) -> FieldValues:
        """Found in the audits: Zendesk compares seconds, so changes in the second that we saw are not refused."""
        return find_overwritten((move for move, _ in parse_moves(now.raw["audits"], self._mapping)), seen, values)

    def add_note(self, ref: str, text: str) -> None:
        """Add a private comment."""
        self.http.send(
            "PUT", f"/tickets/{parse_ref(ref)}", json={"ticket": {"comment": {"body": text, "public": False}}}
        )

    def fetch_moves(self, ref: str) -> list[Move]:
        """The moves in the ticket's audits."""
        audits = self._fetch_audits(ref)
        return [move for move, _ in parse_moves(audits, self._cached_mapping())]

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The event of a trigger with our template, or of Zendesk's own event subscription."""
        moment = headers.get("x-zendesk-webhook-signature-timestamp", "")
        secret = self.url.options.get("hook_secret", "")
        signature = headers.get("x-zendesk-webhook-signature", "")
        webhooks.check_signature(secret, signature, moment.encode() + raw, encoding="base64")
        webhooks.check_age(webhooks.parse_timestamp(moment), now)
        body = webhooks.parse_body(raw)
        name = headers.get("x-zendesk-webhook-invocation-id") or webhooks.make_event_id(moment, raw)
        own_names = {self.url.user.removesuffix("/token").lower(), str(self._mapping.me)} - {"", "0"}
        found = parse_hint(body)
        return (
            []
            if found is None
            else [WebhookEvent(str(found.id or name), found.ref, by_deskyard=found.author.lower() in own_names)]
        )

    def close(self) -> None:
        """Close the connections of both clients."""
        super().close()
        self.exports.close()

    def _fetch_account(self) -> Row:
        me: Row = response_part(self.http.get("/users/me"), "user")
        if not me.get("id"):
            raise AccessDenied(
                f"{self.http.base} does not recognise us: check the user, the token, and that tokens are allowed"
            )
        return me

    def _category_field(self) -> Row | None:
        """The ticket field of the category. Raises StoreRefused if it can't be used."""
        number = self.url.options.get("category")
        if not number:
            return None
        try:
            field: Row = response_part(self.http.get(f"/ticket_fields/{number}"), "ticket_field")
        except NotFound as error:
            problem = f"there is no ticket field {number}: correct `category` in the store's URL"
            raise StoreRefused("category", problem) from error
        if field.get("active") is False or field.get("type") not in TEXT_FIELD_TYPES | {"tagger"}:
            problem = f"the ticket field {number} is not an active drop-down or text field: set another `category`"
            raise StoreRefused("category", problem)
        return field

    def _cached_mapping(self) -> FieldMapping:
        self.catalogue()
        return self._mapping

    def _to_vendor_values(self, values: FieldValues) -> dict[str, Any]:
        """The values in the form of Zendesk's API. Raises StoreRefused for one that no longer exists."""
        mapping, found = self._cached_mapping(), dict[str, Any]()
        options = {label: value for value, label in mapping.options.items()}
        for name, value in values.items():
            try:
                if name == "queue":
                    found["group_id"] = mapping.id_of(mapping.groups, value)
                elif name == "assignee":
                    found["assignee_id"] = mapping.id_of(mapping.agents, value)
                elif name == "priority":
                    found["priority"] = value and VENDOR_PRIORITIES[value]
                else:
                    chosen = options[value] if options and value is not None else value
                    found["custom_fields"] = [{"id": mapping.category, "value": chosen}]
            except KeyError as error:
                raise StoreRefused(name, f"{value!r} is no longer there") from error
        return found

    def _add_tags(self, seen: StoredTicket, delivery: Delivery) -> StoredTicket:
        """Add the delivery's tags; the ticket after it. Raises StoreConflict if somebody changed it in the meantime."""
        lacking = sorted(set(delivery.add_tags) - seen.tags)
        if not lacking:
            return seen
        stamp = seen.raw["ticket"]["updated_at"]
        body = {"tags": lacking, "updated_stamp": stamp, "safe_update": "true"}
        self.http.send("PUT", f"/tickets/{seen.ref}/tags", json=body)
        now = self.fetch(seen.ref)
        if now.differing({name: seen.value(name) for name in (*self.caps.settable_fields, "status")}):
            raise StoreConflict("the ticket was changed while its tags were added")
        return now

    def _fetch_audits(self, ref: str) -> list[Row]:
        return fetch_all(self.http, f"/tickets/{parse_ref(ref)}/audits", "audits")

    def _from_export(self, row: Row, sideloads: Mapping[str, Rows]) -> StoredTicket | None:
        """A row of the export as a stored ticket; None if the ticket was deleted."""
        ref = str(row["id"])
        if row.get("status") == "deleted":
            return None
        name = (ref, row.get("generated_timestamp"), row.get("updated_at"))
        if name not in self._cached_tickets:
            try:
                audits = self._fetch_audits(ref)
                found = to_stored_ticket(row, sideloads, audits, self._cached_mapping())
                if audits and datetime.fromisoformat(audits[-1]["created_at"]) > found.updated_at:
                    return self.fetch(ref)
            except NotFound:
                return None
            while len(self._cached_tickets) >= MAX_CACHED_AUDITS:
                self._cached_tickets.pop(next(iter(self._cached_tickets)), None)
            self._cached_tickets[name] = found
        return self._cached_tickets[name]

    def _server_time(self) -> datetime:
        """The time of Zendesk's clock."""
        skew = self.http.skew if self.exports.skew is None else self.exports.skew
        return datetime.now(UTC) + timedelta(seconds=skew or 0.0)
