"""Maps the issues of a Roundup tracker to tickets: which properties are our fields, and what their values mean.

Attributes come in the form of REST with `@verbose=2`. Trackers are customised: only title, messages, and the dates and
people that every issue has are taken for granted.
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
"""Status of the classic tracker → ours; any other is open."""

PRIORITY_NAMES: Final = {
    "low": ("low", "minor", "wish"),
    "medium": ("medium", "normal", "bug"),
    "high": ("high", "major", "urgent"),
    "critical": ("critical", "blocker"),
}
"""Our priority → its usual names there, those of the classic tracker last."""

NO_VALUE: Final = "-1"
"""The value that empties a link: Roundup answers 200 to null and leaves the link as it is."""


@dataclass(frozen=True, slots=True)
class LinkedProperty:
    """A property of issues, and the class that it links to."""

    name: str
    kind: str

    @classmethod
    def parse(cls, text: str) -> "LinkedProperty | None":
        """The property of an option: `property`, or `property:class` if the names differ; None if it is empty."""
        name, _, kind = text.partition(":")
        return cls(name, kind or name) if name else None


@dataclass(frozen=True, slots=True)
class PriorityMapping:
    """Our priority → the tracker's, and the tracker's → ours."""

    to_vendor: Mapping[str, str]
    from_vendor: Mapping[str, str]

    @classmethod
    def build(cls, configured: Mapping[str, str], vendor_names: Collection[str]) -> "PriorityMapping":
        """The mapping for a tracker with these priorities, most urgent first. A priority between two of ours counts as
        the less urgent one.

        >>> PriorityMapping.build({}, ["critical", "urgent", "bug", "feature", "wish"]).from_vendor["feature"]
        'low'
        """
        usual = {
            word: next((name for name in names if name in vendor_names), "") for word, names in PRIORITY_NAMES.items()
        }
        to_vendor = {word: name for word, name in (configured or usual).items() if name in vendor_names}
        from_vendor: dict[str, str] = {}
        below = next((word for word in PRIORITIES if word in to_vendor), "")
        for name in reversed(list(vendor_names)):
            below = next((word for word, vendor_name in to_vendor.items() if vendor_name == name), below)
            from_vendor[name] = below
        ordered: dict[str, str] = {word: to_vendor[word] for word in PRIORITIES if word in to_vendor}
        return cls(ordered, {name: word for name, word in from_vendor.items() if word})


def parse_priorities(text: str) -> dict[str, str]:
    """The option `priorities`: our priority → the tracker's. Raises BadInput.

    >>> parse_priorities("low:wish,high:urgent")
    {'low': 'wish', 'high': 'urgent'}
    """
    found = dict(one.partition(":")[::2] for one in text.split(",") if one)
    if not found.keys() <= set(PRIORITIES) or not all(found.values()):
        raise BadInput(f"write priorities=low:NAME,medium:NAME,high:NAME,critical:NAME, not {text[:80]!r}")
    return found


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """The properties behind our fields, and our account (login and number)."""

    queue: LinkedProperty
    category: LinkedProperty | None
    tags: LinkedProperty | None
    priorities: PriorityMapping
    account: tuple[str, str]


def to_stored_ticket(
    ref: str, issue: Mapping[str, Any], messages: Mapping[str, Mapping[str, Any]], mapping: FieldMapping
) -> StoredTicket:
    """An issue as a stored ticket; `messages` are those that were read, by number."""
    parts = issue["attributes"]
    first = first_message(parts)
    own_messages = (messages[one] for one in link_numbers(parts.get("messages")) if one in messages)
    notes = (one["content"] for one in own_messages if link_number(one.get("author")) == mapping.account[1])
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
    """The number of the message with which an issue was filed: the first that is not younger than it; "" for none."""
    known = [one for one in attributes.get("messages") or () if (link_label(one) or "") <= attributes["creation"]]
    return str(min((int(one["id"]) for one in known), default=""))


def issue_version(attributes: Mapping[str, Any]) -> str:
    """A digest that changes with any attribute. ETags are missing in lists, and change with the password of a login."""
    plain = {name: _plain_value(value) for name, value in attributes.items() if name not in ("id", "link")}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:24]


def link_label(value: Any) -> str | None:
    """The label of a link; several links are joined, which gives a label that nothing else has."""
    names = link_labels(value)
    return " + ".join(names) or None


def link_labels(value: Any) -> list[str]:
    """The labels of a list of links."""
    found = value if isinstance(value, list) else [value] if value else []
    return sorted(next(str(text) for key, text in one.items() if key not in ("id", "link")) for one in found)


def link_number(value: Any) -> str:
    """The number of a link."""
    return str(value["id"]) if value else ""


def link_numbers(value: Any) -> list[str]:
    """The numbers of a list of links."""
    return [str(one["id"]) for one in value or ()]


def parse_moment(text: str) -> datetime:
    """A time of Roundup, in UTC.

    >>> parse_moment("2026-11-23.04:12:34").isoformat()
    '2026-11-23T04:12:34+00:00'
    """
    return datetime.strptime(text[:19], "%Y-%m-%d.%H:%M:%S").replace(tzinfo=UTC)


def link_value(attributes: Mapping[str, Any], prop: LinkedProperty, number: str | None, field: str) -> str | list[str]:
    """The value that links an issue to that number alone. Raises StoreRefused if it is linked to several."""
    value = attributes.get(prop.name)
    if not isinstance(value, list):
        return number or NO_VALUE
    if len(value) > 1:
        raise StoreRefused(field, f"the issue has several values of {prop.name}, which a person must resolve")
    return [number] if number else []


def _plain_value(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(link_number, value))
    return link_number(value) if isinstance(value, dict) else value
