"""How one Roundup tracker speaks: which properties of its issues are our fields, and what their values mean to us.

In come attributes as REST gives them (`@verbose=2`), out go tickets. Trackers are made to measure: nothing but title,
messages and the four dates and people of every issue is taken for granted.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from deskyard.connectors.base.ticket_store import StoredTicket, find_markers
from deskyard.domain.ticket import PRIORITIES, Ticket
from deskyard.errors import BadInput, StoreRefused

STATUSES: Final = {
    "unread": "new", "new": "new", "deferred": "waiting", "need-eg": "waiting", "pending": "waiting",
    "done-cbb": "resolved", "resolved": "resolved", "closed": "closed",
}  # fmt: skip
"""The classic tracker's statuses in our words; any other is open."""

PRIORITY_NAMES: Final = {
    "low": ("low", "minor", "wish"),
    "medium": ("medium", "normal", "bug"),
    "high": ("high", "major", "urgent"),
    "critical": ("critical", "blocker"),
}
"""What our priorities are usually called there, the classic tracker's names last."""

NO_VALUE: Final = "-1"
"""How a link is emptied: Roundup answers 200 to null and leaves the link as it is."""


@dataclass(frozen=True, slots=True)
class LinkedProperty:
    """A property of issues and the class that it links to."""

    name: str
    kind: str

    @classmethod
    def parse(cls, text: str) -> "LinkedProperty | None":
        """What an option says: `property`, or `property:class` where they are called differently."""
        name, _, kind = text.partition(":")
        return cls(name, kind or name) if name else None


@dataclass(frozen=True, slots=True)
class PriorityMapping:
    """Our priorities in the tracker's words, and the tracker's in ours."""

    to_vendor: Mapping[str, str]
    from_vendor: Mapping[str, str]

    @classmethod
    def build(cls, configured: Mapping[str, str], vendor_names: Collection[str]) -> "PriorityMapping":
        """For a tracker that has these priorities, most urgent first. What lies between two of ours counts as the less
        urgent.

        >>> PriorityMapping.of({}, ["critical", "urgent", "bug", "feature", "wish"]).ours["feature"]
        'low'
        """
        usual = {
            word: next((name for name in names if name in vendor_names), "") for word, names in PRIORITY_NAMES.items()
        }
        theirs = {word: name for word, name in (configured or usual).items() if name in vendor_names}
        ours: dict[str, str] = {}
        below = next((word for word in PRIORITIES if word in theirs), "")
        for name in reversed(list(vendor_names)):
            below = next((word for word, told in theirs.items() if told == name), below)
            ours[name] = below
        ordered: dict[str, str] = {word: theirs[word] for word in PRIORITIES if word in theirs}
        return cls(ordered, {name: word for name, word in ours.items() if word})


def parse_priorities(text: str) -> dict[str, str]:
    """What the option `parse_priorities` says. Raises BadInput.

    >>> parse_priorities("low:wish,high:urgent")
    {'low': 'wish', 'high': 'urgent'}
    """
    found = dict(one.partition(":")[::2] for one in text.split(",") if one)
    if not found.keys() <= set(PRIORITIES) or not all(found.values()):
        raise BadInput(f"write priorities=low:NAME,medium:NAME,high:NAME,critical:NAME, not {text[:80]!r}")
    return found


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Which property is what, and who we are there (login and number)."""

    queue: LinkedProperty
    category: LinkedProperty | None
    tags: LinkedProperty | None
    priorities: PriorityMapping
    account: tuple[str, str]


def to_stored_ticket(
    ref: str, issue: Mapping[str, Any], messages: Mapping[str, Mapping[str, Any]], mapping: FieldMapping
) -> StoredTicket:
    """An issue in our words; `said`: its messages that were read, by number."""
    parts = issue["attributes"]
    first = first_message(parts)
    mine = (messages[one] for one in link_numbers(parts.get("messages")) if one in messages)
    notes = (one["content"] for one in mine if link_number(one.get("author")) == mapping.account[1])
    status = link_label(parts.get("status"))
    return StoredTicket(
        ref=ref,
        ticket=Ticket(
            id=ref,
            source="roundup",
            subject=parts.get("title") or "",
            body=str(messages.get(first, {}).get("content") or ""),
            requester=link_label(parts.get("creator")) or "",
            created_at=parse_moment(parts["creation"]),
        ),
        version=issue_version(parts),
        updated_at=parse_moment(parts["activity"]),
        queue=link_label(parts.get(mapping.queue.name)),
        category=link_label(parts.get(mapping.category.name)) if mapping.category else None,
        priority=mapping.priorities.from_vendor.get(link_label(parts.get("priority")) or ""),
        assignee=link_label(parts.get("assignedto")),
        status=STATUSES.get(status, "open") if status else "new",
        tags=frozenset(link_labels(parts.get(mapping.tags.name))) if mapping.tags else frozenset(),
        markers=find_markers(str(note or "") for note in notes),
        last_change_by_deskyard=link_number(parts.get("actor")) == mapping.account[1],
        raw=issue,
    )


def first_message(attributes: Mapping[str, Any]) -> str:
    """The number of the message with which an issue was filed, "" for none: the first that is no younger than it."""
    known = [one for one in attributes.get("messages") or () if (link_label(one) or "") <= attributes["creation"]]
    return str(min((int(one["id"]) for one in known), default=""))


def issue_version(attributes: Mapping[str, Any]) -> str:
    """What changes with any attribute. A list of issues shows no ETag, and an ETag changes with a login's password."""
    plain = {name: _plain_value(value) for name, value in attributes.items() if name not in ("id", "link")}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:24]


def link_label(value: Any) -> str | None:
    """What a link is called; a list of several is all of them together, which is no name that anything has."""
    names = link_labels(value)
    return " + ".join(names) or None


def link_labels(value: Any) -> list[str]:
    """What each of a list of links is called."""
    found = value if isinstance(value, list) else [value] if value else []
    return sorted(next(str(text) for key, text in one.items() if key not in ("id", "link")) for one in found)


def link_number(value: Any) -> str:
    """The number of a link."""
    return str(value["id"]) if value else ""


def link_numbers(value: Any) -> list[str]:
    """The numbers of a list of links."""
    return [str(one["id"]) for one in value or ()]


def parse_moment(text: str) -> datetime:
    """A moment as Roundup writes it, in UTC.

    >>> parse_moment("2026-11-23.04:12:34").isoformat()
    '2026-11-23T04:12:34+00:00'
    """
    return datetime.strptime(text[:19], "%Y-%m-%d.%H:%M:%S").replace(tzinfo=UTC)


def link_value(attributes: Mapping[str, Any], prop: LinkedProperty, number: str | None, field: str) -> str | list[str]:
    """What is written to link an issue to that number alone. Raises StoreRefused where it is linked to several."""
    value = attributes.get(prop.name)
    if not isinstance(value, list):
        return number or NO_VALUE
    if len(value) > 1:
        raise StoreRefused(field, f"the issue has several values of {prop.name}, which a person must sort out")
    return [number] if number else []


def _plain_value(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(link_number, value))
    return link_number(value) if isinstance(value, dict) else value
