"""Another deskyard as a ticket store, over its HTTP API with a key of the role machine.

In come our deliveries and cursors, out go its tickets, which speak our words already. All fields change in one write
with the version that was seen; the note follows under the delivery's name, so that it is said once however often it is
sent. Over there a person's word stands against our key, whatever we send.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from deskyard.connectors.base import webhooks
from deskyard.connectors.base.connection_url import Place
from deskyard.connectors.base.http_client import Answer, Http
from deskyard.connectors.base.incremental_pull import Changed
from deskyard.connectors.base.remote_store import RemoteStore
from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    Event,
    Health,
    Move,
    Outcome,
    Page,
    Result,
    StoredTicket,
    Values,
)
from deskyard.connectors.builtin.changes import key_of
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput, NotThere, StoreConflict, StoreError, StoreRefused
from deskyard.text.record_numbers import is_record_number

LONGEST_PAGE: Final = 1_000
"""Tickets that it gives at once."""

_SINCE: Final = "since "
_FILED: Final = ("subject", "body", "channel", "language", "requester", "organisation", "fields")
_MARKER: Final = re.compile(r"\[([^\[\]]+)\]\s*\Z")


class DeskyardStore(RemoteStore):
    """Tickets of another deskyard. URL: `deskyard:https://:KEY@host`, with a key that `deskyard key create` made there
    with the role machine."""

    caps: ClassVar = Capabilities(
        sets=frozenset({"queue", "category", "priority", "assignee"}),
        one_write=True,
        checks_version=True,
        knows_people=True,
        notes=True,
        moves=True,
        webhooks=True,
        signed_webhooks=True,
    )

    @classmethod
    def at(cls, place: Place) -> Self:
        """The key goes into a header."""
        headers = {"Authorization": f"Bearer {place.secret}"} if place.secret else {}
        return cls(place, Http(place.url.removesuffix("/v1"), headers=headers, secrets=[place.secret]))

    def about(self) -> Health:
        """Whose key it is. A key of another role would pass for a person, whom no machine may contradict."""
        try:
            told = self.http.get("/v1/me").data
            version, name, role = told["version"], told["actor"]["name"], told["role"]
        except (NotThere, KeyError, TypeError) as error:
            raise BadInput(
                f"{self.http.base} is no deskyard, or an older one than this: compare the address"
            ) from error
        wrong = (
            f"it takes us for {name!r} of the role {role}, whose writing would be a person's word: make a key there "
            "with `deskyard key create NAME --role machine`"
        )
        return Health(version, name, missing=() if role == "machine" else (wrong,))

    def ask_catalogue(self) -> Catalogue:
        """All in one call."""
        found = self.http.get("/v1/catalogue").data
        categories = found.get("categories")
        return replace(
            Catalogue.of(found),
            priorities=tuple(found["priorities"]),
            categories=None if categories is None else tuple(categories),
        )

    def changed(self, since: datetime, n: int) -> Iterator[Changed]:
        """What its pages from that moment on show."""
        page = self.pull(self.cursor_at(since), n)
        while True:
            yield from (Changed(one.updated_at, one.ref) for one in page.tickets)
            if not page.more:
                return
            page = self.pull(page.cursor, n)

    def pull(self, cursor: str | None, limit: int) -> Page:
        """Its own pages, which keep the contract there already."""
        params: dict[str, Any] = {"limit": min(limit, LONGEST_PAGE)}
        if cursor is not None:
            since = cursor.startswith(_SINCE)
            params["since" if since else "cursor"] = cursor.removeprefix(_SINCE)
        answer = self.http.get("/v1/changes", params, accept=(422,))
        if answer.status == 422:
            raise BadInput(f"the other deskyard does not take this cursor: {_detail(answer)}")
        found = answer.data
        return Page(tuple(_stored(one) for one in found["items"]), found["cursor"], found["more"])

    def cursor_at(self, moment: datetime) -> str:
        """The moment itself: the first page says how to go on."""
        return _SINCE + moment.isoformat()

    def fetch(self, ref: str) -> StoredTicket:
        """As its pages show it."""
        return _stored(self.http.get(f"/v1/changes/{_number(ref)}").data)

    def moves(self, ref: str) -> list[Move]:
        """Its journey after it was filed."""
        whole = self.http.get(f"/v1/tickets/{_number(ref)}").data
        me = self.http.get("/v1/me").data["actor"]
        filed = _moment(whole["received_at"])
        steps = [step for step in whole["journey"] if _moment(step["at"]) > filed]
        return [
            Move(_moment(s["at"]), s["actor"]["name"], s["field"], s["from"], s["to"], s["actor"] == me) for s in steps
        ]

    def write(self, seen: StoredTicket, values: Values, delivery: Delivery) -> Mapping[str, str]:
        """One PATCH of the version that was seen. A ticket that moves takes along all that it is to get, or the rules
        of its new queue would add to it."""
        if not values:
            return {}
        told = {**(delivery.set if "queue" in values else {}), **values, "why": f"delivery {delivery.id}"}
        path, tag = f"/v1/tickets/{_number(seen.ref)}", {"If-Match": f'"{seen.version}"'}
        answer = self.http.send("PATCH", path, json=told, headers=tag, accept=(409, 412, 422))
        if answer.status == 412:
            raise StoreConflict("the ticket was changed meanwhile")
        if answer.status == 409:
            raise _PersonsWord(_detail(answer))
        if answer.status == 422:
            wrong = [one for one in answer.data.get("errors", ()) if one["field"] in told]
            raise StoreRefused(*((wrong[0]["field"], wrong[0]["message"]) if wrong else ("request", _detail(answer))))
        return {}

    def apply(self, delivery: Delivery) -> Outcome:
        """Write it, once. What stands against it for good is not tried again."""
        try:
            return super().apply(delivery)
        except _PersonsWord as error:
            now = self.fetch(delivery.ref)
            return Outcome(Result.CONFLICT, now, dict.fromkeys(delivery.set or ("note",), str(error)))

    def comment(self, ref: str, text: str) -> None:
        """A comment for the desk only, named by the delivery whose marker ends it."""
        marker = _MARKER.search(text)
        name = {"Idempotency-Key": key_of(marker[1])} if marker else {}
        said = {"text": text, "public": False}
        answer = self.http.send("POST", f"/v1/tickets/{_number(ref)}/comments", json=said, headers=name, accept=(409,))
        if answer.status == 409:
            raise _PersonsWord(_detail(answer))

    def events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[Event]:
        """A notice that it sends."""
        told = webhooks.own(self.place.options.get("hook_secret", ""), headers, raw, now)
        ref = str(told.get("ticket", ""))
        return [Event(str(told.get("id") or webhooks.event_id(raw)), ref)] if is_record_number(ref) else []


class _PersonsWord(StoreError):
    """What stands there does not give way to a machine: a person set it, or the ticket is done or lives elsewhere."""


def _stored(found: Mapping[str, Any]) -> StoredTicket:
    """Names and labels are the same words there as here."""
    created = found.get("created_at")
    ref = str(found["id"])
    filed = {name: found[name] for name in _FILED if found.get(name)}
    return StoredTicket(
        ref=ref,
        ticket=Ticket(id=ref, source="deskyard", created_at=_moment(created) if created else None, **filed),
        version=str(found["version"]),
        updated_at=_moment(found["updated_at"]),
        queue=found["queue"],
        category=found["category"],
        priority=found["priority"],
        assignee=found["assignee"],
        status=found["status"],
        markers=frozenset(found["markers"]),
        ours=found["ours"],
        by_people=frozenset(found["by_people"]),
        raw=found,
    )


def _number(ref: str) -> str:
    if not is_record_number(ref):
        raise NotThere(f"tickets of a deskyard have numbers, not {ref[:40]!r}")
    return ref


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _detail(answer: Answer) -> str:
    """What a problem says is wrong."""
    told = answer.data.get("detail") if isinstance(answer.data, dict) else None
    return str(told or answer.data)[:300]
