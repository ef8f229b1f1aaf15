"""Znuny 6.5 (the OTRS line) as a ticket store, through its generic interface and a small add-on.

In come our deliveries and cursors; out go Znuny's tickets in our words (`words`). One call carries fields and the
internal note together, and Znuny looks at all of it before it writes any; it compares no versions, so its history is
read afterwards. What Znuny has, and which tickets changed, only the add-on tells (`addon/`, and the web service in
`Deskyard.yml`; `docs/connectors/znuny.md` installs them). Nobody's name or words are sent by webhook.
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
"""Tickets that are asked for in one call, with all their articles."""

CATEGORY_FIELD_TYPES: Final = ("Dropdown", "Text", "TextArea")
TAG_FIELD_TYPES: Final = ("Multiselect", "Text", "TextArea")
"""Types of dynamic fields that may be the category, and hold tags."""


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
        """Nothing is asked yet."""
        super().__init__(url, http)
        self._scale = PriorityMapping.parse(url.options.get("priorities") or DEFAULT_PRIORITIES)
        self._category = url.options.get("category", "Category")
        self._tags = url.options.get("tags", "")
        self._book = FieldMapping()
        sets = self.caps.settable_fields if self._category else self.caps.settable_fields - {"category"}
        vars(self)["caps"] = replace(self.caps, settable_fields=sets, tags=bool(self._tags))

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """Login and password go into the body of each call, never into an address. Raises BadInput without them."""
        if not url.user or not url.secret:
            raise BadInput("write login and password of deskyard's agent in Znuny: znuny:https://LOGIN:PASSWORD@host…")
        if "/Webservice/" not in url.url:
            raise BadInput("write the web service's whole address: …/otrs/nph-genericinterface.pl/Webservice/Deskyard")
        return cls(url, HttpClient(url.url, secrets=[url.secret]))

    def check_account(self) -> Health:
        """Version, login, rights as the add-on tells them, and whether the named fields and priorities are there."""
        self.invalidate_catalogue()
        self.catalogue()
        book, missing = self._book, []
        if not book.catalogue.queues:
            missing.append("deskyard's agent may work in no queue: give it rw in the groups whose queues it sorts")
        elif book.incomplete_queues:
            few = ", ".join(book.incomplete_queues[:5]) + (" and others" if len(book.incomplete_queues) > 5 else "")
            missing.append(
                f"deskyard's agent may read {few} and not write: give it rw in their groups, or take ro away"
            )
        for option, found, kinds in (
            ("category", book.category, CATEGORY_FIELD_TYPES),
            ("tags", book.tags, TAG_FIELD_TYPES),
        ):
            name = self.url.options.get(option)
            if name and found is None:
                missing.append(f"tickets have no valid dynamic field {name!r}: make it, or correct `{option}`")
            if found and found.kind not in kinds:
                missing.append(
                    f"the dynamic field {found.name!r} is of type {found.kind}: {option} needs one of {kinds}"
                )
        lacking = [theirs for ours, theirs in self._scale.to_vendor.items() if ours not in book.priority_ids]
        if lacking:
            missing.append(f"Znuny has no valid priority {', '.join(lacking)}: say yours with `priorities`")
        return Health(book.version, book.login, missing=tuple(missing))

    def fetch_catalogue(self) -> Catalogue:
        """All of it in one call of the add-on."""
        names = [name for name in (self._category, self._tags) if name]
        self._book = build_mapping(
            self._query("Catalogue", DynamicField=names), self._scale, self._category, self._tags
        )
        return self._book.catalogue

    def list_changes(self, since: datetime, n: int) -> Iterator[ChangedRef]:
        """By (moment, number), each call after the last ticket of the one before."""
        book = self._cached_mapping()
        at, after, limit = since, 0, min(max(n, 1), 1000)
        while True:
            found = self._query("Changed", Since=int(at.timestamp()), After=after, Limit=limit).get("Ticket") or []
            for one in found:
                at, after = book.moment(str(one["Changed"])), int(one["TicketID"])
                yield ChangedRef(at, str(after))
            if len(found) < limit:
                return

    def fetch(self, ref: str) -> StoredTicket:
        """With its articles for our notes, and its history for who set what."""
        found = self._fetch_tickets([_parse_ref(ref)])
        if ref not in found:
            raise NotFound(f"Znuny has no ticket {ref}")
        return found[ref]

    def fetch_many(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Some at a time; one by one where one of them is gone, because Znuny then shows none."""
        found: dict[str, StoredTicket] = {}
        for start in range(0, len(refs), BATCH_SIZE):
            some = refs[start : start + BATCH_SIZE]
            try:
                found |= self._fetch_tickets(some)
            except NotFound:
                found |= super().fetch_many(some)
        return found

    def fetch_moves(self, ref: str) -> list[Move]:
        """From the ticket's history."""
        history = self._fetch_histories([_parse_ref(ref)]).get(ref, ())
        return [move for move, _ in parse_moves(history, self._cached_mapping())]

    def find_overwritten(self, seen: StoredTicket, now: StoredTicket, values: FieldValues) -> FieldValues:
        """Told from the history that came with the ticket."""
        return find_overwritten(seen, now, values, self._cached_mapping())

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """Everything in one call, the note too."""
        ticket, fields = self._to_vendor_values(seen, values), []
        if "category" in values:
            fields.append({"Name": self._category, "Value": values["category"] or ""})
        if tags := set(delivery.add_tags) - seen.tags:
            fields.append({"Name": self._tags, "Value": self._tags_value(seen.tags | tags)})
        told: dict[str, Any] = {"Ticket": ticket} if ticket else {}
        if fields:
            told["DynamicField"] = fields
        if delivery.id not in seen.markers:
            told["Article"] = _make_note(delivery.full_note)
        try:
            self._send("TicketUpdate", TicketID=_parse_ref(seen.ref), **told)
        except StoreRefused as error:
            if error.field == "category" and "category" not in values:
                raise StoreRefused("add_tags", error.reason) from error
            raise
        return {}

    def add_note(self, ref: str, text: str) -> None:
        """An internal article, which customers do not see."""
        self._send("TicketUpdate", TicketID=_parse_ref(ref), Article=_make_note(text))

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """From the add-on's invoker, or Znuny's own for tickets; it shows a secret and signs nothing."""
        self.check_secret(headers)
        told = webhooks.parse_body(raw)
        event, ticket = (part if isinstance(part := told.get(name), dict) else {} for name in ("Event", "Ticket"))
        ref = str(event.get("TicketID") or ticket.get("TicketID") or "")
        if not re.fullmatch(r"[1-9][0-9]{0,17}", ref):
            return []
        by = str(ticket.get("ChangeBy"))
        stands = [ticket.get(name) for name in ("Changed", "QueueID", "OwnerID", "PriorityID", "StateID")]
        return [WebhookEvent(webhooks.make_event_id(ref, event.get("Event"), by, *stands), ref, by == self._book.me)]

    def _to_vendor_values(self, seen: StoredTicket, values: FieldValues) -> dict[str, Any]:
        """Values by Znuny's numbers. Raises StoreRefused for one that was there a moment ago."""
        book, ticket = self._cached_mapping(), dict[str, Any]()
        for name, value in values.items():
            if name == "queue":
                ticket["QueueID"] = _key_of(book.queues, name, value)
            elif name == "priority":
                ticket["PriorityID"] = _key_of(
                    {number: ours for ours, number in book.priority_ids.items()}, name, value
                )
            elif name == "assignee":
                ticket["OwnerID"] = SYSTEM_USER if value is None else _key_of(book.agents, name, value)
                if seen.status != "closed":
                    # An owner works on a ticket that is locked; unlocked it is offered to all.
                    ticket["Lock"] = "unlock" if value is None else "lock"
        return ticket

    def _tags_value(self, tags: set[str] | frozenset[str]) -> Any:
        found = self._cached_mapping().tags
        if found is None:
            raise StoreRefused("add_tags", f"tickets have no valid dynamic field {self._tags!r}")
        return sorted(tags) if found.is_multivalued else ", ".join(sorted(tags))

    def _fetch_tickets(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Tickets first, their history after: a version is never older than what is said of it."""
        rows = self._query("TicketGet", TicketID=refs, AllArticles=1, DynamicFields=1).get("Ticket") or []
        histories = self._fetch_histories(refs)
        book = self._cached_mapping()
        return {
            str(row["TicketID"]): to_stored_ticket(row, histories.get(str(row["TicketID"]), ()), book) for row in rows
        }

    def _fetch_histories(self, refs: list[str]) -> dict[str, Sequence[Row]]:
        found = self._query("TicketHistoryGet", TicketID=refs).get("TicketHistory") or []
        return {str(one["TicketID"]): one.get("History") or () for one in found}

    def _cached_mapping(self) -> FieldMapping:
        """The book, at most as old as the catalogue."""
        self.catalogue()
        return self._book

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
    raise StoreRefused(field, f"{value!r} is not to be had here")


def _make_note(text: str) -> dict[str, Any]:
    """An internal article. Agents are not notified of a machine's note, and no time is accounted for it."""
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
