"""Maps a ticket of Znuny to our terms: the text as filed, the current values, and the moves.

It takes rows of Znuny's operations TicketGet and TicketHistoryGet and makes no requests. Rows that lack optional
fields, or have unknown states, are mapped all the same.
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
"""Type of a history line → our field, and the column with its value after the change."""

_DYNAMIC: Final = re.compile(r"%%FieldName%%(.*?)%%Value%%(.*?)(?:%%OldValue%%.*)?", re.DOTALL)
_LAST_NUMBER: Final = re.compile(r"%%([0-9]+)(?:%%)?$")


def to_stored_ticket(row: Row, history: Sequence[Row], mapping: FieldMapping) -> StoredTicket:
    """A stored ticket from a row with articles and its history."""
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
    version_parts = [
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
        version=sha256("\x00".join(map(str, version_parts)).encode()).hexdigest()[:24],
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
    """The moves after the ticket was filed, each with the number of the user who made it.

    The value before a move is taken from the line before, not from the line itself, whose value was read before the
    change and may be outdated.
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
    """Values that people set and that our write replaced: field → their value.

    These are values that our write replaced and that had not been seen; and values in a person's line after ours while
    the ticket has our value, which happens when both wrote at once: theirs was first, and their line came last.
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
    """The tags in a dynamic field: a list, or a text with commas.

    >>> sorted(parse_tags("vip, late")), sorted(parse_tags(["vip"])), sorted(parse_tags(None))
    (['late', 'vip'], ['vip'], [])
    """
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return frozenset(text for part in parts if (text := str(part).strip()))


def _parse_change(line: Row, mapping: FieldMapping) -> tuple[str, str | None]:
    """The field that a line changes, and its new value; an empty name for any other line."""
    kind, text = str(line.get("HistoryType")), str(line.get("Name") or "")
    if kind == "TicketDynamicFieldUpdate" and mapping.category:
        found = _DYNAMIC.fullmatch(text)
        return ("category", found[2] or None) if found and found[1] == mapping.category.name else ("", None)
    if kind not in CHANGE_TYPES:
        return "", None
    name, key = CHANGE_TYPES[kind]
    # The columns of owner and priority were read after the change; the text of the line has the value that was set.
    in_text = _LAST_NUMBER.search(text) if name in ("assignee", "priority") else None
    return name, mapping.value(name, in_text[1] if in_text else line.get(key))


def _first_article(row: Row, articles: Sequence[Row]) -> Row:
    """The article with which the ticket was filed; articles of a ticket that was merged into it may be older."""
    own = [one for one in articles if str(one.get("CreateTime") or "") >= str(row.get("Created") or "")]
    return next(iter(own or articles), {})


def _organisation_at_filing(row: Row, history: Sequence[Row]) -> str:
    """The number of the customer at the time of filing: the first one in the history."""
    for line in history:
        if line.get("HistoryType") == "CustomerUpdate":
            found = re.search(r"CustomerID=([^;]*)", str(line.get("Name") or ""))
            if found:
                return found[1]
    return str(row.get("CustomerID") or "")


def _single_value(value: object) -> str | None:
    values = value if isinstance(value, list) else [value]
    return next((str(one) for one in values if one not in (None, "")), None)
