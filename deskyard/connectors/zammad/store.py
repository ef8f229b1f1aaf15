"""Zammad as a ticket store: `/api/v1` with a token, or with a user's password if the installation allows it.

One PUT writes fields and internal note in one transaction. Zammad compares no versions, so its history is read after
the write. Changes are searched in its database, not in its search index, which may be switched off and lags behind.
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
"""Types of attributes that have a single value."""


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
        """No request is made yet."""
        super().__init__(url, http)
        self._mapping = FieldMapping()
        self._category = url.options.get("category", "")
        if self._category:
            # Categories are supported only if the URL names their attribute.
            vars(self)["caps"] = replace(self.caps, settable_fields=self.caps.settable_fields | {"category"})

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """The store of an account: a user with a password, or a token. Raises BadInput for an invalid category."""
        if not re.fullmatch(r"[a-z0-9_]*", url.options.get("category", "")):
            raise BadInput("category is the name of an attribute of Zammad's tickets, as in the object manager")
        base = url.url.removesuffix("/api/v1") + "/api/v1"
        credentials: dict[str, Any] = (
            {"auth": (url.user, url.secret)}
            if url.user
            else {"headers": {"Authorization": f"Token token={url.secret}"}}
        )
        return cls(url, HttpClient(base, secrets=[url.secret], **credentials))

    def check_account(self) -> Health:
        """Version and login, the permissions that the token lacks, and the groups that our user can't work in."""
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
        """Groups, the agents with full access to them, priorities, states, and the values of the category."""
        try:
            attribute = self._category_attribute()
        except StoreRefused:
            attribute = {"name": self._category}
        groups = fetch_all(self.http, "/groups")
        tables = {
            "groups": groups,
            "users": fetch_agents(self.http, groups),
            "roles": self._fetch_roles(),
            "priorities": fetch_all(self.http, "/ticket_priorities"),
            "states": fetch_all(self.http, "/ticket_states", {"expand": "true"}),
        }
        self._mapping = build_mapping(
            response_object(self.http.get("/users/me"), "id")["id"], tables, attribute, datetime.now(UTC).date()
        )
        return self._mapping.catalogue

    def list_changes(self, since: datetime, n: int) -> Iterable[ChangedRef]:
        """Changes by the time of the last one, to the millisecond."""
        return iterate_changes(self.http, since, n)

    def fetch(self, ref: str) -> StoredTicket:
        """The ticket with articles, tags and history. The ticket is read first, so that a change during the reads does
        not look as if it was seen."""
        row = response_object(self.http.get(f"/tickets/{parse_ref(ref)}", {"expand": "true"}), "id")
        articles = response_rows(self.http.get(f"/ticket_articles/by_ticket/{ref}"))
        tags = response_object(self.http.get("/tags", {"object": "Ticket", "o_id": ref}), "tags")["tags"]
        self.catalogue()
        return to_stored_ticket(row, articles, tags, self._fetch_history(ref), self._mapping)

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """One request for each tag, then one PUT with the fields and the note."""
        body = self._to_vendor_values(values)
        if delivery.id not in seen.markers:
            body["article"] = make_note(delivery.full_note)
        for tag in sorted(set(delivery.add_tags) - seen.tags):
            tagging = {"object": "Ticket", "o_id": int(seen.ref), "item": tag}
            answer = self.http.send("POST", "/tags/add", json=tagging, accept=(422,))
            if answer.status == 422:
                raise StoreRefused("add_tags", refusal_text(answer.data))
        answer = self.http.send("PUT", f"/tickets/{seen.ref}", json=body, accept=(422,))
        if answer.status == 422 or not isinstance(answer.data, dict) or "id" not in answer.data:
            raise StoreRefused("request", refusal_text(answer.data))
        return {}

    def add_note(self, ref: str, text: str) -> None:
        """Add an internal note."""
        self.http.send("POST", "/ticket_articles", json={"ticket_id": int(parse_ref(ref)), **make_note(text)})

    def fetch_moves(self, ref: str) -> list[Move]:
        """The moves in the ticket's history."""
        history = self._fetch_history(parse_ref(ref))
        self.catalogue()
        return [move for move, _ in parse_moves(history, self._mapping)]

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The event of a webhook. It is signed over the body alone, so its age is that of the ticket's last change."""
        signature = headers.get("x-hub-signature", "").removeprefix("sha1=")
        webhooks.check_signature(self.url.options.get("hook_secret", ""), signature, raw, digest="sha1")
        body = webhooks.parse_body(raw)
        ticket, article = (dict(body.get(name) or {}) for name in ("ticket", "article"))
        if not re.fullmatch(r"[0-9]{1,18}", str(ticket.get("id"))):
            return []
        if ticket.get("updated_at"):
            webhooks.check_age(webhooks.parse_timestamp(str(ticket["updated_at"])), now)
        authors = {ticket.get("updated_by_id"), article.get("created_by_id", ticket.get("updated_by_id"))}
        name = headers.get("x-zammad-delivery") or webhooks.make_event_id(raw)
        return [WebhookEvent(name, str(ticket["id"]), by_deskyard=authors == {self._mapping.me})]

    def _fetch_history(self, ref: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = response_object(self.http.get(f"/ticket_history/{ref}"), "history")
        return found

    def _fetch_roles(self) -> list[Row]:
        """The roles; empty if the token may not see them, in which case agents with access by a role are unknown."""
        try:
            return fetch_all(self.http, "/roles")
        except AccessDenied:
            return []

    def _category_attribute(self) -> Row | None:
        """The attribute of the category. Raises StoreRefused if it can't be used."""
        if not self._category:
            return None
        try:
            known = response_rows(self.http.get("/object_manager_attributes"))
        except AccessDenied as error:
            problem = "give deskyard's token the permission admin.object: the category's values are unknown without it"
            raise StoreRefused("category", problem) from error
        for row in known:
            if (row.get("object"), row.get("name")) == ("Ticket", self._category):
                if row.get("active") is False or row.get("data_type") not in CATEGORY_TYPES:
                    break
                return row
        problem = (
            f"tickets have no active attribute {self._category!r} of one value: correct `category` in the store's URL"
        )
        raise StoreRefused("category", problem)

    def _to_vendor_values(self, values: FieldValues) -> dict[str, Any]:
        """The values in the form of Zammad's API. Raises StoreRefused for one that no longer exists."""
        self.catalogue()
        mapping, found = self._mapping, dict[str, Any]()
        for name, value in values.items():
            try:
                if name == "queue":
                    found["group_id"] = _key_of(mapping.groups, value)
                elif name == "assignee":
                    found["owner_id"] = NOBODY_ID if value is None else _key_of(mapping.users, value)
                elif name == "priority":
                    found["priority_id"] = mapping.priority_ids[value or ""]
                else:
                    chosen = _key_of(mapping.options, value) if mapping.options and value is not None else value
                    found[mapping.category] = chosen
            except KeyError as error:
                raise StoreRefused(name, f"{value!r} does not exist there") from error
        return found


def _key_of(names: Mapping[Any, str], name: str | None) -> Any:
    return {shown: key for key, shown in names.items()}[name or ""]
