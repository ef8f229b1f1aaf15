"""Zammad as a ticket store: `/api/v1` with a token, or with a user's password where the installation allows it.

In come our deliveries and cursors; out go Zammad's tickets in our words (`zammad_words`). One PUT carries fields and
the internal note together, in one transaction; Zammad compares no versions, so its history is read afterwards. What
changed is asked of its database, not of its search index, which may be switched off and lags behind.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Self

from deskyard.connectors.base import webhooks
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.http_client import HttpClient
from deskyard.connectors.base.incremental_pull import ChangedRef
from deskyard.connectors.base.remote_store import RemoteStore
from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    FieldValues,
    Health,
    Move,
    StoredTicket,
    WebhookEvent,
)
from deskyard.connectors.zammad.client import (
    fetch_agents,
    fetch_all,
    iterate_changes,
    make_note,
    parse_ref,
    refusal_text,
    response_object,
    response_rows,
)
from deskyard.connectors.zammad.field_mapping import (
    NOBODY_ID,
    FieldMapping,
    Row,
    build_mapping,
    full_access_groups,
    parse_moves,
    to_stored_ticket,
)
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import AccessDenied, BadInput, NotFound, StoreRefused

CATEGORY_TYPES: Final = frozenset({"select", "tree_select", "input", "textarea"})
"""Attributes that hold one value."""


class ZammadStore(RemoteStore):
    """Tickets at Zammad. URL: `zammad:https://:TOKEN@host`, or `zammad:https://user:password@host`."""

    caps: ClassVar = Capabilities(
        settable_fields=frozenset({"queue", "priority", "assignee"}),
        atomic_writes=True,
        reports_people=True,
        tags=True,
        notes=True,
        moves=True,
        webhooks=True,
        signed_webhooks=True,
    )
    options: ClassVar = ("category",)

    def __init__(self, url: ConnectionUrl, http: HttpClient) -> None:
        """Nothing is asked yet."""
        super().__init__(url, http)
        self._book = FieldMapping()
        self._category = url.options.get("category", "")
        if self._category:
            # Only an installation whose administrator named the attribute has a category.
            vars(self)["caps"] = replace(self.caps, settable_fields=self.caps.settable_fields | {"category"})

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """A token shows itself; a password goes with its user."""
        if not re.fullmatch(r"[a-z0-9_]*", url.options.get("category", "")):
            raise BadInput("category is the name of an attribute of Zammad's tickets, as in the object manager")
        base = url.url.removesuffix("/api/v1") + "/api/v1"
        shown: dict[str, Any] = (
            {"auth": (url.user, url.secret)}
            if url.user
            else {"headers": {"Authorization": f"Token token={url.secret}"}}
        )
        return cls(url, HttpClient(base, secrets=[url.secret], **shown))

    def check_account(self) -> Health:
        """What the token may not, and which groups our user can't work in."""
        me, missing = response_object(self.http.get("/users/me"), "id"), []
        try:
            version = str(response_object(self.http.get("/version"), "version")["version"])
        except (AccessDenied, NotFound):
            version = ""
        try:
            groups = fetch_all(self.http, "/groups")
            roles = {row["id"]: full_access_groups(row) for row in self._fetch_roles()}
            own = full_access_groups(me).union(*(roles.get(role, set()) for role in me.get("role_ids") or ()))
            shut = [row["name"] for row in groups if row.get("active") is not False and row["id"] not in own]
            if shut and (roles or not me.get("role_ids")):
                missing.append(f"give deskyard's user full access to {', '.join(shut)}: it does not see their tickets")
        except AccessDenied:
            missing.append("give deskyard's token the permission admin.group: Zammad lists its groups to no one else")
        try:
            self._category_attribute()
        except StoreRefused as error:
            missing.append(error.reason)
        return Health(version, str(me.get("login") or me["id"]), missing=tuple(missing))

    def fetch_catalogue(self) -> Catalogue:
        """Groups, the agents with full access to them, priorities, states, and the category's values."""
        try:
            kind = self._category_attribute()
        except StoreRefused:
            kind = {"name": self._category}
        groups = fetch_all(self.http, "/groups")
        parts = {
            "groups": groups,
            "users": fetch_agents(self.http, groups),
            "roles": self._fetch_roles(),
            "priorities": fetch_all(self.http, "/ticket_priorities"),
            "states": fetch_all(self.http, "/ticket_states", {"expand": "true"}),
        }
        self._book = build_mapping(
            response_object(self.http.get("/users/me"), "id")["id"], parts, kind, datetime.now(UTC).date()
        )
        return self._book.catalogue

    def list_changes(self, since: datetime, n: int) -> Iterable[ChangedRef]:
        """By the ticket's last change, in milliseconds."""
        return iterate_changes(self.http, since, n)

    def fetch(self, ref: str) -> StoredTicket:
        """The ticket first: what comes between then belongs to a version that is not ours."""
        row = response_object(self.http.get(f"/tickets/{parse_ref(ref)}", {"expand": "true"}), "id")
        articles = response_rows(self.http.get(f"/ticket_articles/by_ticket/{ref}"))
        tags = response_object(self.http.get("/tags", {"object": "Ticket", "o_id": ref}), "tags")["tags"]
        self.catalogue()
        return to_stored_ticket(row, articles, tags, self._fetch_history(ref), self._book)

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """Tags first, each by the call that adds; then one PUT with the note."""
        theirs = self._to_vendor_values(values)
        if delivery.id not in seen.markers:
            theirs["article"] = make_note(delivery.full_note)
        for tag in sorted(set(delivery.add_tags) - seen.tags):
            told = {"object": "Ticket", "o_id": int(seen.ref), "item": tag}
            answer = self.http.send("POST", "/tags/add", json=told, accept=(422,))
            if answer.status == 422:
                raise StoreRefused("add_tags", refusal_text(answer.data))
        answer = self.http.send("PUT", f"/tickets/{seen.ref}", json=theirs, accept=(422,))
        if answer.status == 422 or not isinstance(answer.data, dict) or "id" not in answer.data:
            raise StoreRefused("request", refusal_text(answer.data))
        return {}

    def add_note(self, ref: str, text: str) -> None:
        """An internal note."""
        self.http.send("POST", "/ticket_articles", json={"ticket_id": int(parse_ref(ref)), **make_note(text)})

    def fetch_moves(self, ref: str) -> list[Move]:
        """From the history."""
        history = self._fetch_history(parse_ref(ref))
        self.catalogue()
        return [move for move, _ in parse_moves(history, self._book)]

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """Signed over the body alone: the ticket's own last change says how old it is."""
        signature = headers.get("x-hub-signature", "").removeprefix("sha1=")
        webhooks.check_signature(self.url.options.get("hook_secret", ""), signature, raw, digest="sha1")
        told = webhooks.parse_body(raw)
        ticket, article = (dict(told.get(name) or {}) for name in ("ticket", "article"))
        if not re.fullmatch(r"[0-9]{1,18}", str(ticket.get("id"))):
            return []
        if ticket.get("updated_at"):
            webhooks.check_age(webhooks.parse_timestamp(str(ticket["updated_at"])), now)
        hands = {ticket.get("updated_by_id"), article.get("created_by_id", ticket.get("updated_by_id"))}
        name = headers.get("x-zammad-delivery") or webhooks.make_event_id(raw)
        return [WebhookEvent(name, str(ticket["id"]), by_deskyard=hands == {self._book.me})]

    def _fetch_history(self, ref: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = response_object(self.http.get(f"/ticket_history/{ref}"), "history")
        return found

    def _fetch_roles(self) -> list[Row]:
        """None, where the token may not see them: agents whose access comes from a role are unknown then."""
        try:
            return fetch_all(self.http, "/roles")
        except AccessDenied:
            return []

    def _category_attribute(self) -> Row | None:
        """The attribute that is the category. Raises StoreRefused for one that is of no use."""
        if not self._category:
            return None
        try:
            known = response_rows(self.http.get("/object_manager_attributes"))
        except AccessDenied as error:
            told = "give deskyard's token the permission admin.object: the category's values are unknown without it"
            raise StoreRefused("category", told) from error
        for row in known:
            if (row.get("object"), row.get("name")) == ("Ticket", self._category):
                if row.get("active") is False or row.get("data_type") not in CATEGORY_TYPES:
                    break
                return row
        told = (
            f"tickets have no active attribute {self._category!r} of one value: correct `category` in the store's URL"
        )
        raise StoreRefused("category", told)

    def _to_vendor_values(self, values: FieldValues) -> dict[str, Any]:
        """Values in Zammad's words. Raises StoreRefused for one that was there a moment ago."""
        self.catalogue()
        book, theirs = self._book, dict[str, Any]()
        for name, value in values.items():
            try:
                if name == "queue":
                    theirs["group_id"] = _key_of(book.groups, value)
                elif name == "assignee":
                    theirs["owner_id"] = NOBODY_ID if value is None else _key_of(book.users, value)
                elif name == "priority":
                    theirs["priority_id"] = book.priority_ids[value or ""]
                else:
                    chosen = _key_of(book.options, value) if book.options and value is not None else value
                    theirs[book.category] = chosen
            except KeyError as error:
                raise StoreRefused(name, f"{value!r} is not to be had here") from error
        return theirs


def _key_of(names: Mapping[Any, str], name: str | None) -> Any:
    return {shown: key for key, shown in names.items()}[name or ""]
