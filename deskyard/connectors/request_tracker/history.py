"""Reads the history of tickets in Request Tracker: transactions, the text as filed, moves, and our notes.

RT's lists leave out what our account may not see without saying how much, so each is read until a page is empty.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from deskyard.connectors.base.http_client import HttpClient
from deskyard.connectors.base.ticket_store import Move, StoredTicket, find_markers
from deskyard.domain.ticket import PRIORITIES, Ticket
from deskyard.errors import BadInput, StoreRefused

STATUSES: Final = {
    "new": "new", "open": "open", "stalled": "waiting", "resolved": "resolved", "rejected": "closed",
    "deleted": "closed",
}  # fmt: skip
"""Status of RT's default lifecycle → ours; any other is open."""

SYSTEM_USER: Final = "RT_System"
"""RT's own user in the history: scrips, mail, and owners that are removed when a ticket is moved."""

_CHANGED_FIELDS: Final = {"Queue": "queue", "Owner": "assignee", "Priority": "priority", "Status": "status"}
_TRANSACTION_FIELDS: Final = "Type,Field,OldValue,NewValue,Creator,Created,ObjectId"


@dataclass(frozen=True, slots=True)
class PriorityMapping:
    """Our priority → RT's number, least urgent first."""

    numbers: Mapping[str, int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The mapping of an option. Raises BadInput.

        >>> PriorityMapping.parse("low:10,high:80").from_vendor("79")
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
    def labels(self) -> tuple[str, ...]:
        """The priorities that are mapped."""
        return tuple(self.numbers)

    def from_vendor(self, value: object) -> str | None:
        """Our priority for RT's: the most urgent one whose number it reaches, as with RT's own labels; None if it is
        unknown."""
        try:
            number = float(str(value))
        except ValueError:
            word = str(value).casefold()
            return word if word in PRIORITIES else None
        reached = [word for word, least in self.numbers.items() if number >= least]
        return reached[-1] if reached else self.labels[0]

    def to_vendor(self, label: str | None) -> int:
        """RT's number for our priority. Raises StoreRefused for one that is not mapped."""
        if label is None or label not in self.numbers:
            raise StoreRefused("priority", f"tickets of RT always have a priority, and {label!r} is not one of them")
        return self.numbers[label]


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """The priorities of an RT, the custom fields of category and tags, and our login."""

    priorities: PriorityMapping
    category: str
    tags: str
    account: str


@dataclass(frozen=True, slots=True)
class TicketTransactions:
    """The history of a ticket, oldest first; `texts`: transaction → its text, for the filing and our notes."""

    transactions: list[Mapping[str, Any]] = field(default_factory=list)
    texts: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""

    @property
    def version(self) -> str:
        """The number of the last transaction, which is RT's ETag."""
        return str(max((int(step["id"]) for step in self.transactions), default=0))

    def is_last_ours(self, account: str) -> bool:
        """Whether the last transaction is ours, apart from those of RT itself."""
        creators = [_creator(step) for step in self.transactions if _creator(step) != SYSTEM_USER]
        return bool(creators) and creators[-1] == account

    def filed_text(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """Subject and body as filed."""
        changed = [step for step in self.transactions if step["Type"] == "Set" and step["Field"] == "Subject"]
        subject = changed[0]["OldValue"] if changed else row.get("Subject")
        body = next((self.texts.get(step["id"], "") for step in self.transactions if step["Type"] == "Create"), "")
        return str(subject or ""), body

    def field_changes(self, row: Mapping[str, Any], category: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(our field, transaction) for values set after the filing. RT records an owner twice (also as SetWatcher)."""
        of_category = {str(one["id"]) for one in row.get("CustomFields") or () if one["name"] == category}
        for step in self.transactions:
            if step["Type"] == "CustomField" and str(step["Field"]) in of_category:
                yield "category", step
            elif step["Type"] not in ("CustomField", "SetWatcher") and step["Field"] in _CHANGED_FIELDS:
                yield _CHANGED_FIELDS[step["Field"]], step


def fetch_transactions(
    http: HttpClient, refs: Collection[str], account: str, last: str = ""
) -> dict[str, TicketTransactions]:
    """Ref → history, for at most fifty tickets; `last` is the newest transaction, if known."""
    steps: dict[str, list[Mapping[str, Any]]] = {ref: [] for ref in refs}
    for step in _fetch_transaction_rows(http, refs, int(last or 0)):
        if str(step["ObjectId"]) in steps:
            steps[str(step["ObjectId"])].append(step)
    with_text = [
        str(step["id"])
        for of_one in steps.values()
        for step in of_one
        if step["Type"] == "Create" or (step["Type"] == "Comment" and _creator(step) == account)
    ]
    texts: dict[str, str] = {}
    channels: dict[str, str] = {}
    for part in sorted(
        _fetch_attachments(http, with_text), key=lambda part: (part["ContentType"] != "text/plain", int(part["id"]))
    ):
        transaction = str(part["TransactionId"])
        if interface := re.search(r"^X-RT-Interface: *(\S+)", part["Headers"] or "", re.MULTILINE):
            channels.setdefault(transaction, interface[1].lower())
        if part["ContentType"] in ("text/plain", "text/html"):
            texts.setdefault(transaction, str(part["Content"] or ""))
    return {
        ref: TicketTransactions(
            of_one, texts, next((channels.get(one["id"], "") for one in of_one if one["Type"] == "Create"), "")
        )
        for ref, of_one in steps.items()
    }


def to_stored_ticket(
    ref: str, row: Mapping[str, Any], version: str, history: TicketTransactions, mapping: FieldMapping
) -> StoredTicket:
    """A ticket as a stored ticket."""
    subject, body = history.filed_text(row)
    last = {name: _creator(step) for name, step in history.field_changes(row, mapping.category)}
    fields = {one["name"]: one["values"] for one in row.get("CustomFields") or ()}
    owner = row["Owner"]["id"]
    requesters = row.get("Requestor") or ()
    notes = (history.texts.get(step["id"], "") for step in history.transactions if step["Type"] == "Comment")
    return StoredTicket(
        ref=ref,
        ticket=Ticket(
            id=ref,
            source="rt",
            subject=subject,
            body=body,
            channel=history.channel,
            requester=str(requesters[0]["id"]) if requesters else "",
            created_at=datetime.fromisoformat(row["Created"]),
        ),
        version=version,
        updated_at=datetime.fromisoformat(row["LastUpdated"]),
        queue=row["Queue"].get("Name") or None,
        category=next(iter(fields.get(mapping.category, ())), None),
        priority=mapping.priorities.from_vendor(row.get("Priority")),
        assignee=None if owner == "Nobody" else owner,
        status=STATUSES.get(row.get("Status") or "", "open"),
        tags=frozenset(fields.get(mapping.tags, ())),
        markers=find_markers(notes),
        last_change_by_deskyard=history.is_last_ours(mapping.account),
        set_by_people=frozenset(name for name, who in last.items() if who not in (mapping.account, SYSTEM_USER)),
        raw=row,
    )


def parse_moves(
    row: Mapping[str, Any], history: TicketTransactions, mapping: FieldMapping, named: Callable[[str, str], str]
) -> list[Move]:
    """The moves after the filing; `named(kind, number)` returns the name of a queue or user."""
    found = []
    for name, step in history.field_changes(row, mapping.category):
        was, became = (_changed_value(name, step[key], mapping.priorities, named) for key in ("OldValue", "NewValue"))
        if was != became:
            who = _creator(step)
            found.append(Move(datetime.fromisoformat(step["Created"]), who, name, was, became, who == mapping.account))
    return found


def _changed_value(name: str, value: Any, priorities: PriorityMapping, named: Callable[[str, str], str]) -> str | None:
    if value in (None, ""):
        return None
    if name == "queue":
        return named("queue", str(value))
    if name == "assignee":
        login = named("user", str(value))
        return None if login == "Nobody" else login
    if name == "priority":
        return priorities.from_vendor(value)
    return STATUSES.get(str(value), "open") if name == "status" else str(value)


def _fetch_transaction_rows(http: HttpClient, refs: Collection[str], last: int) -> Iterator[Mapping[str, Any]]:
    filters = [{"field": "ObjectType", "value": "RT::Ticket"}]
    filters += [{"field": "ObjectId", "value": ref} for ref in refs]
    params = {"fields": _TRANSACTION_FIELDS, "orderby": "id", "per_page": 100}
    after = 0
    while not last or after < last:
        beyond = {"field": "id", "operator": ">", "value": after}
        found = http.query("POST", "/transactions", params=params, json=[*filters, beyond]).data["items"]
        if not found:
            return
        yield from found
        after = max(int(one["id"]) for one in found)


def _fetch_attachments(http: HttpClient, transactions: list[str]) -> Iterator[Mapping[str, Any]]:
    """The parts of mails that may hold their texts and headers, but no files, which may be large. Lists give text as
    text, whereas a single attachment would come in base64."""
    params = {"fields": "TransactionId,ContentType,Headers,Content", "orderby": "id", "per_page": 100}
    for start in range(0, len(transactions), 20):
        filters: list[dict[str, Any]] = [
            {"field": "ContentType", "value": "text/plain"},
            {"field": "ContentType", "value": "text/html"},
            {"field": "ContentType", "operator": "STARTSWITH", "value": "multipart/"},
            {"field": "Filename", "operator": "IS", "value": "NULL"},
            *({"field": "TransactionId", "value": one} for one in transactions[start : start + 20]),
        ]
        after = 0
        while True:
            beyond: dict[str, Any] = {"field": "id", "operator": ">", "value": after}
            found = http.query("POST", "/attachments", params=params, json=[*filters, beyond]).data["items"]
            yield from found
            if len(found) < 100:
                break
            after = max(int(one["id"]) for one in found)


def _creator(step: Mapping[str, Any]) -> str:
    return str(step["Creator"]["id"])
