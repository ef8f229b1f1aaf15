"""django-helpdesk as a ticket store, through a small add-on in its project (`addon.py.txt`).

Its own API is not sufficient: it lists neither queues nor agents, reports no times of change, reads every ticket to
show one, writes without entries in the history, and mails internal notes to everybody on copy. The add-on answers in a
few queries, and writes fields, history and note in one transaction, if the version has not changed.
"""

from collections.abc import Iterator, Mapping
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
    find_markers,
)
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput, NotFound, StoreRefused
from deskyard.text.record_numbers import is_record_number

VENDOR_PRIORITIES: Final = {"low": 4, "medium": 3, "high": 2, "critical": 1}
"""Our priority → its number there; 5, "very low", is read as low."""

PAGE_SIZE: Final = 100
"""Tickets that are read in one request."""

_DIGITS: Final = 9
_PRIORITY_LABELS: Final = {number: name for name, number in VENDOR_PRIORITIES.items()}


class DjangoHelpdeskStore(RemoteStore):
    """Tickets of a django-helpdesk with our add-on at /deskyard. URL:
    `django-helpdesk:https://USER:PASSWORD@host/deskyard`; without a user the secret is a token of its API.

    `category` names the custom field that is the category.
    """

    caps: ClassVar = Capabilities(
        settable_fields=frozenset({"queue", "priority", "assignee"}),
        atomic_writes=True,
        checks_version=True,
        reports_people=True,
        notes=True,
        moves=True,
        webhooks=True,
        signed_webhooks=True,
    )
    options: ClassVar = ("category",)

    def __init__(self, url: ConnectionUrl, http: HttpClient) -> None:
        """No request is made yet."""
        super().__init__(url, http)
        self.category_params = {"category": url.options["category"]} if url.options.get("category") else {}
        if self.category_params:
            # Only a desk whose administrator named the custom field has a category.
            vars(self)["caps"] = replace(self.caps, settable_fields=self.caps.settable_fields | {"category"})

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """The store of an account, with its password or a token."""
        credentials: dict[str, Any] = (
            {"auth": (url.user, url.secret)} if url.user else {"headers": {"Authorization": f"Token {url.secret}"}}
        )
        return cls(url, HttpClient(url.url, secrets=[url.secret], **credentials))

    def check_account(self) -> Health:
        """The version of the add-on, our user, and whether there are the category's field and any queue for us."""
        try:
            found = self.http.get("/", self.category_params).data
            version, me = found["version"], found["me"]
        except (NotFound, KeyError, TypeError) as error:
            raise BadInput(
                f"{self.http.base} does not answer as our add-on does: install it in the project of django-helpdesk "
                "(docs/connectors/django-helpdesk.md says how) and write the address at which urls.py includes it"
            ) from error
        missing = []
        if self.category_params and not found["category"]:
            missing.append(
                f"there is no custom field {self.category_params['category']!r}: correct `category` in the URL"
            )
        if not self.catalogue().queues:
            missing.append(f"{me!r} may work in no queue: grant it the permissions of the queues to route")
        return Health(version, me, missing=tuple(missing))

    def fetch_catalogue(self) -> Catalogue:
        """The queues that our account may work in, and the active staff."""
        found = self.http.get("/catalogue/", self.category_params).data
        categories = found["categories"]
        return Catalogue(
            {name: {} for name in found["queues"]},
            {name: tuple(sorted(queues)) for name, queues in found["agents"].items()},
            tuple(name for name, number in VENDOR_PRIORITIES.items() if number in found["priorities"]),
            () if not self.category_params else None if categories is None else tuple(categories),
        )

    def list_changes(self, since: datetime, n: int) -> Iterator[ChangedRef]:
        """Changes by (time, number); each request continues after the last ticket of the one before."""
        size, after = max(n, PAGE_SIZE), 0
        while True:
            params = {"since": since.isoformat(), "after": after, "limit": size}
            found = self.http.get("/changes/", params).data
            for at, number in found:
                since, after = datetime.fromisoformat(at), number
                yield ChangedRef(since, str(number))
            if not found:
                return

    def fetch(self, ref: str) -> StoredTicket:
        """The ticket with its history, for the markers and the moves."""
        found = self.fetch_many([ref])
        if ref not in found:
            raise NotFound(f"there is no ticket {ref[:40]!r} that deskyard's account may see")
        return found[ref]

    def fetch_many(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Tickets by ref, a page per request."""
        known = [ref for ref in refs if is_record_number(ref, _DIGITS)]
        found: dict[str, StoredTicket] = {}
        for start in range(0, len(known), PAGE_SIZE):
            params = {"id": ",".join(known[start : start + PAGE_SIZE]), **self.category_params}
            rows = self.http.get("/tickets/", params).data
            found |= {str(row["id"]): _to_stored_ticket(row) for row in rows}
        return found

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """One PATCH of the version that was seen, with the note."""
        theirs: dict[str, Any] = dict(values)
        if values.get("priority"):
            theirs["priority"] = VENDOR_PRIORITIES[values["priority"] or ""]
        self._patch(seen.ref, {"version": seen.version, "set": theirs, "note": delivery.full_note})
        return {}

    def add_note(self, ref: str, text: str) -> None:
        """Add a note; the add-on recognises one that it has."""
        self._patch(ref, {"set": {}, "note": text})

    def fetch_moves(self, ref: str) -> list[Move]:
        """The moves in the ticket's history."""
        return _parse_moves(self.fetch(ref).raw)

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The event of the add-on, which reports no changes that were made by us."""
        event = webhooks.verify_deskyard_webhook(self.url.options.get("hook_secret", ""), headers, raw, now)
        ref = str(event.get("ticket", ""))
        return (
            [WebhookEvent(str(event.get("id") or webhooks.make_event_id(raw)), ref)]
            if is_record_number(ref, _DIGITS)
            else []
        )

    def _patch(self, ref: str, body: Mapping[str, Any]) -> None:
        if not is_record_number(ref, _DIGITS):
            raise NotFound(f"there is no ticket {ref[:40]!r}")
        answer = self.http.send("PATCH", f"/tickets/{ref}/", json=body, params=self.category_params, accept=(422,))
        if answer.status == 422:
            raise StoreRefused(answer.data["field"], answer.data["reason"])


def _to_stored_ticket(row: Mapping[str, Any]) -> StoredTicket:
    """A ticket from a row of the add-on, which uses our terms except for priorities."""
    ref = str(row["id"])
    return StoredTicket(
        ref=ref,
        ticket=Ticket(
            id=ref,
            source="django-helpdesk",
            subject=row["subject"],
            body=row["body"],
            requester=row["requester"],
            created_at=datetime.fromisoformat(row["created"]),
        ),
        version=row["version"],
        updated_at=datetime.fromisoformat(row["modified"]),
        queue=row["queue"],
        category=row["category"],
        priority=_priority_label(row["priority"]),
        assignee=row["assignee"],
        status=row["status"],
        markers=find_markers(row["notes"]),
        last_change_by_deskyard=row["ours"],
        set_by_people=frozenset(move["field"] for move in row["moves"] if move["by"] and not move["ours"]),
        raw=row,
    )


def _parse_moves(row: Mapping[str, Any]) -> list[Move]:
    """The moves of a row. An empty actor is a rule of the desk, or a requester's mail."""
    found = []
    for move in row["moves"]:
        was, became = (
            _priority_label(at) if move["field"] == "priority" else at for at in (move["was"], move["became"])
        )
        at = datetime.fromisoformat(move["at"])
        found.append(Move(at, move["by"] or "", move["field"], was, became, move["ours"]))
    return found


def _priority_label(number: Any) -> str | None:
    """Our priority for a number; numbers out of range are clipped.

    >>> [_priority_label(number) for number in (1, "2", 5, None, "x")]
    ['critical', 'high', 'low', None, None]
    """
    try:
        return _PRIORITY_LABELS[min(max(int(number), 1), len(_PRIORITY_LABELS))]
    except (TypeError, ValueError):
        return None
