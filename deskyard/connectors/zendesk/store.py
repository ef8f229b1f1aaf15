"""Zendesk Support as a ticket store: its ticket API for one ticket, its incremental export for what changed.

In come our deliveries and cursors; out go Zendesk's tickets in our words (`zendesk_words`). One PUT carries fields and
the internal note together, and names the moment of the ticket that it is based on (safe_update); tags go ahead of it by
the call that adds. The export tells nothing of the last minute, and comes to administrators only.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Self

from deskyard.connectors.base import incremental_pull, webhooks
from deskyard.connectors.base.connection_url import Place
from deskyard.connectors.base.http_client import Http
from deskyard.connectors.base.incremental_pull import Changed
from deskyard.connectors.base.remote_store import RemoteStore, overrun_in
from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    Event,
    Health,
    Move,
    Page,
    StoredTicket,
    Values,
)
from deskyard.connectors.zendesk.client import BESIDE, EMBARGO, changed, every, exported, hinted, number, part, refusal
from deskyard.connectors.zendesk.field_mapping import THEIRS, Book, Row, Rows, bound, moved, stored
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import BadInput, NotAllowed, NotThere, StoreConflict, StoreRefused

EXPORTS: Final = 10.0
"""Exports a minute that Zendesk allows without the high volume add-on."""

KEPT: Final = 2000
"""Tickets that are not read again while the export says the same of them."""

PLAIN: Final = frozenset({"text", "textarea", "regexp"})
PUBLISHED: Final = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
"""The secret that Zendesk signs test calls with; its documents print it."""


class ZendeskStore(RemoteStore):
    """Tickets at Zendesk. URL: `zendesk:https://USER%40MAIL:TOKEN@account.zendesk.com`, without a user for OAuth."""

    caps: ClassVar = Capabilities(
        sets=frozenset({"queue", "priority", "assignee"}),
        one_write=True,
        checks_version=True,
        knows_people=True,
        tags=True,
        notes=True,
        moves=True,
        webhooks=True,
        signed_webhooks=True,
    )
    options: ClassVar = ("category", "exports_per_minute")

    def __init__(self, place: Place, http: Http, exports: Http) -> None:
        """`exports` keeps the export's own limit."""
        super().__init__(place, http)
        self.exports = exports
        self._book = Book()
        self._read: dict[tuple[str, Any, Any], StoredTicket] = {}
        if place.options.get("category"):
            # Only an account whose administrator named the field has a category.
            vars(self)["caps"] = replace(self.caps, sets=self.caps.sets | {"category"})

    @classmethod
    def at(cls, place: Place) -> Self:
        """An API token belongs to a user, an OAuth token says itself who it is."""
        if not re.fullmatch(r"[0-9]*", place.options.get("category", "")):
            raise BadInput(
                "category is the number of a ticket field: take it from the field's page in the Admin Center"
            )
        try:
            often = float(place.options.get("exports_per_minute") or EXPORTS)
        except ValueError as error:
            raise BadInput("exports_per_minute is a number: 10, or 30 with the high volume add-on") from error
        base = place.url.removesuffix("/api/v2") + "/api/v2"
        user = place.user.removesuffix("/token") + "/token"
        shown: dict[str, Any] = (
            {"auth": (user, place.secret)} if place.user else {"headers": {"Authorization": f"Bearer {place.secret}"}}
        )
        http = Http(base, secrets=[place.secret], **shown)
        return cls(place, http, Http(base, secrets=[place.secret], per_minute=often, **shown))

    def about(self) -> Health:
        """Whether our user may export, and whether the category's field is one."""
        me = self._me()
        missing = []
        if me.get("role") != "admin":
            missing.append("make deskyard's user an administrator: Zendesk exports changed tickets to no one else")
        if self.place.options.get("hook_secret") == PUBLISHED:
            missing.append("hook_secret is the secret that Zendesk publishes for tests: take the webhook's own")
        try:
            self._kind()
        except StoreRefused as error:
            missing.append(error.reason)
        return Health("API v2", me.get("email") or str(me["id"]), missing=tuple(missing))

    def ask_catalogue(self) -> Catalogue:
        """Groups, agents with their groups, and the options of the category's field."""
        try:
            kind = self._kind()
        except StoreRefused:
            kind = None
        users = every(self.http, "/users", "users", {"role[]": ["agent", "admin"]})
        memberships = every(self.http, "/group_memberships", "group_memberships")
        self._book = bound(self._me()["id"], every(self.http, "/groups", "groups"), users, memberships, kind)
        return self._book.catalogue

    def changed(self, since: datetime, n: int) -> Iterable[Changed]:
        """By the moment at which Zendesk noted the change, which may be younger than the ticket's `updated_at`."""
        return (changed(row) for row, _ in exported(self.exports, since, n, self._there()))

    def pull(self, cursor: str | None, limit: int) -> Page:
        """From the export, which tells until a minute ago. Its rows are whole tickets: only their audits are read."""
        self._known_book()  # also tells Zendesk's clock, before anything is reckoned by it
        rows: dict[str, tuple[Row, Mapping[str, Rows]]] = {}

        def told(since: datetime, n: int) -> Iterator[Changed]:
            for row, beside in exported(self.exports, since, n, self._there()):
                found = changed(row)
                rows[found.ref] = row, beside
                yield found

        def read(refs: list[str]) -> dict[str, StoredTicket]:
            found = {ref: self._exported(*rows[ref]) for ref in refs}
            return {ref: ticket for ref, ticket in found.items() if ticket is not None}

        return incremental_pull.page(cursor, limit, self._there() - EMBARGO, told, read, self.step)

    def fetch(self, ref: str) -> StoredTicket:
        """The ticket first and its audits then, so that what came between makes a write fail rather than pass."""
        found = self.http.get(f"/tickets/{number(ref)}", {"include": BESIDE})
        row = part(found, "ticket")
        if row.get("status") == "deleted":
            raise NotThere(f"the ticket {ref} was deleted")
        return stored(row, found.data, self._audits(ref), self._known_book())

    def write(self, seen: StoredTicket, values: Values, delivery: Delivery) -> Mapping[str, str]:
        """One PUT with the note; refused by Zendesk if the ticket changed since the second of `seen`."""
        if seen.status == "closed":
            raise StoreRefused("request", "the ticket is closed, and Zendesk lets nobody change a closed one")
        theirs = self._theirs(values)
        if delivery.id not in seen.markers:
            theirs["comment"] = {"body": delivery.text, "public": False}
        seen = self._tagged(seen, delivery)
        theirs |= {"safe_update": True, "updated_stamp": seen.raw["ticket"]["updated_at"]}
        answer = self.http.send("PUT", f"/tickets/{seen.ref}", json={"ticket": theirs}, accept=(422,))
        if answer.status == 422 or not isinstance(answer.data, dict) or "ticket" not in answer.data:
            raise StoreRefused("request", refusal(answer.data))
        return {}

    def overrun(self, seen: StoredTicket, now: StoredTicket, values: Values) -> Values:
        """Zendesk compares seconds: who changed the ticket in the second that we saw is told by the audits alone."""
        return overrun_in((move for move, _ in moved(now.raw["audits"], self._book)), seen, values)

    def comment(self, ref: str, text: str) -> None:
        """A private comment."""
        self.http.send("PUT", f"/tickets/{number(ref)}", json={"ticket": {"comment": {"body": text, "public": False}}})

    def moves(self, ref: str) -> list[Move]:
        """From the audits."""
        audits = self._audits(ref)
        return [move for move, _ in moved(audits, self._known_book())]

    def events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[Event]:
        """Of a trigger with our template, or of Zendesk's own event subscription."""
        moment = headers.get("x-zendesk-webhook-signature-timestamp", "")
        secret = self.place.options.get("hook_secret", "")
        signature = headers.get("x-zendesk-webhook-signature", "")
        webhooks.check_signature(secret, signature, moment.encode() + raw, encoding="base64")
        webhooks.check_moment(webhooks.moment_of(moment), now)
        told = webhooks.parsed(raw)
        name = headers.get("x-zendesk-webhook-invocation-id") or webhooks.event_id(moment, raw)
        mine = {self.place.user.removesuffix("/token").lower(), str(self._book.me)} - {"", "0"}
        found = hinted(told)
        return [] if found is None else [Event(str(found.id or name), found.ref, ours=found.by.lower() in mine)]

    def close(self) -> None:
        """Of both."""
        super().close()
        self.exports.close()

    def _me(self) -> Row:
        me: Row = part(self.http.get("/users/me"), "user")
        if not me.get("id"):
            raise NotAllowed(
                f"{self.http.base} does not know us: check the user, the token, and that tokens are allowed"
            )
        return me

    def _kind(self) -> Row | None:
        """The ticket field that is the category. Raises StoreRefused for one that is of no use."""
        named = self.place.options.get("category")
        if not named:
            return None
        try:
            kind: Row = part(self.http.get(f"/ticket_fields/{named}"), "ticket_field")
        except NotThere as error:
            told = f"there is no ticket field {named}: correct `category` in the store's URL"
            raise StoreRefused("category", told) from error
        if kind.get("active") is False or kind.get("type") not in PLAIN | {"tagger"}:
            told = f"the ticket field {named} is no active drop-down or text field: name another as `category`"
            raise StoreRefused("category", told)
        return kind

    def _known_book(self) -> Book:
        self.catalogue()
        return self._book

    def _theirs(self, values: Values) -> dict[str, Any]:
        """Values in Zendesk's words. Raises StoreRefused for one that was there a moment ago."""
        book, theirs = self._known_book(), dict[str, Any]()
        options = {label: value for value, label in book.options.items()}
        for name, value in values.items():
            try:
                if name == "queue":
                    theirs["group_id"] = book.id_of(book.groups, value)
                elif name == "assignee":
                    theirs["assignee_id"] = book.id_of(book.agents, value)
                elif name == "priority":
                    theirs["priority"] = value and THEIRS[value]
                else:
                    chosen = options[value] if options and value is not None else value
                    theirs["custom_fields"] = [{"id": book.category, "value": chosen}]
            except KeyError as error:
                raise StoreRefused(name, f"{value!r} is no longer there") from error
        return theirs

    def _tagged(self, seen: StoredTicket, delivery: Delivery) -> StoredTicket:
        """The ticket with the delivery's tags. Raises StoreConflict where somebody changed it meanwhile."""
        lacking = sorted(set(delivery.add_tags) - seen.tags)
        if not lacking:
            return seen
        stamp = seen.raw["ticket"]["updated_at"]
        wanted = {"tags": lacking, "updated_stamp": stamp, "safe_update": "true"}
        self.http.send("PUT", f"/tickets/{seen.ref}/tags", json=wanted)
        now = self.fetch(seen.ref)
        if now.differing({name: seen.value(name) for name in (*self.caps.sets, "status")}):
            raise StoreConflict("the ticket was changed while its tags were added")
        return now

    def _audits(self, ref: str) -> list[Row]:
        return every(self.http, f"/tickets/{number(ref)}/audits", "audits")

    def _exported(self, row: Row, beside: Mapping[str, Rows]) -> StoredTicket | None:
        """A row of the export as a ticket; None for one that was deleted."""
        ref = str(row["id"])
        if row.get("status") == "deleted":
            return None
        name = (ref, row.get("generated_timestamp"), row.get("updated_at"))
        if name not in self._read:
            try:
                audits = self._audits(ref)
                found = stored(row, beside, audits, self._known_book())
                if audits and datetime.fromisoformat(audits[-1]["created_at"]) > found.updated_at:
                    return self.fetch(ref)
            except NotThere:
                return None
            while len(self._read) >= KEPT:
                self._read.pop(next(iter(self._read)), None)
            self._read[name] = found
        return self._read[name]

    def _there(self) -> datetime:
        """Zendesk's clock."""
        skew = self.http.skew if self.exports.skew is None else self.exports.skew
        return datetime.now(UTC) + timedelta(seconds=skew or 0.0)
