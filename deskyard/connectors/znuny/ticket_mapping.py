"""A ticket of Znuny in our words: as it was filed, as it stands, and who changed what of it.

In come rows as Znuny's operations TicketGet and TicketHistoryGet write them; out go values of `contract`. Nothing here
asks anybody, and a row that lacks an optional field, or names a state nobody knows, is read all the same.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from email.utils import parseaddr
from hashlib import sha256
from typing import Final

from deskyard.connectors.base.ticket_store import FieldValues, Move, StoredTicket, find_markers
from deskyard.connectors.znuny.field_mapping import STATE_TYPES, SYSTEM_USER, FieldMapping, Row
from deskyard.domain.ticket import Ticket

CHANGE_TYPES: Final = {
    "Move": ("queue", "QueueID"),
    "OwnerUpdate": ("assignee", "OwnerID"),
    "PriorityUpdate": ("priority", "PriorityID"),
    "StateUpdate": ("status", "StateID"),
}
"""Lines of a history that tell of a change: our field, and what the ticket has of it from then on."""

_DYNAMIC: Final = re.compile(r"%%FieldName%%(.*?)%%Value%%(.*?)(?:%%OldValue%%.*)?", re.DOTALL)
_LAST_NUMBER: Final = re.compile(r"%%([0-9]+)(?:%%)?$")


def to_stored_ticket(row: Row, history: Sequence[Row], mapping: FieldMapping) -> StoredTicket:
    """A ticket of its row (with articles) and its history."""
    ref = str(row["TicketID"])
    articles = row.get("Article") or ()
    first = _first_article(row, articles)
    fields = {str(one.get("Name")): one.get("Value") for one in row.get("DynamicField") or ()}
    moved = list(parse_moves(history, mapping))
    last = {move.field: (move, by) for move, by in moved}
    values = {
        "queue": str(row["Queue"]) if row.get("Queue") else mapping.value("queue", row.get("QueueID")),
        "category": _single_value(fields.get(mapping.category.name)) if mapping.category else None,
        "priority": mapping.value("priority", row.get("PriorityID")),
        "assignee": mapping.value("assignee", row.get("OwnerID", SYSTEM_USER)),
    }
    status = STATE_TYPES.get(str(row.get("StateType")), "open")
    tags = parse_tags(fields.get(mapping.tags.name)) if mapping.tags else frozenset()
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
            channel=mapping.channels.get(str(first.get("CommunicationChannelID")), ""),
            requester=parseaddr(str(first.get("From") or ""))[1] or str(row.get("CustomerUserID") or ""),
            organisation=_organisation_at_filing(row, history),
            created_at=mapping.moment(str(row["Created"])),
        ),
        version=sha256("\x00".join(map(str, marks)).encode()).hexdigest()[:24],
        updated_at=mapping.moment(str(row["Changed"])),
        **values,
        status=status,
        tags=tags,
        markers=find_markers(
            str(one.get("Body") or "") for one in articles if not int(one.get("IsVisibleForCustomer") or 0)
        ),
        last_change_by_deskyard=bool(mapping.me) and str(row.get("ChangeBy")) == mapping.me,
        set_by_people=frozenset(name for name, (_, by) in last.items() if by not in (SYSTEM_USER, mapping.me)),
        raw={**{name: value for name, value in row.items() if name != "Article"}, "History": history},
    )


def parse_moves(history: Iterable[Row], mapping: FieldMapping) -> Iterator[tuple[Move, str]]:
    """What changed after the ticket was filed, with the number of whoever did it.

    What a field was before is what the line before left of it, and not what the line says of it: that was read before
    the change, and somebody may have been quicker.
    """
    now: dict[str, str | None] = {}
    for line in history:
        if not now:
            now = {name: mapping.value(name, line.get(key)) for name, key in CHANGE_TYPES.values()}
        name, became = _parse_change(line, mapping)
        if name and now.get(name) != became:
            by = str(line.get("CreateBy"))
            actor = mapping.agents.get(by, f"#{by}")
            yield (
                Move(mapping.moment(str(line["CreateTime"])), actor, name, now.get(name), became, by == mapping.me),
                by,
            )
        if name:
            now[name] = became


def find_overwritten(
    seen: StoredTicket, now: StoredTicket, values: FieldValues, mapping: FieldMapping
) -> dict[str, str | None]:
    """What people set that our writing of these values stands over: field → their value.

    It is what our write found standing that had not been seen; and what a person's line after ours says while our value
    stands, for the two writes met: theirs was first, and their line came last.
    """
    theirs: dict[str, str | None] = {}
    for move, by in parse_moves(now.raw.get("History") or (), mapping):
        name = move.field
        if name not in values:
            continue
        if move.by_deskyard and move.became == values[name]:
            theirs.pop(name, None)
            if move.was not in (seen.value(name), move.became):
                theirs[name] = move.was
        elif by not in (SYSTEM_USER, mapping.me) and now.value(name) == values[name]:
            theirs[name] = move.became
    return {name: value for name, value in theirs.items() if value != values[name]}


def parse_tags(value: object) -> frozenset[str]:
    """The tags that a dynamic field holds: a list, or a text with commas.

    >>> sorted(parse_tags("vip, late")), sorted(parse_tags(["vip"])), sorted(parse_tags(None))
    (['late', 'vip'], ['vip'], [])
    """
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return frozenset(text for part in parts if (text := str(part).strip()))


def _parse_change(line: Row, mapping: FieldMapping) -> tuple[str, str | None]:
    """Our field that a line tells the change of, and what it became; an empty name for any other line."""
    kind, told = str(line.get("HistoryType")), str(line.get("Name") or "")
    if kind == "TicketDynamicFieldUpdate" and mapping.category:
        found = _DYNAMIC.fullmatch(told)
        return ("category", found[2] or None) if found and found[1] == mapping.category.name else ("", None)
    if kind not in CHANGE_TYPES:
        return "", None
    name, key = CHANGE_TYPES[kind]
    # Owner and priority stand in the line as they were read after the change; its text says what was set.
    said = _LAST_NUMBER.search(told) if name in ("assignee", "priority") else None
    return name, mapping.value(name, said[1] if said else line.get(key))


def _first_article(row: Row, articles: Sequence[Row]) -> Row:
    """What the ticket was filed with; articles of a ticket that was merged into it later are older than itself."""
    own = [one for one in articles if str(one.get("CreateTime") or "") >= str(row.get("Created") or "")]
    return next(iter(own or articles), {})


def _organisation_at_filing(row: Row, history: Sequence[Row]) -> str:
    """The customer's number at the filing: the first that the history names."""
    for line in history:
        if line.get("HistoryType") == "CustomerUpdate":
            found = re.search(r"CustomerID=([^;]*)", str(line.get("Name") or ""))
            if found:
                return found[1]
    return str(row.get("CustomerID") or "")


def _single_value(value: object) -> str | None:
    values = value if isinstance(value, list) else [value]
    return next((str(one) for one in values if one not in (None, "")), None)
