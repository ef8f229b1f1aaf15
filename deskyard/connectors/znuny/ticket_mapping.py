"""A ticket of Znuny in our words: as it was filed, as it stands, and who changed what of it.

In come rows as Znuny's operations TicketGet and TicketHistoryGet write them; out go values of `contract`. Nothing here
asks anybody, and a row that lacks an optional field, or names a state nobody knows, is read all the same.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from email.utils import parseaddr
from hashlib import sha256
from typing import Final

from deskyard.connectors.base.ticket_store import Move, StoredTicket, Values, markers_in
from deskyard.connectors.znuny.field_mapping import STATES, SYSTEM, Book, Row
from deskyard.domain.ticket import Ticket

MOVES: Final = {
    "Move": ("queue", "QueueID"),
    "OwnerUpdate": ("assignee", "OwnerID"),
    "PriorityUpdate": ("priority", "PriorityID"),
    "StateUpdate": ("status", "StateID"),
}
"""Lines of a history that tell of a change: our field, and what the ticket has of it from then on."""

_DYNAMIC: Final = re.compile(r"%%FieldName%%(.*?)%%Value%%(.*?)(?:%%OldValue%%.*)?", re.DOTALL)
_LAST_NUMBER: Final = re.compile(r"%%([0-9]+)(?:%%)?$")


def stored(row: Row, history: Sequence[Row], book: Book) -> StoredTicket:
    """A ticket of its row (with articles) and its history."""
    ref = str(row["TicketID"])
    articles = row.get("Article") or ()
    first = _first(row, articles)
    fields = {str(one.get("Name")): one.get("Value") for one in row.get("DynamicField") or ()}
    moved = list(moves(history, book))
    last = {move.field: (move, by) for move, by in moved}
    values = {
        "queue": str(row["Queue"]) if row.get("Queue") else book.value("queue", row.get("QueueID")),
        "category": _one(fields.get(book.category.name)) if book.category else None,
        "priority": book.value("priority", row.get("PriorityID")),
        "assignee": book.value("assignee", row.get("OwnerID", SYSTEM)),
    }
    status = STATES.get(str(row.get("StateType")), "open")
    tags = tags_in(fields.get(book.tags.name)) if book.tags else frozenset()
    marks = [
        *values.values(),
        status,
        *sorted(tags),
        row.get("Changed"),
        row.get("ChangeBy"),
        len(articles),
        len(moved),
    ]
    return StoredTicket(
        ref=ref,
        ticket=Ticket(
            id=ref,
            source="znuny",
            subject=str(first.get("Subject") or row.get("Title") or ""),
            body=str(first.get("Body") or ""),
            channel=book.channels.get(str(first.get("CommunicationChannelID")), ""),
            requester=parseaddr(str(first.get("From") or ""))[1] or str(row.get("CustomerUserID") or ""),
            organisation=_organisation(row, history),
            created_at=book.moment(str(row["Created"])),
        ),
        version=sha256("\x00".join(map(str, marks)).encode()).hexdigest()[:24],
        updated_at=book.moment(str(row["Changed"])),
        **values,
        status=status,
        tags=tags,
        markers=markers_in(
            str(one.get("Body") or "") for one in articles if not int(one.get("IsVisibleForCustomer") or 0)
        ),
        ours=bool(book.me) and str(row.get("ChangeBy")) == book.me,
        by_people=frozenset(name for name, (_, by) in last.items() if by not in (SYSTEM, book.me)),
        raw={**{name: value for name, value in row.items() if name != "Article"}, "History": history},
    )


def moves(history: Iterable[Row], book: Book) -> Iterator[tuple[Move, str]]:
    """What changed after the ticket was filed, with the number of whoever did it.

    What a field was before is what the line before left of it, and not what the line says of it: that was read before
    the change, and somebody may have been quicker.
    """
    now: dict[str, str | None] = {}
    for line in history:
        if not now:
            now = {name: book.value(name, line.get(key)) for name, key in MOVES.values()}
        name, became = _change(line, book)
        if name and now.get(name) != became:
            by = str(line.get("CreateBy"))
            actor = book.agents.get(by, f"#{by}")
            yield Move(book.moment(str(line["CreateTime"])), actor, name, now.get(name), became, by == book.me), by
        if name:
            now[name] = became


def overrun(seen: StoredTicket, now: StoredTicket, values: Values, book: Book) -> dict[str, str | None]:
    """What people set that our writing of these values stands over: field → their value.

    It is what our write found standing that had not been seen; and what a person's line after ours says while our value
    stands, for the two writes met: theirs was first, and their line came last.
    """
    theirs: dict[str, str | None] = {}
    for move, by in moves(now.raw.get("History") or (), book):
        name = move.field
        if name not in values:
            continue
        if move.ours and move.became == values[name]:
            theirs.pop(name, None)
            if move.was not in (seen.value(name), move.became):
                theirs[name] = move.was
        elif by not in (SYSTEM, book.me) and now.value(name) == values[name]:
            theirs[name] = move.became
    return {name: value for name, value in theirs.items() if value != values[name]}


def tags_in(value: object) -> frozenset[str]:
    """The tags that a dynamic field holds: a list, or a text with commas.

    >>> sorted(tags_in("vip, late")), sorted(tags_in(["vip"])), sorted(tags_in(None))
    (['late', 'vip'], ['vip'], [])
    """
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return frozenset(text for part in parts if (text := str(part).strip()))


def _change(line: Row, book: Book) -> tuple[str, str | None]:
    """Our field that a line tells the change of, and what it became; an empty name for any other line."""
    kind, told = str(line.get("HistoryType")), str(line.get("Name") or "")
    if kind == "TicketDynamicFieldUpdate" and book.category:
        found = _DYNAMIC.fullmatch(told)
        return ("category", found[2] or None) if found and found[1] == book.category.name else ("", None)
    if kind not in MOVES:
        return "", None
    name, key = MOVES[kind]
    # Owner and priority stand in the line as they were read after the change; its text says what was set.
    said = _LAST_NUMBER.search(told) if name in ("assignee", "priority") else None
    return name, book.value(name, said[1] if said else line.get(key))


def _first(row: Row, articles: Sequence[Row]) -> Row:
    """What the ticket was filed with; articles of a ticket that was merged into it later are older than itself."""
    own = [one for one in articles if str(one.get("CreateTime") or "") >= str(row.get("Created") or "")]
    return next(iter(own or articles), {})


def _organisation(row: Row, history: Sequence[Row]) -> str:
    """The customer's number at the filing: the first that the history names."""
    for line in history:
        if line.get("HistoryType") == "CustomerUpdate":
            found = re.search(r"CustomerID=([^;]*)", str(line.get("Name") or ""))
            if found:
                return found[1]
    return str(row.get("CustomerID") or "")


def _one(value: object) -> str | None:
    values = value if isinstance(value, list) else [value]
    return next((str(one) for one in values if one not in (None, "")), None)
