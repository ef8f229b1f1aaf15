"""Znuny 6.5 (the OTRS line) as a ticket store, through its generic interface and a small add-on.

In come our deliveries and cursors; out go Znuny's tickets in our words (`words`). One call carries fields and the
internal note together, and Znuny looks at all of it before it writes any; it compares no versions, so its history is
read afterwards. What Znuny has, and which tickets changed, only the add-on tells (`addon/`, and the web service in
`Deskyard.yml`; `docs/stores.md` installs them). Nobody's name or words are sent by webhook.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from deskyard.connectors.base import webhooks
from deskyard.connectors.base.connection_url import Place
from deskyard.connectors.base.http_client import Http
from deskyard.connectors.base.incremental_pull import Changed
from deskyard.connectors.base.remote_store import RemoteStore
from deskyard.connectors.base.ticket_store import Capabilities, Delivery, Event, Health, Move, StoredTicket, Values
from deskyard.connectors.znuny.client import ask, send
from deskyard.connectors.znuny.field_mapping import SCALE, SYSTEM, Book, Row, Scale, bound
from deskyard.connectors.znuny.ticket_mapping import moves, overrun, stored
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import BadInput, NotThere, StoreRefused

AT_ONCE: Final = 25
"""Tickets that are asked for in one call, with all their articles."""

ONE_VALUE: Final = ("Dropdown", "Text", "TextArea")
TAGGED: Final = ("Multiselect", "Text", "TextArea")
"""Types of dynamic fields that may be the category, and hold tags."""


class ZnunyStore(RemoteStore):
    """Tickets at Znuny. URL: `znuny:https://LOGIN:PASSWORD@host/otrs/nph-genericinterface.pl/Webservice/Deskyard`.

    `category` and `tags` name dynamic fields; `priorities` says which of Znuny's priorities each of ours is.
    """

    caps: ClassVar = Capabilities(
        sets=frozenset({"queue", "category", "priority", "assignee"}),
        one_write=True,
        knows_people=True,
        notes=True,
        moves=True,
        webhooks=True,
    )
    options: ClassVar = ("category", "tags", "priorities")

    def __init__(self, place: Place, http: Http) -> None:
        """Nothing is asked yet."""
        super().__init__(place, http)
        self._scale = Scale.of(place.options.get("priorities") or SCALE)
        self._category = place.options.get("category", "Category")
        self._tags = place.options.get("tags", "")
        self._book = Book()
        sets = self.caps.sets if self._category else self.caps.sets - {"category"}
        vars(self)["caps"] = replace(self.caps, sets=sets, tags=bool(self._tags))

    @classmethod
    def at(cls, place: Place) -> Self:
        """Login and password go into the body of each call, never into an address. Raises BadInput without them."""
        if not place.user or not place.secret:
            raise BadInput("write login and password of deskyard's agent in Znuny: znuny:https://LOGIN:PASSWORD@host…")
        if "/Webservice/" not in place.url:
            raise BadInput("write the web service's whole address: …/otrs/nph-genericinterface.pl/Webservice/Deskyard")
        return cls(place, Http(place.url, secrets=[place.secret]))

    def about(self) -> Health:
        """Version, login, rights as the add-on tells them, and whether the named fields and priorities are there."""
        self.forget()
        self.catalogue()
        book, missing = self._book, []
        if not book.catalogue.queues:
            missing.append("deskyard's agent may work in no queue: give it rw in the groups whose queues it sorts")
        elif book.half_open:
            few = ", ".join(book.half_open[:5]) + (" and others" if len(book.half_open) > 5 else "")
            missing.append(
                f"deskyard's agent may read {few} and not write: give it rw in their groups, or take ro away"
            )
        for option, found, kinds in (("category", book.category, ONE_VALUE), ("tags", book.tags, TAGGED)):
            name = self.place.options.get(option)
            if name and found is None:
                missing.append(f"tickets have no valid dynamic field {name!r}: make it, or correct `{option}`")
            if found and found.kind not in kinds:
                missing.append(
                    f"the dynamic field {found.name!r} is of type {found.kind}: {option} needs one of {kinds}"
                )
        lacking = [theirs for ours, theirs in self._scale.writes.items() if ours not in book.writes]
        if lacking:
            missing.append(f"Znuny has no valid priority {', '.join(lacking)}: say yours with `priorities`")
        return Health(book.version, book.login, missing=tuple(missing))

    def ask_catalogue(self) -> Catalogue:
        """All of it in one call of the add-on."""
        names = [name for name in (self._category, self._tags) if name]
        self._book = bound(self._ask("Catalogue", DynamicField=names), self._scale, self._category, self._tags)
        return self._book.catalogue

    def changed(self, since: datetime, n: int) -> Iterator[Changed]:
        """By (moment, number), each call after the last ticket of the one before."""
        book = self._known_book()
        at, after, limit = since, 0, min(max(n, 1), 1000)
        while True:
            found = self._ask("Changed", Since=int(at.timestamp()), After=after, Limit=limit).get("Ticket") or []
            for one in found:
                at, after = book.moment(str(one["Changed"])), int(one["TicketID"])
                yield Changed(at, str(after))
            if len(found) < limit:
                return

    def fetch(self, ref: str) -> StoredTicket:
        """With its articles for our notes, and its history for who set what."""
        found = self._tickets([_number(ref)])
        if ref not in found:
            raise NotThere(f"Znuny has no ticket {ref}")
        return found[ref]

    def read(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Some at a time; one by one where one of them is gone, because Znuny then shows none."""
        found: dict[str, StoredTicket] = {}
        for start in range(0, len(refs), AT_ONCE):
            some = refs[start : start + AT_ONCE]
            try:
                found |= self._tickets(some)
            except NotThere:
                found |= super().read(some)
        return found

    def moves(self, ref: str) -> list[Move]:
        """From the ticket's history."""
        history = self._histories([_number(ref)]).get(ref, ())
        return [move for move, _ in moves(history, self._known_book())]

    def overrun(self, seen: StoredTicket, now: StoredTicket, values: Values) -> Values:
        """Told from the history that came with the ticket."""
        return overrun(seen, now, values, self._known_book())

    def write(self, seen: StoredTicket, values: Values, delivery: Delivery) -> Mapping[str, str]:
        """Everything in one call, the note too."""
        ticket, fields = self._theirs(seen, values), []
        if "category" in values:
            fields.append({"Name": self._category, "Value": values["category"] or ""})
        if tags := set(delivery.add_tags) - seen.tags:
            fields.append({"Name": self._tags, "Value": self._tagged(seen.tags | tags)})
        told: dict[str, Any] = {"Ticket": ticket} if ticket else {}
        if fields:
            told["DynamicField"] = fields
        if delivery.id not in seen.markers:
            told["Article"] = _note(delivery.text)
        try:
            self._send("TicketUpdate", TicketID=_number(seen.ref), **told)
        except StoreRefused as error:
            if error.field == "category" and "category" not in values:
                raise StoreRefused("add_tags", error.reason) from error
            raise
        return {}

    def comment(self, ref: str, text: str) -> None:
        """An internal article, which customers do not see."""
        self._send("TicketUpdate", TicketID=_number(ref), Article=_note(text))

    def events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[Event]:
        """From the add-on's invoker, or Znuny's own for tickets; it shows a secret and signs nothing."""
        self.check_secret(headers)
        told = webhooks.parsed(raw)
        event, ticket = (part if isinstance(part := told.get(name), dict) else {} for name in ("Event", "Ticket"))
        ref = str(event.get("TicketID") or ticket.get("TicketID") or "")
        if not re.fullmatch(r"[1-9][0-9]{0,17}", ref):
            return []
        by = str(ticket.get("ChangeBy"))
        stands = [ticket.get(name) for name in ("Changed", "QueueID", "OwnerID", "PriorityID", "StateID")]
        return [Event(webhooks.event_id(ref, event.get("Event"), by, *stands), ref, by == self._book.me)]

    def _theirs(self, seen: StoredTicket, values: Values) -> dict[str, Any]:
        """Values by Znuny's numbers. Raises StoreRefused for one that was there a moment ago."""
        book, ticket = self._known_book(), dict[str, Any]()
        for name, value in values.items():
            if name == "queue":
                ticket["QueueID"] = _key(book.queues, name, value)
            elif name == "priority":
                ticket["PriorityID"] = _key({number: ours for ours, number in book.writes.items()}, name, value)
            elif name == "assignee":
                ticket["OwnerID"] = SYSTEM if value is None else _key(book.agents, name, value)
                if seen.status != "closed":
                    # An owner works on a ticket that is locked; unlocked it is offered to all.
                    ticket["Lock"] = "unlock" if value is None else "lock"
        return ticket

    def _tagged(self, tags: set[str] | frozenset[str]) -> Any:
        found = self._known_book().tags
        if found is None:
            raise StoreRefused("add_tags", f"tickets have no valid dynamic field {self._tags!r}")
        return sorted(tags) if found.many else ", ".join(sorted(tags))

    def _tickets(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Tickets first, their history after: a version is never older than what is said of it."""
        rows = self._ask("TicketGet", TicketID=refs, AllArticles=1, DynamicFields=1).get("Ticket") or []
        histories = self._histories(refs)
        book = self._known_book()
        return {str(row["TicketID"]): stored(row, histories.get(str(row["TicketID"]), ()), book) for row in rows}

    def _histories(self, refs: list[str]) -> dict[str, Sequence[Row]]:
        found = self._ask("TicketHistoryGet", TicketID=refs).get("TicketHistory") or []
        return {str(one["TicketID"]): one.get("History") or () for one in found}

    def _known_book(self) -> Book:
        """The book, at most as old as the catalogue."""
        self.catalogue()
        return self._book

    def _ask(self, operation: str, **data: Any) -> dict[str, Any]:
        return ask(self.http, operation, self._shown() | data)

    def _send(self, operation: str, **data: Any) -> dict[str, Any]:
        return send(self.http, operation, self._shown() | data)

    def _shown(self) -> dict[str, Any]:
        return {"UserLogin": self.place.user, "Password": self.place.secret}


def _number(ref: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", ref):
        raise NotThere(f"tickets of Znuny have numbers, not {ref[:40]!r}")
    return ref


def _key(names: Mapping[str, str], field: str, wanted: str | None) -> str:
    for number, name in names.items():
        if name == wanted:
            return number
    raise StoreRefused(field, f"{wanted!r} is not to be had here")


def _note(text: str) -> dict[str, Any]:
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
