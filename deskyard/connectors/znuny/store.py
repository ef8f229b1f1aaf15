"""Znuny 6.5 (the OTRS line) as a ticket store, through its generic interface and a small add-on.

One call writes fields and internal note together, and Znuny validates all of it before it writes any; it compares no
versions, so its history is read after the write. The catalogue and the list of changed tickets come from the add-on
(`addon/`, with the web service in `Deskyard.yml`; `docs/connectors/znuny.md` says how to install them). Webhooks
contain no names or texts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
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
from deskyard.connectors.znuny.client import query, send
from deskyard.connectors.znuny.field_mapping import (
    DEFAULT_PRIORITIES,
    SYSTEM_USER,
    FieldMapping,
    PriorityMapping,
    Row,
    build_mapping,
)
from deskyard.connectors.znuny.ticket_mapping import find_overwritten, parse_moves, to_stored_ticket
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import BadInput, NotFound, StoreRefused

BATCH_SIZE: Final = 25
"""Tickets that are read in one call, with all their articles."""

CATEGORY_FIELD_TYPES: Final = ("Dropdown", "Text", "TextArea")
TAG_FIELD_TYPES: Final = ("Multiselect", "Text", "TextArea")
"""Types of dynamic fields that may hold the category, and the tags."""


class ZnunyStore(RemoteStore):
    """Tickets at Znuny. URL: `znuny:https://LOGIN:PASSWORD@host/otrs/nph-genericinterface.pl/Webservice/Deskyard`.

    `category` and `tags` name dynamic fields; `priorities` says which of Znuny's priorities each of ours is.
    """

    caps: ClassVar = Capabilities(
        settable_fields=frozenset({"queue", "category", "priority", "assignee"}),
        atomic_writes=True,
        reports_people=True,
        notes=True,
        moves=True,
        webhooks=True,
    )
    options: ClassVar = ("category", "tags", "priorities")

    def __init__(self, url: ConnectionUrl, http: HttpClient) -> None:
        """No request is made yet."""
        super().__init__(url, http)
        self._priorities = PriorityMapping.parse(url.options.get("priorities") or DEFAULT_PRIORITIES)
        self._category = url.options.get("category", "Category")
        self._tags = url.options.get("tags", "")
        self._mapping = FieldMapping()
        settable = self.caps.settable_fields if self._category else self.caps.settable_fields - {"category"}
        vars(self)["caps"] = replace(self.caps, settable_fields=settable, tags=bool(self._tags))

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """The store of an account, whose login and password are sent in the body of each call, never in a URL. Raises
        BadInput without them."""
        if not url.user or not url.secret:
            raise BadInput("write login and password of deskyard's agent in Znuny: znuny:https://LOGIN:PASSWORD@host…")
        if "/Webservice/" not in url.url:
            raise BadInput("write the web service's whole address: …/otrs/nph-genericinterface.pl/Webservice/Deskyard")
        return cls(url, HttpClient(url.url, secrets=[url.secret]))

    def check_account(self) -> Health:
        """Version, login, the rights that the add-on reports, and whether the named fields and priorities exist."""
        self.invalidate_catalogue()
        self.catalogue()
        mapping, missing = self._mapping, []
        if not mapping.catalogue.queues:
            missing.append("deskyard's agent may work in no queue: give it rw in the groups of the queues to route")
        elif mapping.incomplete_queues:
            few = ", ".join(mapping.incomplete_queues[:5]) + (
                " and others" if len(mapping.incomplete_queues) > 5 else ""
            )
            missing.append(f"deskyard's agent may read {few} but not write: give it rw in their groups, or remove ro")
        for option, found, kinds in (
            ("category", mapping.category, CATEGORY_FIELD_TYPES),
            ("tags", mapping.tags, TAG_FIELD_TYPES),
        ):
            name = self.url.options.get(option)
            if name and found is None:
                missing.append(f"tickets have no valid dynamic field {name!r}: create it, or correct `{option}`")
            if found and found.kind not in kinds:
                missing.append(
                    f"the dynamic field {found.name!r} is of type {found.kind}: {option} needs one of {kinds}"
                )
        lacking = [theirs for ours, theirs in self._priorities.to_vendor.items() if ours not in mapping.priority_ids]
        if lacking:
            missing.append(f"Znuny has no valid priority {', '.join(lacking)}: name yours with `priorities`")
        return Health(mapping.version, mapping.login, missing=tuple(missing))

    def fetch_catalogue(self) -> Catalogue:
        """The whole catalogue in one call of the add-on."""
        names = [name for name in (self._category, self._tags) if name]
        self._mapping = build_mapping(
            self._query("Catalogue", DynamicField=names), self._priorities, self._category, self._tags
        )
        return self._mapping.catalogue

    def list_changes(self, since: datetime, n: int) -> Iterator[ChangedRef]:
        """Changes by (time, number); each call continues after the last ticket of the one before."""
        mapping = self._cached_mapping()
        at, after, limit = since, 0, min(max(n, 1), 1000)
        while True:
            found = self._query("Changed", Since=int(at.timestamp()), After=after, Limit=limit).get("Ticket") or []
            for one in found:
                at, after = mapping.moment(str(one["Changed"])), int(one["TicketID"])
                yield ChangedRef(at, str(after))
            if len(found) < limit:
                return

    def fetch(self, ref: str) -> StoredTicket:
        """The ticket with its articles, for our notes, and its history, for the moves."""
        found = self._fetch_tickets([_parse_ref(ref)])
        if ref not in found:
            raise NotFound(f"Znuny has no ticket {ref}")
        return found[ref]

    def fetch_many(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Tickets by ref, in batches; one by one if one of a batch is gone, because Znuny then returns none."""
        found: dict[str, StoredTicket] = {}
        for start in range(0, len(refs), BATCH_SIZE):
            batch = refs[start : start + BATCH_SIZE]
            try:
                found |= self._fetch_tickets(batch)
            except NotFound:
                found |= super().fetch_many(batch)
        return found

    def fetch_moves(self, ref: str) -> list[Move]:
        """The moves in the ticket's history."""
        history = self._fetch_histories([_parse_ref(ref)]).get(ref, ())
        return [move for move, _ in parse_moves(history, self._cached_mapping())]

    def find_overwritten(self, seen: StoredTicket, now: StoredTicket, values: FieldValues) -> FieldValues:
        """Found in the history that was read with the ticket."""
        return find_overwritten(seen, now, values, self._cached_mapping())

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """Everything in one call, including the note."""
        ticket, fields = self._to_vendor_values(seen, values), []
        if "category" in values:
            fields.append({"Name": self._category, "Value": values["category"] or ""})
        if tags := set(delivery.add_tags) - seen.tags:
            fields.append({"Name": self._tags, "Value": self._tags_value(seen.tags | tags)})
        body: dict[str, Any] = {"Ticket": ticket} if ticket else {}
        if fields:
            body["DynamicField"] = fields
        if delivery.id not in seen.markers:
            body["Article"] = _make_note(delivery.full_note)
        try:
            self._send("TicketUpdate", TicketID=_parse_ref(seen.ref), **body)
        except StoreRefused as error:
            if error.field == "category" and "category" not in values:
                raise StoreRefused("add_tags", error.reason) from error
            raise
        return {}

    def add_note(self, ref: str, text: str) -> None:
        """Add an internal article, which customers can't see."""
        self._send("TicketUpdate", TicketID=_parse_ref(ref), Article=_make_note(text))

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The event of the add-on's invoker, or of Znuny's own for tickets, which send a secret and do not sign."""
        self.check_secret(headers)
        body = webhooks.parse_body(raw)
        event, ticket = (part if isinstance(part := body.get(name), dict) else {} for name in ("Event", "Ticket"))
        ref = str(event.get("TicketID") or ticket.get("TicketID") or "")
        if not re.fullmatch(r"[1-9][0-9]{0,17}", ref):
            return []
        by = str(ticket.get("ChangeBy"))
        state = [ticket.get(name) for name in ("Changed", "QueueID", "OwnerID", "PriorityID", "StateID")]
        return [WebhookEvent(webhooks.make_event_id(ref, event.get("Event"), by, *state), ref, by == self._mapping.me)]

    def _to_vendor_values(self, seen: StoredTicket, values: FieldValues) -> dict[str, Any]:
        """The values as Znuny's numbers. Raises StoreRefused for one that no longer exists."""
        mapping, ticket = self._cached_mapping(), dict[str, Any]()
        for name, value in values.items():
            if name == "queue":
                ticket["QueueID"] = _key_of(mapping.queues, name, value)
            elif name == "priority":
                ticket["PriorityID"] = _key_of(
                    {number: ours for ours, number in mapping.priority_ids.items()}, name, value
                )
            elif name == "assignee":
                ticket["OwnerID"] = SYSTEM_USER if value is None else _key_of(mapping.agents, name, value)
                if seen.status != "closed":
                    # A ticket with an owner is locked; an unlocked one is offered to everybody.
                    ticket["Lock"] = "unlock" if value is None else "lock"
        return ticket

    def _tags_value(self, tags: set[str] | frozenset[str]) -> Any:
        found = self._cached_mapping().tags
        if found is None:
            raise StoreRefused("add_tags", f"tickets have no valid dynamic field {self._tags!r}")
        return sorted(tags) if found.is_multivalued else ", ".join(sorted(tags))

    def _fetch_tickets(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Tickets with their histories, which are read after them, so that they are never older than the version."""
        rows = self._query("TicketGet", TicketID=refs, AllArticles=1, DynamicFields=1).get("Ticket") or []
        histories = self._fetch_histories(refs)
        mapping = self._cached_mapping()
        return {
            str(row["TicketID"]): to_stored_ticket(row, histories.get(str(row["TicketID"]), ()), mapping)
            for row in rows
        }

    def _fetch_histories(self, refs: list[str]) -> dict[str, Sequence[Row]]:
        found = self._query("TicketHistoryGet", TicketID=refs).get("TicketHistory") or []
        return {str(one["TicketID"]): one.get("History") or () for one in found}

    def _cached_mapping(self) -> FieldMapping:
        """The mapping, cached together with the catalogue."""
        self.catalogue()
        return self._mapping

    def _query(self, operation: str, **data: Any) -> dict[str, Any]:
        return query(self.http, operation, self._credentials() | data)

    def _send(self, operation: str, **data: Any) -> dict[str, Any]:
        return send(self.http, operation, self._credentials() | data)

    def _credentials(self) -> dict[str, Any]:
        return {"UserLogin": self.url.user, "Password": self.url.secret}


def _parse_ref(ref: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", ref):
        raise NotFound(f"tickets of Znuny have numbers, not {ref[:40]!r}")
    return ref


def _key_of(names: Mapping[str, str], field: str, value: str | None) -> str:
    for number, name in names.items():
        if name == value:
            return number
    raise StoreRefused(field, f"{value!r} does not exist there")


def _make_note(text: str) -> dict[str, Any]:
    """An internal article. Agents are not notified of it, and no working time is recorded."""
    return {
        "CommunicationChannel": "Internal",
        "IsVisibleForCustomer": 0,
        "SenderType": "agent",
        "Subject": "deskyard",
        "Body": text,
        "ContentType": "text/plain; charset=utf-8",
        "NoAgentNotify": 1,
        "TimeUnit": 0,
    }
