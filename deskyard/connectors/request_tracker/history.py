"""What Request Tracker keeps of a ticket beside its present values: its history, and the texts in it.

In come lists of transactions and attachments, out go the ticket as it was filed, who set what since, and which notes of
ours it bears. RT's lists leave out what our account may not see without saying how much, so each is read to its end,
which is an empty answer.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from deskyard.connectors.base.http_client import Http
from deskyard.connectors.base.ticket_store import Move, StoredTicket, markers_in
from deskyard.domain.ticket import PRIORITIES, Ticket
from deskyard.errors import BadInput, StoreRefused

STATUSES: Final = {
    "new": "new", "open": "open", "stalled": "waiting", "resolved": "resolved", "rejected": "closed",
    "deleted": "closed",
}  # fmt: skip
"""RT's default lifecycle in our words; a status of one's own is open."""

SYSTEM: Final = "RT_System"
"""Who RT is in its own history: scrips, mail, and the owner whom a move takes away."""

_SET: Final = {"Queue": "queue", "Owner": "assignee", "Priority": "priority", "Status": "status"}
_TRANSACTION: Final = "Type,Field,OldValue,NewValue,Creator,Created,ObjectId"


@dataclass(frozen=True, slots=True)
class Scale:
    """Which of RT's numbers each of our priorities is, least urgent first."""

    numbers: Mapping[str, int]

    @classmethod
    def of(cls, text: str) -> Self:
        """What an option says. Raises BadInput.

        >>> Scale.of("low:10,high:80").word("79")
        'low'
        """
        numbers = {word: int(number) for word, number in re.findall(r"([a-z]+):([0-9]{1,9})(?=,|$)", text)}
        ordered = {word: numbers[word] for word in PRIORITIES if word in numbers}
        rising = list(ordered.values())
        written = ",".join(f"{word}:{number}" for word, number in numbers.items())
        if not ordered or written != text or len(ordered) != len(numbers) or rising != sorted(set(rising)):
            raise BadInput(f"write priorities=low:0,medium:50,high:100 with rising numbers, not {text[:80]!r}")
        return cls(ordered)

    @property
    def words(self) -> tuple[str, ...]:
        """The priorities that there are."""
        return tuple(self.numbers)

    def word(self, told: object) -> str | None:
        """Ours for RT's: the most urgent one whose number it reaches, as RT's own labels do."""
        try:
            number = float(str(told))
        except ValueError:
            word = str(told).casefold()
            return word if word in PRIORITIES else None
        reached = [word for word, least in self.numbers.items() if number >= least]
        return reached[-1] if reached else self.words[0]

    def number(self, word: str | None) -> int:
        """RT's for ours. Raises StoreRefused for what it has not."""
        if word is None or word not in self.numbers:
            raise StoreRefused("priority", f"a ticket of RT always has a priority, and {word!r} is none of them")
        return self.numbers[word]


@dataclass(frozen=True, slots=True)
class Words:
    """How one RT speaks: its priorities, the custom fields of category and tags, and our login."""

    scale: Scale
    category: str
    tags: str
    me: str


@dataclass(frozen=True, slots=True)
class Past:
    """One ticket's history, oldest first; `texts`: transaction → what was said, of the filing and of our notes."""

    steps: list[Mapping[str, Any]] = field(default_factory=list)
    texts: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""

    @property
    def version(self) -> str:
        """The last transaction's number, which is RT's ETag."""
        return str(max((int(step["id"]) for step in self.steps), default=0))

    def ours(self, me: str) -> bool:
        """Whether the last who did anything were we; what RT itself does in answer is nobody's doing."""
        done = [_who(step) for step in self.steps if _who(step) != SYSTEM]
        return bool(done) and done[-1] == me

    def filed(self, told: Mapping[str, Any]) -> tuple[str, str]:
        """Subject and body as they were filed."""
        changed = [step for step in self.steps if step["Type"] == "Set" and step["Field"] == "Subject"]
        subject = changed[0]["OldValue"] if changed else told.get("Subject")
        body = next((self.texts.get(step["id"], "") for step in self.steps if step["Type"] == "Create"), "")
        return str(subject or ""), body

    def changes(self, told: Mapping[str, Any], category: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(our field, transaction) for what was set after the filing. RT tells of an owner twice (SetWatcher)."""
        of_category = {str(one["id"]) for one in told.get("CustomFields") or () if one["name"] == category}
        for step in self.steps:
            if step["Type"] == "CustomField" and str(step["Field"]) in of_category:
                yield "category", step
            elif step["Type"] not in ("CustomField", "SetWatcher") and step["Field"] in _SET:
                yield _SET[step["Field"]], step


def pasts(http: Http, refs: Collection[str], me: str, last: str = "") -> dict[str, Past]:
    """The history of each of these tickets (fifty at most); `last`: the newest transaction, where it is known."""
    steps: dict[str, list[Mapping[str, Any]]] = {ref: [] for ref in refs}
    for step in _transactions(http, refs, int(last or 0)):
        if str(step["ObjectId"]) in steps:
            steps[str(step["ObjectId"])].append(step)
    wanted = [
        str(step["id"])
        for of_one in steps.values()
        for step in of_one
        if step["Type"] == "Create" or (step["Type"] == "Comment" and _who(step) == me)
    ]
    texts: dict[str, str] = {}
    channels: dict[str, str] = {}
    for part in sorted(_parts(http, wanted), key=lambda part: (part["ContentType"] != "text/plain", int(part["id"]))):
        of = str(part["TransactionId"])
        if came := re.search(r"^X-RT-Interface: *(\S+)", part["Headers"] or "", re.MULTILINE):
            channels.setdefault(of, came[1].lower())
        if part["ContentType"] in ("text/plain", "text/html"):
            texts.setdefault(of, str(part["Content"] or ""))
    return {
        ref: Past(of_one, texts, next((channels.get(one["id"], "") for one in of_one if one["Type"] == "Create"), ""))
        for ref, of_one in steps.items()
    }


def seen(ref: str, told: Mapping[str, Any], version: str, past: Past, words: Words) -> StoredTicket:
    """A ticket in our words."""
    subject, body = past.filed(told)
    last = {name: _who(step) for name, step in past.changes(told, words.category)}
    fields = {one["name"]: one["values"] for one in told.get("CustomFields") or ()}
    owner = told["Owner"]["id"]
    requesters = told.get("Requestor") or ()
    notes = (past.texts.get(step["id"], "") for step in past.steps if step["Type"] == "Comment")
    return StoredTicket(
        ref=ref,
        ticket=Ticket(
            id=ref,
            source="rt",
            subject=subject,
            body=body,
            channel=past.channel,
            requester=str(requesters[0]["id"]) if requesters else "",
            created_at=datetime.fromisoformat(told["Created"]),
        ),
        version=version,
        updated_at=datetime.fromisoformat(told["LastUpdated"]),
        queue=told["Queue"].get("Name") or None,
        category=next(iter(fields.get(words.category, ())), None),
        priority=words.scale.word(told.get("Priority")),
        assignee=None if owner == "Nobody" else owner,
        status=STATUSES.get(told.get("Status") or "", "open"),
        tags=frozenset(fields.get(words.tags, ())),
        markers=markers_in(notes),
        ours=past.ours(words.me),
        by_people=frozenset(name for name, who in last.items() if who not in (words.me, SYSTEM)),
        raw=told,
    )


def moves(told: Mapping[str, Any], past: Past, words: Words, named: Callable[[str, str], str]) -> list[Move]:
    """What was set after the filing; `named(kind, number)` says which queue or user a number is."""
    found = []
    for name, step in past.changes(told, words.category):
        was, became = (_said(name, step[key], words.scale, named) for key in ("OldValue", "NewValue"))
        if was != became:
            who = _who(step)
            found.append(Move(datetime.fromisoformat(step["Created"]), who, name, was, became, who == words.me))
    return found


def _said(name: str, value: Any, scale: Scale, named: Callable[[str, str], str]) -> str | None:
    if value in (None, ""):
        return None
    if name == "queue":
        return named("queue", str(value))
    if name == "assignee":
        login = named("user", str(value))
        return None if login == "Nobody" else login
    if name == "priority":
        return scale.word(value)
    return STATUSES.get(str(value), "open") if name == "status" else str(value)


def _transactions(http: Http, refs: Collection[str], last: int) -> Iterator[Mapping[str, Any]]:
    asked = [{"field": "ObjectType", "value": "RT::Ticket"}]
    asked += [{"field": "ObjectId", "value": ref} for ref in refs]
    params = {"fields": _TRANSACTION, "orderby": "id", "per_page": 100}
    after = 0
    while not last or after < last:
        beyond = {"field": "id", "operator": ">", "value": after}
        found = http.ask("POST", "/transactions", params=params, json=[*asked, beyond]).data["items"]
        if not found:
            return
        yield from found
        after = max(int(one["id"]) for one in found)


def _parts(http: Http, transactions: list[str]) -> Iterator[Mapping[str, Any]]:
    """What a mail's text may be in, and its envelope; never a file: files may be large. A list gives text as text,
    where an attachment asked for alone would come in base64."""
    params = {"fields": "TransactionId,ContentType,Headers,Content", "orderby": "id", "per_page": 100}
    for start in range(0, len(transactions), 20):
        asked: list[dict[str, Any]] = [
            {"field": "ContentType", "value": "text/plain"},
            {"field": "ContentType", "value": "text/html"},
            {"field": "ContentType", "operator": "STARTSWITH", "value": "multipart/"},
            {"field": "Filename", "operator": "IS", "value": "NULL"},
            *({"field": "TransactionId", "value": one} for one in transactions[start : start + 20]),
        ]
        after = 0
        while True:
            beyond: dict[str, Any] = {"field": "id", "operator": ">", "value": after}
            found = http.ask("POST", "/attachments", params=params, json=[*asked, beyond]).data["items"]
            yield from found
            if len(found) < 100:
                break
            after = max(int(one["id"]) for one in found)


def _who(step: Mapping[str, Any]) -> str:
    return str(step["Creator"]["id"])
