"""Another deskyard as a ticket store, over its HTTP API with a key of the role machine.

Its tickets have our fields already. All fields change in one write with the version that was read; the note follows
with the delivery's ID as Idempotency-Key, so that it is added once however often it is sent. The other side refuses to
let our key override what a person set.
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
"""Most tickets in one page."""

_SINCE_PREFIX: Final = "since "
_TICKET_FIELDS: Final = ("subject", "body", "channel", "language", "requester", "organisation", "fields")
_MARKER: Final = re.compile(r"\[([^\[\]]+)\]\s*\Z")


class DeskyardStore(RemoteStore):
    """Tickets of another deskyard. URL: `deskyard:https://:KEY@host`, with a key that was created there by
    `deskyard key create` with the role machine."""

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
        """The store at that URL; the key is sent in a header."""
        headers = {"Authorization": f"Bearer {url.secret}"} if url.secret else {}
        return cls(url, HttpClient(url.url.removesuffix("/v1"), headers=headers, secrets=[url.secret]))

    def check_account(self) -> Health:
        """The account of the key. A key of another role would count as a person, whom no machine may override."""
        try:
            me = self.http.get("/v1/me").data
            version, name, role = me["version"], me["actor"]["name"], me["role"]
        except (NotFound, KeyError, TypeError) as error:
            raise BadInput(
                f"{self.http.base} is not a deskyard, or its version is too old: check the address"
            ) from error
        problem = (
            f"the key belongs to {name!r} with the role {role}, whose changes would count as a person's: create a key "
            "there with `deskyard key create NAME --role machine`"
        )
        return Health(version, name, missing=() if role == "machine" else (problem,))

    def fetch_catalogue(self) -> Catalogue:
        """The values that its tickets can have, read in one call."""
        found = self.http.get("/v1/catalogue").data
        categories = found.get("categories")
        return replace(
            Catalogue.from_dict(found),
            priorities=tuple(found["priorities"]),
            categories=None if categories is None else tuple(categories),
        )

    def list_changes(self, since: datetime, n: int) -> Iterator[ChangedRef]:
        """The tickets that changed since then, with the times of their changes."""
        page = self.pull(self.cursor_at(since), n)
        while True:
            yield from (ChangedRef(one.updated_at, one.ref) for one in page.tickets)
            if not page.more:
                return
            page = self.pull(page.cursor, n)

    def pull(self, cursor: str | None, limit: int) -> TicketPage:
        """A page of its tickets, as `/v1/changes` returns it."""
        params: dict[str, Any] = {"limit": min(limit, MAX_PAGE_SIZE)}
        if cursor is not None:
            since = cursor.startswith(_SINCE_PREFIX)
            params["since" if since else "cursor"] = cursor.removeprefix(_SINCE_PREFIX)
        answer = self.http.get("/v1/changes", params, accept=(422,))
        if answer.status == 422:
            raise BadInput(f"the other deskyard does not accept this cursor: {_problem_detail(answer)}")
        found = answer.data
        return TicketPage(tuple(_to_stored_ticket(one) for one in found["items"]), found["cursor"], found["more"])

    def cursor_at(self, moment: datetime) -> str:
        """A cursor for that time; the first page replaces it by one of its own."""
        return _SINCE_PREFIX + moment.isoformat()

    def fetch(self, ref: str) -> StoredTicket:
        """The ticket, as `/v1/changes` returns it."""
        return _to_stored_ticket(self.http.get(f"/v1/changes/{_parse_ref(ref)}").data)

    def fetch_moves(self, ref: str) -> list[Move]:
        """Its history after it was created."""
        found = self.http.get(f"/v1/tickets/{_parse_ref(ref)}").data
        me = self.http.get("/v1/me").data["actor"]
        received_at = _parse_moment(found["received_at"])
        steps = [step for step in found["history"] if _parse_moment(step["at"]) > received_at]
        return [
            Move(_parse_moment(s["at"]), s["actor"]["name"], s["field"], s["from"], s["to"], s["actor"] == me)
            for s in steps
        ]

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """One PATCH of the version that was read. A ticket that moves to another queue is sent with all decided values;
        otherwise the defaults of that queue would be added."""
        if not values:
            return {}
        body = {**(delivery.set if "queue" in values else {}), **values, "reason": f"delivery {delivery.id}"}
        path, tag = f"/v1/tickets/{_parse_ref(seen.ref)}", {"If-Match": f'"{seen.version}"'}
        answer = self.http.send("PATCH", path, json=body, headers=tag, accept=(409, 412, 422))
        if answer.status == 412:
            raise StoreConflict("the ticket was changed in the meantime")
        if answer.status == 409:
            raise _PersonDecided(_problem_detail(answer))
        if answer.status == 422:
            errors = [one for one in answer.data.get("errors", ()) if one["field"] in body]
            raise StoreRefused(
                *((errors[0]["field"], errors[0]["message"]) if errors else ("request", _problem_detail(answer)))
            )
        return {}

    def apply(self, delivery: Delivery) -> DeliveryOutcome:
        """Write a delivery, once. If a person decided otherwise, the result is a conflict, which is not tried again."""
        try:
            return super().apply(delivery)
        except _PersonDecided as error:
            now = self.fetch(delivery.ref)
            return DeliveryOutcome(DeliveryResult.CONFLICT, now, dict.fromkeys(delivery.set or ("note",), str(error)))

    def add_note(self, ref: str, text: str) -> None:
        """Add an internal comment; the marker at its end becomes its Idempotency-Key."""
        marker = _MARKER.search(text)
        key = {"Idempotency-Key": note_key(marker[1])} if marker else {}
        comment = {"text": text, "public": False}
        answer = self.http.send(
            "POST", f"/v1/tickets/{_parse_ref(ref)}/comments", json=comment, headers=key, accept=(409,)
        )
        if answer.status == 409:
            raise _PersonDecided(_problem_detail(answer))

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The event in a notification that it sent."""
        event = webhooks.verify_deskyard_webhook(self.url.options.get("hook_secret", ""), headers, raw, now)
        ref = str(event.get("ticket", ""))
        return [WebhookEvent(str(event.get("id") or webhooks.make_event_id(raw)), ref)] if is_record_number(ref) else []


class _PersonDecided(StoreError):
    """A machine may not make this change: a person set the value, or the ticket is solved or kept elsewhere."""


def _to_stored_ticket(found: Mapping[str, Any]) -> StoredTicket:
    """A ticket of `/v1/changes`; its fields and labels need no translation."""
    created = found.get("created_at")
    ref = str(found["id"])
    texts = {name: found[name] for name in _TICKET_FIELDS if found.get(name)}
    return StoredTicket(
        ref=ref,
        ticket=Ticket(id=ref, source="deskyard", created_at=_parse_moment(created) if created else None, **texts),
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
        raise NotFound(f"a ticket of a deskyard is a number, not {ref[:40]!r}")
    return ref


def _parse_moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _problem_detail(answer: ApiResponse) -> str:
    """The `detail` of a problem (RFC 9457), or the body."""
    detail = answer.data.get("detail") if isinstance(answer.data, dict) else None
    return str(detail or answer.data)[:300]
