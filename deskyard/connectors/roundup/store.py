"""Roundup 2 as a ticket store, through its REST API.

All fields of a delivery change in one write with the ETag of the issue as it was seen. Roundup has no internal notes: a
message is visible to everybody who sees the issue, and mailed to its nosy list, which includes the requester. So notes
are written only with the option `notes=on`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Self, cast
from urllib.parse import quote, urlsplit

from deskyard.connectors.base import webhooks
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.http_client import ApiResponse, HttpClient
from deskyard.connectors.base.incremental_pull import ChangedRef
from deskyard.connectors.base.remote_store import RemoteStore
from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    FieldValues,
    Health,
    StoredTicket,
    WebhookEvent,
)
from deskyard.connectors.roundup import field_mapping
from deskyard.connectors.roundup.field_mapping import FieldMapping, LinkedProperty, PriorityMapping
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import AccessDenied, BadInput, NotFound, StoreConflict, StoreRefused, StoreUnreachable

MAX_ATTEMPTS: Final = 3
"""How often a note is tried while others keep changing the issue."""

_QUEUE_PROPERTIES: Final = ("queue", "component", "keyword")
_UTC: Final = ("UTC", "GMT", "Etc/UTC", "0")
_FULL_PARAMS: Final = {"@verbose": "2", "@protected": "true"}


class RoundupStore(RemoteStore):
    """Issues of a Roundup tracker. URL: `roundup:https://LOGIN:PASSWORD@host/tracker`.

    `queue`, `category` and `tags` name properties of issues (`property:class` if the names differ), `priorities` the
    tracker's own priorities, `agents` the role of users who may be assigned. `notes=on` writes notes, for trackers
    that no requester can see.
    """

    caps: ClassVar = Capabilities(
        settable_fields=frozenset({"queue", "category", "priority", "assignee"}),
        atomic_writes=True,
        checks_version=True,
        tags=True,
        webhooks=True,
    )
    options: ClassVar = ("queue", "category", "tags", "priorities", "agents", "notes")

    def __init__(self, url: ConnectionUrl, http: HttpClient) -> None:
        """No request is made yet."""
        super().__init__(url, http)
        self.priorities = field_mapping.parse_priorities(url.options.get("priorities", ""))
        self._mapping: FieldMapping | None = None
        self._numbers: dict[str, dict[str, str]] = {}
        self._attributes: list[str] = []

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """The store of an account. Roundup requires Origin and Referer for writes. Raises BadInput without a login."""
        if not url.user:
            raise BadInput("write deskyard's login in the tracker: roundup:https://LOGIN:PASSWORD@host/tracker")
        site = url.url.partition("/rest")[0]
        headers = {
            "Origin": "{0.scheme}://{0.netloc}".format(urlsplit(site)),
            "Referer": f"{site}/",
            "X-Requested-With": "deskyard",
        }
        notes = url.options.get("notes", "off")
        if notes not in ("on", "off"):
            raise BadInput(f"write notes=on or notes=off, not {notes[:20]!r}")
        store_class = cast(type[Self], RoundupStoreWithNotes) if notes == "on" else cls
        auth = (url.user, url.secret)
        return store_class(url, HttpClient(site + "/rest", auth=auth, headers=headers, secrets=[url.secret]))

    def check_account(self) -> Health:
        """The version of REST (Roundup reports no other), our login, and what is missing, as far as it is visible."""
        version = f"REST {self.http.get('/').data['data']['default_version']}"
        missing = []
        try:
            account = self._fetch_account()
        except NotFound:
            problem = f"the tracker shows us no user {self.url.user!r}: write the login of deskyard's account"
            return Health(version, "", None, (problem,))
        if str(account.get("timezone")) not in _UTC:
            missing.append(_account_zone(self.url.user))
        classes = self._fetch_classes()
        mapping = self._load_mapping(account)
        unseen = [kind for kind in ("issue", "msg", "user", mapping.queue.kind) if kind not in classes]
        missing += [f"it may not see the class {kind!r}: grant it View, or name another with queue=" for kind in unseen]
        return Health(version, str(account["username"]), None, tuple(missing))

    def fetch_catalogue(self) -> Catalogue:
        """The values that are not retired. Roundup does not assign agents to queues: every agent serves all of them."""
        self._mapping = None
        mapping = self._cached_mapping()
        kinds = {part.kind for part in (mapping.queue, mapping.category, mapping.tags) if part}
        found = {kind: self._numbers_by_name(kind) for kind in sorted(kinds)}
        found["priority"] = self._numbers["priority"]
        role = self.url.options.get("agents", "")
        found["user"] = self._numbers_by_name("user", {"roles": role} if role else {})
        self._numbers = found
        queues = tuple(sorted(found[mapping.queue.kind]))
        return Catalogue(
            {name: {} for name in queues},
            {name: queues for name in found["user"] if name not in ("anonymous", self.url.user)},
            tuple(mapping.priorities.to_vendor),
            tuple(sorted(found[mapping.category.kind])) if mapping.category else (),
        )

    def list_changes(self, since: datetime, n: int) -> Iterator[ChangedRef]:
        """Changes by (time, number). Every request begins with the last second of the one before, and never with an
        offset: issues that change in the meantime move to the end, and others would be skipped. Raises AccessDenied
        unless our account's time zone is UTC."""
        if str(self._fetch_account().get("timezone")) not in _UTC:
            raise AccessDenied(_account_zone(self.url.user))
        at, size = since.astimezone(UTC).replace(microsecond=0), max(n, 100)
        delivered: set[tuple[str, datetime]] = set()
        while True:
            params = {"activity": f"{at:%Y-%m-%d.%H:%M:%S};", "@fields": "activity", "@sort": "activity,id"}
            found = [
                (str(one["id"]), field_mapping.parse_moment(one["activity"]))
                for one in self._list("issue", {**params, "@page_size": str(size)})
            ]
            for ref, moment in found:
                if (ref, moment) not in delivered:
                    delivered.add((ref, moment))
                    yield ChangedRef(moment, ref)
            if len(found) < size:
                return
            if found[-1][1] > at:
                at = found[-1][1]
            else:
                size *= 2

    def fetch(self, ref: str) -> StoredTicket:
        """The issue, with the message that it was filed with, and our notes if there are any."""
        found = self._fetch_issue(ref).data["data"]
        self._attributes = sorted(found["attributes"])
        return field_mapping.to_stored_ticket(ref, found, self._fetch_messages([found]), self._cached_mapping())

    def fetch_many(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Issues by number, fifty per request. A list has the same attributes as an issue, but must name them."""
        mapping = self._cached_mapping()
        found: dict[str, StoredTicket] = {}
        while refs and not self._attributes:
            found |= super().fetch_many(refs[:1])
            refs = refs[1:]
        for start in range(0, len(refs), 50):
            params = {"id": refs[start : start + 50], "@fields": ",".join(self._attributes), "@verbose": "2"}
            issues = [{"attributes": one} for one in self._list("issue", params)]
            messages = self._fetch_messages(issues)
            for one in issues:
                ref = str(one["attributes"]["id"])
                found[ref] = field_mapping.to_stored_ticket(ref, one, messages, mapping)
        return found

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """One PUT with the ETag. Names are sent as numbers, because Roundup takes a name of digits for a number."""
        mapping, parts = self._cached_mapping(), seen.raw["attributes"]
        body: dict[str, Any] = {}
        for field, part in (("queue", mapping.queue), ("category", mapping.category)):
            if field in values and part:
                body[part.name] = field_mapping.link_value(
                    parts, part, self._number_of(part.kind, values[field], field), field
                )
        if "priority" in values:
            priority = mapping.priorities.to_vendor.get(values["priority"] or "")
            body["priority"] = self._number_of("priority", priority, "priority") or field_mapping.NO_VALUE
        if "assignee" in values:
            body["assignedto"] = self._number_of("user", values["assignee"], "assignee") or field_mapping.NO_VALUE
        if delivery.add_tags:
            if not mapping.tags:
                raise StoreRefused("add_tags", "name a property of issues for tags with tags=")
            added = [self._number_of(mapping.tags.kind, tag, "add_tags") or "" for tag in delivery.add_tags]
            body[mapping.tags.name] = sorted(
                {*field_mapping.link_numbers(parts.get(mapping.tags.name)), *added}, key=int
            )
        if self.caps.notes:
            body |= self._make_message(parts, delivery.full_note)
        self._put_issue(seen.ref, body, str(seen.raw["@etag"]))
        return {}

    def add_note(self, ref: str, text: str) -> None:
        """Add a message, which is visible to everybody who sees the issue. Raises StoreUnreachable while others keep
        changing the issue."""
        for _ in range(MAX_ATTEMPTS):
            answer = self._fetch_issue(ref)
            found = answer.data["data"]
            try:
                self._put_issue(ref, self._make_message(found["attributes"], text), str(found["@etag"]))
            except StoreConflict:
                continue
            return
        raise StoreUnreachable(f"others keep changing issue {ref}", 2.0)

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The event of our detector (`detector.py.txt`), which sends a secret and does not sign."""
        self.check_secret(headers)
        event = webhooks.parse_body(raw)
        ref, by = str(event.get("issue", "")), str(event.get("by", ""))
        if not ref.isdecimal():
            return []
        return [WebhookEvent(webhooks.make_event_id(ref, by, event.get("at")), ref, by == self.url.user)]

    def _fetch_issue(self, ref: str) -> ApiResponse:
        return self.http.get(f"/data/issue/{_parse_ref(ref)}", _FULL_PARAMS)

    def _list(self, kind: str, params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.http.get(f"/data/{quote(kind, safe='')}", params).data["data"][
            "collection"
        ]
        return found

    def _numbers_by_name(self, kind: str, params: Mapping[str, str] | None = None) -> dict[str, str]:
        """Name → number, of the items of a class that are not retired."""
        found = self._list(kind, {"@verbose": "2", **(params or {})})
        return {field_mapping.link_label(one) or "": str(one["id"]) for one in found}

    def _number_of(self, kind: str, name: str | None, field: str) -> str | None:
        if name is None:
            return None
        if name not in self._numbers.get(kind, {}):
            raise StoreRefused(field, f"the tracker has no {kind} {name!r}")
        return self._numbers[kind][name]

    def _fetch_messages(self, issues: list[Any]) -> dict[str, Mapping[str, Any]]:
        """Number → message: the one with which each issue was filed, or all of them if we write notes."""
        numbers: list[str] = []
        for one in issues:
            parts = one["attributes"]
            numbers += (
                field_mapping.link_numbers(parts.get("messages"))
                if self.caps.notes
                else filter(None, [field_mapping.first_message(parts)])
            )
        messages: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(numbers), 100):
            params = {"id": numbers[start : start + 100], "@fields": "content,author", "@verbose": "3"}
            messages |= {str(one["id"]): one for one in self._list("msg", params)}
        return messages

    def _make_message(self, attributes: Mapping[str, Any], text: str) -> dict[str, Any]:
        """Create a message, and return the body that adds it to an issue. It includes the status, because the classic
        tracker would otherwise set the status to chatting."""
        message = {
            "content": text,
            "author": self._cached_mapping().account[1],
            "date": f"{datetime.now(UTC):%Y-%m-%d.%H:%M:%S}",
        }
        number = self.http.send("POST", "/data/msg", json=message).data["data"]["id"]
        body: dict[str, Any] = {"messages": [*field_mapping.link_numbers(attributes.get("messages")), str(number)]}
        return body | ({"status": field_mapping.link_number(attributes["status"])} if attributes.get("status") else {})

    def _put_issue(self, ref: str, body: Mapping[str, Any], etag: str) -> None:
        """Raises StoreConflict for another ETag, and StoreRefused for a 409, which means that something is missing."""
        answer = self.http.send("PUT", f"/data/issue/{ref}", json=body, headers={"If-Match": etag}, accept=(409,))
        if answer.status == 409:
            raise StoreRefused("request", f"the tracker answered: {str(answer.data)[:200]}")

    def _fetch_account(self) -> Mapping[str, Any]:
        answer = self.http.get("/data/user/" + quote(f"username={self.url.user}", safe="="))
        return {**answer.data["data"]["attributes"], "id": str(answer.data["data"]["id"])}

    def _fetch_classes(self) -> list[str]:
        return list(self.http.get("/data").data["data"])

    def _cached_mapping(self) -> FieldMapping:
        if self._mapping is None:
            self._mapping = self._load_mapping(self._fetch_account())
        return self._mapping

    def _load_mapping(self, account: Mapping[str, Any]) -> FieldMapping:
        classes = self._fetch_classes()
        usual = next((name for name in _QUEUE_PROPERTIES if name in classes), "keyword")
        queue = LinkedProperty.parse(self.url.options.get("queue") or usual) or LinkedProperty(usual, usual)
        spare = "keyword" if "keyword" in classes and queue.kind != "keyword" else ""
        known = self._numbers_by_name("priority", {"@sort": "order"}) if "priority" in classes else {}
        self._numbers = {**self._numbers, "priority": known}
        return FieldMapping(
            queue,
            LinkedProperty.parse(self.url.options.get("category", "")),
            LinkedProperty.parse(self.url.options.get("tags", spare)),
            PriorityMapping.build(self.priorities, known),
            (str(account["username"]), str(account["id"])),
        )


class RoundupStoreWithNotes(RoundupStore):
    """A tracker in which only agents see issues, so that notes are internal."""

    caps: ClassVar = replace(RoundupStore.caps, notes=True)


def _parse_ref(ref: str) -> str:
    if not (ref.isascii() and ref.isdecimal()):
        raise NotFound(f"issues of Roundup have numbers, not {ref[:40]!r}")
    return ref


def _account_zone(login: str) -> str:
    return (
        f"set the time zone of {login!r} in the tracker to UTC: Roundup interprets the times of a query in the user's "
        "time zone, and changes in between would be missed"
    )
