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

from deskyard.connectors.base.ticket_store import StoredTicket, markers_in
from deskyard.domain.ticket import PRIORITIES, Ticket
from deskyard.errors import BadInput, StoreRefused

STATUSES: Final = {
    "unread": "new", "new": "new", "deferred": "waiting", "need-eg": "waiting", "pending": "waiting",
    "done-cbb": "resolved", "resolved": "resolved", "closed": "closed",
}  # fmt: skip
"""The classic tracker's statuses in our words; any other is open."""

USUAL: Final = {
    "low": ("low", "minor", "wish"),
    "medium": ("medium", "normal", "bug"),
    "high": ("high", "major", "urgent"),
    "critical": ("critical", "blocker"),
}
"""What our priorities are usually called there, the classic tracker's names last."""

NONE: Final = "-1"
"""How a link is emptied: Roundup answers 200 to null and leaves the link as it is."""


@dataclass(frozen=True, slots=True)
class Part:
    """A property of issues and the class that it links to."""

    name: str
    kind: str

    @classmethod
    def of(cls, text: str) -> "Part | None":
        """What an option says: `property`, or `property:class` where they are called differently."""
        name, _, kind = text.partition(":")
        return cls(name, kind or name) if name else None


@dataclass(frozen=True, slots=True)
class Scale:
    """Our priorities in the tracker's words, and the tracker's in ours."""

    theirs: Mapping[str, str]
    ours: Mapping[str, str]

    @classmethod
    def of(cls, wanted: Mapping[str, str], known: Collection[str]) -> "Scale":
        """For a tracker that has these priorities, most urgent first. What lies between two of ours counts as the less
        urgent.

        >>> Scale.of({}, ["critical", "urgent", "bug", "feature", "wish"]).ours["feature"]
        'low'
        """
        usual = {word: next((name for name in names if name in known), "") for word, names in USUAL.items()}
        theirs = {word: name for word, name in (wanted or usual).items() if name in known}
        ours: dict[str, str] = {}
        below = next((word for word in PRIORITIES if word in theirs), "")
        for name in reversed(list(known)):
            below = next((word for word, told in theirs.items() if told == name), below)
            ours[name] = below
        ordered: dict[str, str] = {word: theirs[word] for word in PRIORITIES if word in theirs}
        return cls(ordered, {name: word for name, word in ours.items() if word})


def priorities(text: str) -> dict[str, str]:
    """What the option `priorities` says. Raises BadInput.

    >>> priorities("low:wish,high:urgent")
    {'low': 'wish', 'high': 'urgent'}
    """
    found = dict(one.partition(":")[::2] for one in text.split(",") if one)
    if not found.keys() <= set(PRIORITIES) or not all(found.values()):
        raise BadInput(f"write priorities=low:NAME,medium:NAME,high:NAME,critical:NAME, not {text[:80]!r}")
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """Which property is what, and who we are there (login and number)."""

    queue: Part
    category: Part | None
    tags: Part | None
    scale: Scale
    me: tuple[str, str]


def seen(ref: str, found: Mapping[str, Any], said: Mapping[str, Mapping[str, Any]], words: Words) -> StoredTicket:
    """An issue in our words; `said`: its messages that were read, by number."""
    parts = found["attributes"]
    first = filing(parts)
    mine = (said[one] for one in numbers(parts.get("messages")) if one in said)
    notes = (one["content"] for one in mine if number(one.get("author")) == words.me[1])
    status = label(parts.get("status"))
    return StoredTicket(
        ref=ref,
        ticket=Ticket(
            id=ref,
            source="roundup",
            subject=parts.get("title") or "",
            body=str(said.get(first, {}).get("content") or ""),
            requester=label(parts.get("creator")) or "",
            created_at=moment(parts["creation"]),
        ),
        version=version(parts),
        updated_at=moment(parts["activity"]),
        queue=label(parts.get(words.queue.name)),
        category=label(parts.get(words.category.name)) if words.category else None,
        priority=words.scale.ours.get(label(parts.get("priority")) or ""),
        assignee=label(parts.get("assignedto")),
        status=STATUSES.get(status, "open") if status else "new",
        tags=frozenset(labels(parts.get(words.tags.name))) if words.tags else frozenset(),
        markers=markers_in(str(note or "") for note in notes),
        ours=number(parts.get("actor")) == words.me[1],
        raw=found,
    )


def filing(parts: Mapping[str, Any]) -> str:
    """The number of the message with which an issue was filed, "" for none: the first that is no younger than it."""
    known = [one for one in parts.get("messages") or () if (label(one) or "") <= parts["creation"]]
    return str(min((int(one["id"]) for one in known), default=""))


def version(parts: Mapping[str, Any]) -> str:
    """What changes with any attribute. A list of issues shows no ETag, and an ETag changes with a login's password."""
    plain = {name: _plain(value) for name, value in parts.items() if name not in ("id", "link")}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:24]


def label(value: Any) -> str | None:
    """What a link is called; a list of several is all of them together, which is no name that anything has."""
    names = labels(value)
    return " + ".join(names) or None


def labels(value: Any) -> list[str]:
    """What each of a list of links is called."""
    found = value if isinstance(value, list) else [value] if value else []
    return sorted(next(str(text) for key, text in one.items() if key not in ("id", "link")) for one in found)


def number(value: Any) -> str:
    """The number of a link."""
    return str(value["id"]) if value else ""


def numbers(value: Any) -> list[str]:
    """The numbers of a list of links."""
    return [str(one["id"]) for one in value or ()]


def moment(text: str) -> datetime:
    """A moment as Roundup writes it, in UTC.

    >>> moment("2026-11-23.04:12:34").isoformat()
    '2026-11-23T04:12:34+00:00'
    """
    return datetime.strptime(text[:19], "%Y-%m-%d.%H:%M:%S").replace(tzinfo=UTC)


def linked(parts: Mapping[str, Any], part: Part, wanted: str | None, field: str) -> str | list[str]:
    """What is written to link an issue to that number alone. Raises StoreRefused where it is linked to several."""
    value = parts.get(part.name)
    if not isinstance(value, list):
        return wanted or NONE
    if len(value) > 1:
        raise StoreRefused(field, f"the issue has several values of {part.name}, which a person must sort out")
    return [wanted] if wanted else []


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(number, value))
    return number(value) if isinstance(value, dict) else value
