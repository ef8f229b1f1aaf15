"""Roundup 2 as a ticket store, through its REST interface.

In come issues with whatever properties a tracker has, out go tickets. All fields of a delivery change in one write
with the ETag of the issue as it was seen. Roundup has no internal notes: a message is seen by whoever sees the issue,
and mailed to its nosy list, on which its requester stands. So nothing is noted unless the address says `notes=on`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Self, cast
from urllib.parse import quote, urlsplit

from deskyard.connectors.base import webhooks
from deskyard.connectors.base.connection_url import Place
from deskyard.connectors.base.http_client import Answer, Http
from deskyard.connectors.base.incremental_pull import Changed
from deskyard.connectors.base.remote_store import RemoteStore
from deskyard.connectors.base.ticket_store import Capabilities, Delivery, Event, Health, StoredTicket, Values
from deskyard.connectors.roundup import field_mapping as words
from deskyard.connectors.roundup.field_mapping import Part, Scale, Words
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import BadInput, NotAllowed, NotThere, StoreConflict, StoreRefused, StoreUnreachable

LOOKS: Final = 3
"""How often a note is tried where others keep changing the issue."""

_QUEUES: Final = ("queue", "component", "keyword")
_UTC: Final = ("UTC", "GMT", "Etc/UTC", "0")
_WHOLE: Final = {"@verbose": "2", "@protected": "true"}


class RoundupStore(RemoteStore):
    """Issues of a Roundup tracker. URL: `roundup:https://LOGIN:PASSWORD@host/tracker`.

    `queue`, `category` and `tags` name properties of issues (`property:class` where they differ), `priorities` the
    tracker's own, `agents` the role of who may be given issues. `notes=on` leaves notes, for trackers that no requester
    sees.
    """

    caps: ClassVar = Capabilities(
        sets=frozenset({"queue", "category", "priority", "assignee"}),
        one_write=True,
        checks_version=True,
        tags=True,
        webhooks=True,
    )
    options: ClassVar = ("queue", "category", "tags", "priorities", "agents", "notes")

    def __init__(self, place: Place, http: Http) -> None:
        """Nothing is asked yet."""
        super().__init__(place, http)
        self.priorities = words.priorities(place.options.get("priorities", ""))
        self._words: Words | None = None
        self._numbers: dict[str, dict[str, str]] = {}
        self._attributes: list[str] = []

    @classmethod
    def at(cls, place: Place) -> Self:
        """Roundup lets nobody write who does not say where from. Raises BadInput without a login."""
        if not place.user:
            raise BadInput("write deskyard's login in the tracker: roundup:https://LOGIN:PASSWORD@host/tracker")
        site = place.url.partition("/rest")[0]
        headers = {
            "Origin": "{0.scheme}://{0.netloc}".format(urlsplit(site)),
            "Referer": f"{site}/",
            "X-Requested-With": "deskyard",
        }
        told = place.options.get("notes", "off")
        if told not in ("on", "off"):
            raise BadInput(f"write notes=on or notes=off, not {told[:20]!r}")
        kind = cast(type[Self], NotingRoundupStore) if told == "on" else cls
        auth = (place.user, place.secret)
        return kind(place, Http(site + "/rest", auth=auth, headers=headers, secrets=[place.secret]))

    def about(self) -> Health:
        """The REST version (Roundup tells no other), our login, and what is missing as far as it can be seen."""
        version = f"REST {self.http.get('/').data['data']['default_version']}"
        missing = []
        try:
            account = self._account()
        except NotThere:
            told = f"the tracker has no user {self.place.user!r} whom we may see: write the login of deskyard's account"
            return Health(version, "", None, (told,))
        if str(account.get("timezone")) not in _UTC:
            missing.append(_zone(self.place.user))
        classes = self._classes()
        spoken = self._speak(account)
        unseen = [kind for kind in ("issue", "msg", "user", spoken.queue.kind) if kind not in classes]
        missing += [f"it may not see the class {kind!r}: grant it View, or name another with queue=" for kind in unseen]
        return Health(version, str(account["username"]), None, tuple(missing))

    def ask_catalogue(self) -> Catalogue:
        """What is not retired. Roundup does not say who serves which queue: every agent serves them all."""
        self._words = None
        spoken = self._spoken()
        kinds = {part.kind for part in (spoken.queue, spoken.category, spoken.tags) if part}
        found = {kind: self._names(kind) for kind in sorted(kinds)}
        found["priority"] = self._numbers["priority"]
        role = self.place.options.get("agents", "")
        found["user"] = self._names("user", {"roles": role} if role else {})
        self._numbers = found
        queues = tuple(sorted(found[spoken.queue.kind]))
        return Catalogue(
            {name: {} for name in queues},
            {name: queues for name in found["user"] if name not in ("anonymous", self.place.user)},
            tuple(spoken.scale.theirs),
            tuple(sorted(found[spoken.category.kind])) if spoken.category else (),
        )

    def changed(self, since: datetime, n: int) -> Iterator[Changed]:
        """By (moment, number). Each question begins with the last second of the one before, and never with an offset:
        what changes meanwhile moves to the end, and would push others past it. Raises NotAllowed outside UTC."""
        if str(self._account().get("timezone")) not in _UTC:
            raise NotAllowed(_zone(self.place.user))
        at, size = since.astimezone(UTC).replace(microsecond=0), max(n, 100)
        given: set[tuple[str, datetime]] = set()
        while True:
            params = {"activity": f"{at:%Y-%m-%d.%H:%M:%S};", "@fields": "activity", "@sort": "activity,id"}
            found = [
                (str(one["id"]), words.moment(one["activity"]))
                for one in self._list("issue", {**params, "@page_size": str(size)})
            ]
            for ref, moment in found:
                if (ref, moment) not in given:
                    given.add((ref, moment))
                    yield Changed(moment, ref)
            if len(found) < size:
                return
            if found[-1][1] > at:
                at = found[-1][1]
            else:
                size *= 2

    def fetch(self, ref: str) -> StoredTicket:
        """With the message that it was filed with, and our notes where there are any."""
        found = self._issue(ref).data["data"]
        self._attributes = sorted(found["attributes"])
        return words.seen(ref, found, self._said([found]), self._spoken())

    def read(self, refs: list[str]) -> dict[str, StoredTicket]:
        """All together: a list shows what one issue shows, but only the attributes that it is asked for."""
        spoken = self._spoken()
        found: dict[str, StoredTicket] = {}
        while refs and not self._attributes:
            found |= super().read(refs[:1])
            refs = refs[1:]
        for start in range(0, len(refs), 50):
            params = {"id": refs[start : start + 50], "@fields": ",".join(self._attributes), "@verbose": "2"}
            issues = [{"attributes": one} for one in self._list("issue", params)]
            said = self._said(issues)
            for one in issues:
                ref = str(one["attributes"]["id"])
                found[ref] = words.seen(ref, one, said, spoken)
        return found

    def write(self, seen: StoredTicket, values: Values, delivery: Delivery) -> Mapping[str, str]:
        """One PUT with the ETag. Names travel as numbers: Roundup would take a name of digits for one."""
        spoken, parts = self._spoken(), seen.raw["attributes"]
        body: dict[str, Any] = {}
        for field, part in (("queue", spoken.queue), ("category", spoken.category)):
            if field in values and part:
                body[part.name] = words.linked(parts, part, self._number(part.kind, values[field], field), field)
        if "priority" in values:
            theirs = spoken.scale.theirs.get(values["priority"] or "")
            body["priority"] = self._number("priority", theirs, "priority") or words.NONE
        if "assignee" in values:
            body["assignedto"] = self._number("user", values["assignee"], "assignee") or words.NONE
        if delivery.add_tags:
            if not spoken.tags:
                raise StoreRefused("add_tags", "name a property of issues for tags with tags=")
            added = [self._number(spoken.tags.kind, tag, "add_tags") or "" for tag in delivery.add_tags]
            body[spoken.tags.name] = sorted({*words.numbers(parts.get(spoken.tags.name)), *added}, key=int)
        if self.caps.notes:
            body |= self._note(parts, delivery.text)
        self._put(seen.ref, body, str(seen.raw["@etag"]))
        return {}

    def comment(self, ref: str, text: str) -> None:
        """A message, which everybody sees who sees the issue. Raises StoreUnreachable where others keep changing it."""
        for _ in range(LOOKS):
            answer = self._issue(ref)
            found = answer.data["data"]
            try:
                self._put(ref, self._note(found["attributes"], text), str(found["@etag"]))
            except StoreConflict:
                continue
            return
        raise StoreUnreachable(f"others keep changing issue {ref}", 2.0)

    def events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[Event]:
        """From our detector (`roundup_detector.py.txt`), which shows a secret and signs nothing."""
        self.check_secret(headers)
        told = webhooks.parsed(raw)
        ref, by = str(told.get("issue", "")), str(told.get("by", ""))
        if not ref.isdecimal():
            return []
        return [Event(webhooks.event_id(ref, by, told.get("at")), ref, by == self.place.user)]

    def _issue(self, ref: str) -> Answer:
        return self.http.get(f"/data/issue/{_number(ref)}", _WHOLE)

    def _list(self, kind: str, params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.http.get(f"/data/{quote(kind, safe='')}", params).data["data"][
            "collection"
        ]
        return found

    def _names(self, kind: str, params: Mapping[str, str] | None = None) -> dict[str, str]:
        """Name → number of what of a class is not retired."""
        found = self._list(kind, {"@verbose": "2", **(params or {})})
        return {words.label(one) or "": str(one["id"]) for one in found}

    def _number(self, kind: str, name: str | None, field: str) -> str | None:
        if name is None:
            return None
        if name not in self._numbers.get(kind, {}):
            raise StoreRefused(field, f"the tracker has no {kind} {name!r}")
        return self._numbers[kind][name]

    def _said(self, issues: list[Any]) -> dict[str, Mapping[str, Any]]:
        """What was said in these issues: with which message each was filed, and all of them where we leave notes."""
        wanted: list[str] = []
        for one in issues:
            parts = one["attributes"]
            wanted += words.numbers(parts.get("messages")) if self.caps.notes else filter(None, [words.filing(parts)])
        said: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(wanted), 100):
            params = {"id": wanted[start : start + 100], "@fields": "content,author", "@verbose": "3"}
            said |= {str(one["id"]): one for one in self._list("msg", params)}
        return said

    def _note(self, parts: Mapping[str, Any], text: str) -> dict[str, Any]:
        """A message for an issue. The status goes along, or the classic tracker would take the note for a chat."""
        made = {"content": text, "author": self._spoken().me[1], "date": f"{datetime.now(UTC):%Y-%m-%d.%H:%M:%S}"}
        number = self.http.send("POST", "/data/msg", json=made).data["data"]["id"]
        body: dict[str, Any] = {"messages": [*words.numbers(parts.get("messages")), str(number)]}
        return body | ({"status": words.number(parts["status"])} if parts.get("status") else {})

    def _put(self, ref: str, body: Mapping[str, Any], etag: str) -> None:
        """Raises StoreConflict for another ETag; Roundup's own 409 says that something does not exist."""
        answer = self.http.send("PUT", f"/data/issue/{ref}", json=body, headers={"If-Match": etag}, accept=(409,))
        if answer.status == 409:
            raise StoreRefused("request", f"the tracker says: {str(answer.data)[:200]}")

    def _account(self) -> Mapping[str, Any]:
        answer = self.http.get("/data/user/" + quote(f"username={self.place.user}", safe="="))
        return {**answer.data["data"]["attributes"], "id": str(answer.data["data"]["id"])}

    def _classes(self) -> list[str]:
        return list(self.http.get("/data").data["data"])

    def _spoken(self) -> Words:
        if self._words is None:
            self._words = self._speak(self._account())
        return self._words

    def _speak(self, account: Mapping[str, Any]) -> Words:
        classes = self._classes()
        usual = next((name for name in _QUEUES if name in classes), "keyword")
        queue = Part.of(self.place.options.get("queue") or usual) or Part(usual, usual)
        spare = "keyword" if "keyword" in classes and queue.kind != "keyword" else ""
        known = self._names("priority", {"@sort": "order"}) if "priority" in classes else {}
        self._numbers = {**self._numbers, "priority": known}
        return Words(
            queue,
            Part.of(self.place.options.get("category", "")),
            Part.of(self.place.options.get("tags", spare)),
            Scale.of(self.priorities, known),
            (str(account["username"]), str(account["id"])),
        )


class NotingRoundupStore(RoundupStore):
    """The same where nobody but the desk's people sees an issue, so that a note is among themselves."""

    caps: ClassVar = replace(RoundupStore.caps, notes=True)


def _number(ref: str) -> str:
    if not (ref.isascii() and ref.isdecimal()):
        raise NotThere(f"issues of Roundup have numbers, not {ref[:40]!r}")
    return ref


def _zone(login: str) -> str:
    return (
        f"set the time zone of {login!r} in the tracker to UTC: Roundup reads the times in a question in the zone of "
        "whoever asks, and what falls between two zones would never be read"
    )
