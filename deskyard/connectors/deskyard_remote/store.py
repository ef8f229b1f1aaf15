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
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.http_client import ApiResponse, HttpClient
from deskyard.connectors.base.incremental_pull import ChangedRef
from deskyard.connectors.base.remote_store import RemoteStore
from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    DeliveryOutcome,
    DeliveryResult,
    FieldValues,
    Health,
    Move,
    StoredTicket,
    TicketPage,
    WebhookEvent,
)
from deskyard.connectors.builtin.changes import note_key
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput, NotFound, StoreConflict, StoreError, StoreRefused
from deskyard.text.record_numbers import is_record_number

MAX_PAGE_SIZE: Final = 1_000
"""Tickets that it gives at once."""

_SINCE_PREFIX: Final = "since "
_FILED_FIELDS: Final = ("subject", "body", "channel", "language", "requester", "organisation", "fields")
_MARKER: Final = re.compile(r"\[([^\[\]]+)\]\s*\Z")


class DeskyardStore(RemoteStore):
    """Tickets of another deskyard. URL: `deskyard:https://:KEY@host`, with a key that `deskyard key create` made there
    with the role machine."""

    caps: ClassVar = Capabilities(
        settable_fields=frozenset({"queue", "category", "priority", "assignee"}),
        atomic_writes=True,
        checks_version=True,
        reports_people=True,
        notes=True,
        moves=True,
        webhooks=True,
        signed_webhooks=True,
    )

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """The key goes into a header."""
        headers = {"Authorization": f"Bearer {url.secret}"} if url.secret else {}
        return cls(url, HttpClient(url.url.removesuffix("/v1"), headers=headers, secrets=[url.secret]))

    def check_account(self) -> Health:
        """Whose key it is. A key of another role would pass for a person, whom no machine may contradict."""
        try:
            told = self.http.get("/v1/me").data
            version, name, role = told["version"], told["actor"]["name"], told["role"]
        except (NotFound, KeyError, TypeError) as error:
            raise BadInput(
                f"{self.http.base} is no deskyard, or an older one than this: compare the address"
            ) from error
        wrong = (
            f"it takes us for {name!r} of the role {role}, whose writing would be a person's word: make a key there "
            "with `deskyard key create NAME --role machine`"
        )
        return Health(version, name, missing=() if role == "machine" else (wrong,))

    def fetch_catalogue(self) -> Catalogue:
        """All in one call."""
        found = self.http.get("/v1/catalogue").data
        categories = found.get("categories")
        return replace(
            Catalogue.from_dict(found),
            priorities=tuple(found["priorities"]),
            categories=None if categories is None else tuple(categories),
        )

    def list_changes(self, since: datetime, n: int) -> Iterator[ChangedRef]:
        """What its pages from that moment on show."""
        page = self.pull(self.cursor_at(since), n)
        while True:
            yield from (ChangedRef(one.updated_at, one.ref) for one in page.tickets)
            if not page.more:
                return
            page = self.pull(page.cursor, n)

    def pull(self, cursor: str | None, limit: int) -> TicketPage:
        """Its own pages, which keep the contract there already."""
        params: dict[str, Any] = {"limit": min(limit, MAX_PAGE_SIZE)}
        if cursor is not None:
            since = cursor.startswith(_SINCE_PREFIX)
            params["since" if since else "cursor"] = cursor.removeprefix(_SINCE_PREFIX)
        answer = self.http.get("/v1/changes", params, accept=(422,))
        if answer.status == 422:
            raise BadInput(f"the other deskyard does not take this cursor: {_problem_detail(answer)}")
        found = answer.data
        return TicketPage(tuple(_to_stored_ticket(one) for one in found["items"]), found["cursor"], found["more"])

    def cursor_at(self, moment: datetime) -> str:
        """The moment itself: the first page says how to go on."""
        return _SINCE_PREFIX + moment.isoformat()

    def fetch(self, ref: str) -> StoredTicket:
        """As its pages show it."""
        return _to_stored_ticket(self.http.get(f"/v1/changes/{_parse_ref(ref)}").data)

    def fetch_moves(self, ref: str) -> list[Move]:
        """Its journey after it was filed."""
        whole = self.http.get(f"/v1/tickets/{_parse_ref(ref)}").data
        me = self.http.get("/v1/me").data["actor"]
        filed = _parse_moment(whole["received_at"])
        steps = [step for step in whole["journey"] if _parse_moment(step["at"]) > filed]
        return [
            Move(_parse_moment(s["at"]), s["actor"]["name"], s["field"], s["from"], s["to"], s["actor"] == me)
            for s in steps
        ]

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """One PATCH of the version that was seen. A ticket that moves takes along all that it is to get, or the rules
        of its new queue would add to it."""
        if not values:
            return {}
        told = {**(delivery.set if "queue" in values else {}), **values, "why": f"delivery {delivery.id}"}
        path, tag = f"/v1/tickets/{_parse_ref(seen.ref)}", {"If-Match": f'"{seen.version}"'}
        answer = self.http.send("PATCH", path, json=told, headers=tag, accept=(409, 412, 422))
        if answer.status == 412:
            raise StoreConflict("the ticket was changed meanwhile")
        if answer.status == 409:
            raise _PersonDecided(_problem_detail(answer))
        if answer.status == 422:
            wrong = [one for one in answer.data.get("errors", ()) if one["field"] in told]
            raise StoreRefused(
                *((wrong[0]["field"], wrong[0]["message"]) if wrong else ("request", _problem_detail(answer)))
            )
        return {}

    def apply(self, delivery: Delivery) -> DeliveryOutcome:
        """Write it, once. What stands against it for good is not tried again."""
        try:
            return super().apply(delivery)
        except _PersonDecided as error:
            now = self.fetch(delivery.ref)
            return DeliveryOutcome(DeliveryResult.CONFLICT, now, dict.fromkeys(delivery.set or ("note",), str(error)))

    def add_note(self, ref: str, text: str) -> None:
        """A comment for the desk only, named by the delivery whose marker ends it."""
        marker = _MARKER.search(text)
        name = {"Idempotency-Key": note_key(marker[1])} if marker else {}
        said = {"text": text, "public": False}
        answer = self.http.send(
            "POST", f"/v1/tickets/{_parse_ref(ref)}/comments", json=said, headers=name, accept=(409,)
        )
        if answer.status == 409:
            raise _PersonDecided(_problem_detail(answer))

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """A notice that it sends."""
        told = webhooks.verify_deskyard_webhook(self.url.options.get("hook_secret", ""), headers, raw, now)
        ref = str(told.get("ticket", ""))
        return [WebhookEvent(str(told.get("id") or webhooks.make_event_id(raw)), ref)] if is_record_number(ref) else []


class _PersonDecided(StoreError):
    """What stands there does not give way to a machine: a person set it, or the ticket is done or lives elsewhere."""


def _to_stored_ticket(found: Mapping[str, Any]) -> StoredTicket:
    """Names and labels are the same words there as here."""
    created = found.get("created_at")
    ref = str(found["id"])
    filed = {name: found[name] for name in _FILED_FIELDS if found.get(name)}
    return StoredTicket(
        ref=ref,
        ticket=Ticket(id=ref, source="deskyard", created_at=_parse_moment(created) if created else None, **filed),
        version=str(found["version"]),
        updated_at=_parse_moment(found["updated_at"]),
        queue=found["queue"],
        category=found["category"],
        priority=found["priority"],
        assignee=found["assignee"],
        status=found["status"],
        markers=frozenset(found["markers"]),
        last_change_by_deskyard=found["ours"],
        set_by_people=frozenset(found["by_people"]),
        raw=found,
    )


def _parse_ref(ref: str) -> str:
    if not is_record_number(ref):
        raise NotFound(f"tickets of a deskyard have numbers, not {ref[:40]!r}")
    return ref


def _parse_moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _problem_detail(answer: ApiResponse) -> str:
    """What a problem says is wrong."""
    told = answer.data.get("detail") if isinstance(answer.data, dict) else None
    return str(told or answer.data)[:300]
