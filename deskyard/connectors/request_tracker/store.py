"""Request Tracker 5 as a ticket store, through its REST 2 API.

RT answers 200 to an update that it carried out only in part, and sets the owner before the queue: so the two are
written separately, and every write is judged by what is read back.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

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
    Move,
    StoredTicket,
    WebhookEvent,
)
from deskyard.connectors.request_tracker import catalogue, history
from deskyard.connectors.request_tracker.history import FieldMapping, PriorityMapping
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import BadInput, NotFound, StoreConflict, StoreRefused

MAX_ATTEMPTS: Final = 3
"""How often the owner is written while others keep changing the ticket."""

_TICKET_FIELDS: Final = "Subject,Queue,Owner,Requestor,Priority,Status,LastUpdated,Created,CustomFields"


class RtStore(RemoteStore):
    """Tickets at Request Tracker. URL: `rt:https://LOGIN:TOKEN@host/REST/2.0` (or a password instead of a token).

    `category` and `tags` name custom fields. `priorities` gives the lowest of RT's numbers for each of ours.
    """

    caps: ClassVar = Capabilities(
        settable_fields=frozenset({"queue", "category", "priority", "assignee"}),
        checks_version=True,
        reports_people=True,
        tags=True,
        notes=True,
        moves=True,
        webhooks=True,
    )
    options: ClassVar = ("category", "tags", "priorities")

    def __init__(self, url: ConnectionUrl, http: HttpClient, pages: HttpClient) -> None:
        """`http` is the client for REST, `pages` that for RT's own pages, which list the possible owners."""
        super().__init__(url, http)
        self.pages = pages
        self.priorities = PriorityMapping.parse(url.options.get("priorities", "low:0,medium:50,high:100"))
        self.category = url.options.get("category", "Category")
        self.tags = url.options.get("tags", "Tags")
        self._account = ""

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """The store of an account: a token is sent in a header, a password by Basic authentication. Raises BadInput
        without a login."""
        if not url.user:
            raise BadInput("write the login of deskyard's account in RT before its token: rt:https://LOGIN:TOKEN@host")
        site = url.url.partition("/REST/2.0")[0]
        token = catalogue.TOKEN_PATTERN.fullmatch(url.secret)
        auth = None if token else (url.user, url.secret)
        headers = {"Authorization": f"token {url.secret}"} if token else {}
        # RT's pages check the Referer.
        origin = "{0.scheme}://{0.netloc}/".format(urlsplit(site))
        return cls(
            url,
            HttpClient(site + "/REST/2.0", auth=auth, headers=headers, secrets=[url.secret]),
            HttpClient(site, auth=auth, headers={**headers, "Referer": origin}, secrets=[url.secret]),
        )

    def check_account(self) -> Health:
        """Version, login, and what our account lacks, as far as it is visible."""
        fields = {"category": self.category, "tags": self.tags}
        given = {option: name for option, name in fields.items() if name and option in self.url.options}
        return catalogue.check_health(self.http, self.pages, self.url, given)

    def fetch_catalogue(self) -> Catalogue:
        """The queues that are not disabled; agents are the possible owners of tickets in each."""
        return catalogue.fetch_catalogue(self.http, self.pages, self.priorities.labels, self.category)

    def list_changes(self, since: datetime, n: int) -> Iterator[ChangedRef]:
        """Changes by (time, number). Every query continues after the last ticket of the one before, so that no ticket
        is skipped when others change. Raises AccessDenied unless our account's time zone is UTC."""
        catalogue.check_zone(catalogue.fetch_account(self.http, self.url.user))
        at, after = since, 0
        params = {
            "fields": "LastUpdated",
            "orderby": ["LastUpdated", "id"],
            "order": ["ASC", "ASC"],
            "per_page": min(max(n, 20), 100),
        }
        while True:
            later, same = (f"LastUpdated >= '{_format_moment(moment)}'" for moment in (at + timedelta(seconds=1), at))
            query = f"Type = 'ticket' AND ({later} OR ({same} AND id > {after}))"
            found = self.http.get("/tickets", {**params, "query": query}).data["items"]
            if not found:
                return
            for one in found:
                at, after = datetime.fromisoformat(one["LastUpdated"]), int(one["id"])
                yield ChangedRef(at, str(after))

    def fetch(self, ref: str) -> StoredTicket:
        """The ticket with its history. Raises NotFound also for a merged ticket, which is another one now."""
        answer = self._fetch_ticket(ref)
        mapping, version = self._field_mapping(), _parse_version(answer.headers)
        past = history.fetch_transactions(self.http, [ref], mapping.account, version)[ref]
        return history.to_stored_ticket(ref, answer.data, version, past, mapping)

    def fetch_many(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Tickets by ref, fifty at a time. Histories are read first, so that no version is newer than its data."""
        found = {}
        mapping = self._field_mapping()
        for start in range(0, len(refs), 50):
            past = history.fetch_transactions(self.http, refs[start : start + 50], mapping.account)
            query = " OR ".join(f"id = {_parse_ref(ref)}" for ref in past)
            params = {"query": query, "per_page": 100, "fields": _TICKET_FIELDS, "fields[Queue]": "Name"}
            for one in self.http.get("/tickets", params).data["items"]:
                ref = str(one["id"])
                found[ref] = history.to_stored_ticket(ref, one, past[ref].version, past[ref], mapping)
        return found

    def fetch_moves(self, ref: str) -> list[Move]:
        """The moves in the ticket's history; the names of its queues and users are looked up."""
        answer = self._fetch_ticket(ref)
        mapping = self._field_mapping()
        past = history.fetch_transactions(self.http, [ref], mapping.account, _parse_version(answer.headers))[ref]
        return history.parse_moves(answer.data, past, mapping, catalogue.NameCache(self.http))

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """One PUT that names the version it is based on. If both queue and owner change, the owner is set by a second
        one, because RT checks whether the agent may own tickets of the old queue."""
        body: dict[str, Any] = {}
        fields: dict[str, Any] = {}
        if "queue" in values:
            body["Queue"] = values["queue"]
        if "priority" in values:
            body["Priority"] = self.priorities.to_vendor(values["priority"])
        if "category" in values:
            fields[self.category] = values["category"]
        if delivery.add_tags:
            if self.tags not in (one["name"] for one in seen.raw.get("CustomFields") or ()):
                raise StoreRefused("add_tags", f"tickets of this queue have no custom field {self.tags!r} for tags")
            fields[self.tags] = sorted(seen.tags | set(delivery.add_tags))
        if fields:
            body["CustomFields"] = fields
        is_separate = "assignee" in values and "queue" in values
        if "assignee" in values and not is_separate:
            body["Owner"] = self._owner_value(values["assignee"])
        refused = self._put_ticket(seen.ref, body, seen.version) if body else {}
        return refused | self._set_owner(seen, values["assignee"]) if is_separate else refused

    def add_note(self, ref: str, text: str) -> None:
        """Add a comment, which is for staff only; a reply would reach the requester."""
        self.http.send(
            "POST", f"/ticket/{_parse_ref(ref)}/comment", json={"Content": text, "ContentType": "text/plain"}
        )

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The event of our scrip (`scrip.pl`), which sends a secret and does not sign."""
        self.check_secret(headers)
        event = webhooks.parse_body(raw)
        ref = str(event.get("ticket", ""))
        if not ref.isdecimal():
            return []
        ours = str(event.get("by", "")).casefold() == self.url.user.casefold()
        return [WebhookEvent(str(event.get("transaction") or webhooks.make_event_id(raw)), ref, ours)]

    def close(self) -> None:
        """Close the connections of both clients."""
        super().close()
        self.pages.close()

    def _fetch_ticket(self, ref: str) -> ApiResponse:
        answer = self.http.get(f"/ticket/{_parse_ref(ref)}", {"fields[Queue]": "Name"})
        if str(answer.data["id"]) != ref:
            raise NotFound(f"ticket {ref} was merged into {answer.data['id']}")
        return answer

    def _put_ticket(self, ref: str, body: Mapping[str, Any], version: str) -> dict[str, str]:
        answer = self.http.send("PUT", f"/ticket/{ref}", json=body, headers={"If-Match": f'"{version}"'}).data
        messages = [str(one) for one in answer] if isinstance(answer, list) else [str(answer)]
        return _parse_refusals(messages, self.category)

    def _set_owner(self, seen: StoredTicket, agent: str | None) -> dict[str, str]:
        """Assign a ticket after the queue was written, unless somebody else has done so in the meantime."""
        for _ in range(MAX_ATTEMPTS):
            answer = self._fetch_ticket(seen.ref)
            owner = answer.data["Owner"]["id"]
            if owner not in (seen.assignee, agent, "Nobody"):
                return {"assignee": f"a person assigned it to {owner!r} at the same moment"}
            try:
                return self._put_ticket(seen.ref, {"Owner": self._owner_value(agent)}, _parse_version(answer.headers))
            except StoreConflict:
                continue
        return {"assignee": "others keep changing the ticket"}

    def _owner_value(self, agent: str | None) -> str | int:
        """An agent in the form that RT expects. RT takes digits for a user's number, so a login of digits is looked
        up."""
        if agent is None or not agent.isdecimal():
            return agent or "Nobody"
        by_name = [{"field": "Name", "value": agent}]
        for one in self.http.query("POST", "/users", params={"fields": "id,Name"}, json=by_name).data["items"]:
            if one["Name"] == agent:
                return int(one["id"])
        raise StoreRefused("assignee", f"RT has no user {agent!r}")

    def _field_mapping(self) -> FieldMapping:
        if not self._account:
            self._account = str(catalogue.fetch_account(self.http, self.url.user).get("Name") or self.url.user)
        return FieldMapping(self.priorities, self.category, self.tags, self._account)


def _parse_ref(ref: str) -> str:
    if not (ref.isascii() and ref.isdecimal()):
        raise NotFound(f"tickets of RT have numbers, not {ref[:40]!r}")
    return ref


def _parse_version(headers: Mapping[str, str]) -> str:
    """The number of the last transaction; a proxy may add something to the tag (W/, -gzip)."""
    found = re.search(r"[0-9]+", headers.get("etag", ""))
    if not found:
        raise StoreRefused("request", "RT's answer has no ETag: let the proxy in front of RT pass that header")
    return found[0]


def _format_moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _parse_refusals(messages: Iterable[str], category: str) -> dict[str, str]:
    """Field → RT's message about it; a message that names no known field is taken for all of them.

    >>> _parse_refusals(["Ticket 7: That user may not own tickets in that queue", "Ticket 7: Priority changed"], "Kind")
    {'assignee': 'That user may not own tickets in that queue', 'priority': 'Priority changed'}
    """
    keywords = {
        "assignee": ("user", "owner", "reassign", "take tickets"),
        "priority": ("priority",),
        "queue": ("queue",),
        "category": (category.casefold() or "\0",),
    }
    reasons: dict[str, str] = {}
    for one in messages:
        text = re.sub(r"^Ticket [0-9]+: ", "", one)
        named = next((name for name, known in keywords.items() if any(word in text.casefold() for word in known)), None)
        for name in [named] if named else keywords:
            reasons[name] = f"{reasons[name]}; {text}" if name in reasons else text
    return reasons
