"""Maps a Jira issue to a ticket: the text as it was filed, the current values, and the changes since.

It needs the issue with its whole changelog and all comments, and the `JiraSite`; it makes no requests. What is missing
or unknown becomes empty.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from deskyard.connectors.base.ticket_store import Move, StoredTicket, find_markers
from deskyard.connectors.jira import adf
from deskyard.connectors.jira.site_catalogue import JiraSite, map_priority, map_status
from deskyard.domain.ticket import Ticket

ISSUE_FIELDS: Final = (
    "summary", "description", "created", "updated", "status", "resolution", "priority", "assignee", "reporter",
    "labels", "issuetype", "comment",
)  # fmt: skip
"""Fields that are read, beside those of queue and category."""

CHANNEL: Final = "request.channel.type"
"""The property in which a service project keeps the channel of a request."""

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """How issues are mapped: the site, the fields of queue and category ("": none), and the id of our account."""

    site: JiraSite
    queue: str
    category: str
    me: str


def to_stored_ticket(issue: Mapping[str, Any], mapping: FieldMapping) -> StoredTicket:
    """The issue as a stored ticket."""
    fields = _mapping(issue.get("fields"))
    ref = str(issue.get("key") or "")
    steps = list(_parse_changelog(issue, mapping))
    last = {step.move.field: step for step in steps}
    comments = _comments(fields)
    now = _current_values(fields, mapping)
    return StoredTicket(
        ref=ref,
        ticket=_as_filed(issue, fields, mapping),
        version=_issue_version(issue, fields, mapping),
        updated_at=parse_moment(fields.get("updated")) or _EPOCH,
        queue=now["queue"],
        category=now["category"],
        priority=now["priority"],
        assignee=now["assignee"],
        status=now["status"] or "",
        tags=frozenset(str(label) for label in _list(fields.get("labels"))),
        markers=find_markers(adf.adf_to_text(one.get("body")) for one in comments),
        last_change_by_deskyard=_last_changed_by(issue, comments) == mapping.me,
        set_by_people=frozenset(name for name, step in last.items() if step.by_person and name != "status"),
        raw=issue,
    )


def parse_moves(issue: Mapping[str, Any], mapping: FieldMapping) -> list[Move]:
    """The changes in its changelog, oldest first."""
    return [step.move for step in _parse_changelog(issue, mapping)]


def parse_moment(text: Any) -> datetime | None:
    """A time of Jira in UTC; None if it can't be parsed.

    >>> parse_moment("2026-11-23T10:03:11.123+0100")
    datetime.datetime(2026, 11, 23, 9, 3, 11, 123000, tzinfo=datetime.timezone.utc)
    """
    try:
        found = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def display_value(value: Any) -> str | None:
    """The value of a field as people see it; several values are separated by commas.

    >>> display_value([{"name": "Network"}]), display_value({"value": "VPN"}), display_value([]), display_value("x")
    ('Network', 'VPN', None, 'x')
    """
    if isinstance(value, list):
        return ", ".join(sorted(filter(None, map(display_value, value)))) or None
    if isinstance(value, Mapping):
        value = value.get("value") or value.get("name") or value.get("title")
    return str(value) if value else None


@dataclass(frozen=True, slots=True)
class _Step:
    move: Move
    by_person: bool


def _current_values(fields: Mapping[str, Any], mapping: FieldMapping) -> dict[str, str | None]:
    assignee = _mapping(fields.get("assignee"))
    return {
        "queue": _queue_value(fields.get(mapping.queue), mapping),
        "category": display_value(fields.get(mapping.category)) if mapping.category else None,
        "priority": map_priority(display_value(fields.get("priority"))),
        "assignee": mapping.site.person_name(assignee.get("accountId"), display_value(assignee.get("displayName"))),
        "status": map_status(fields.get("status"), fields.get("resolution")),
    }


def _queue_value(value: Any, mapping: FieldMapping) -> str | None:
    """The queue; some sites give only the id of a team."""
    if isinstance(value, str):
        return next((name for name, id_ in mapping.site.queues.items() if id_ == value), value)
    return display_value(value)


def _parse_changelog(issue: Mapping[str, Any], mapping: FieldMapping) -> Iterator[_Step]:
    """The changes in our terms, oldest first. They are computed backwards from the current values, since the changelog
    of a field with several values names only those that were added or removed."""
    entries = _changelog_entries(issue)
    now = _mapping(issue.get("fields"))
    several = {
        name: {str(display_value(one)) for one in _list(now.get(name))} for name in (mapping.queue, mapping.category)
    }
    found: list[_Step] = []
    for entry in reversed(entries):
        changed: dict[str, tuple[str | None, str | None]] = {}
        for item in _list(entry.get("items")):
            name, field = _changed_field(_mapping(item), mapping)
            if not name:
                continue
            if isinstance(now.get(field), list) and field == "components":
                became = changed[name][1] if name in changed else ", ".join(sorted(several[field])) or None
                several[field].discard(str(item.get("toString")))
                several[field] |= {str(item["fromString"])} if item.get("fromString") else set()
                changed[name] = ", ".join(sorted(several[field])) or None, became
            else:
                changed[name] = _changed_value(name, item, "from", mapping), _changed_value(name, item, "to", mapping)
        author = _mapping(entry.get("author"))
        account = str(author.get("accountId") or "")
        person = account != mapping.me and author.get("accountType") != "app"
        actor = mapping.site.person_name(account, display_value(author.get("displayName"))) or ""
        at = parse_moment(entry.get("created")) or _EPOCH
        for name, (was, became) in reversed(changed.items()):
            if was != became:
                found.append(_Step(Move(at, actor, name, was, became, account == mapping.me), person))
    yield from reversed(found)


def _changed_field(item: Mapping[str, Any], mapping: FieldMapping) -> tuple[str, str]:
    """Our field and Jira's id of the field that an entry changed; ("", "") for other fields. Old entries and those of
    apps give the name of the field without its id."""
    named = {str(item.get(name) or "").lower() for name in ("fieldId", "field")}
    known = {"priority": "priority", "assignee": "assignee", "status": "status"}
    known |= {mapping.category: "category"} if mapping.category else {}
    known |= {mapping.queue: "queue"}
    for number, ours in known.items():
        names = {number, mapping.site.fields.get(number, number).lower()}
        names |= {"component", "component/s"} if number == "components" else set()
        if named & names:
            return ours, number
    return "", ""


def _changed_value(field: str, item: Mapping[str, Any], end: str, mapping: FieldMapping) -> str | None:
    number, shown = item.get(end), item.get(f"{end}String")
    if field == "assignee":
        return mapping.site.person_name(str(number), display_value(shown)) if number else None
    if field == "status":
        return mapping.site.statuses.get(str(number)) or map_status({"name": shown}, None) or None
    return map_priority(display_value(shown)) if field == "priority" else display_value(shown)


def _as_filed(issue: Mapping[str, Any], fields: Mapping[str, Any], mapping: FieldMapping) -> Ticket:
    """The ticket as it was filed: later changes are undone with the changelog."""

    def first(name: str, now: str) -> str:
        known = {name, mapping.site.fields.get(name, name).lower()}
        for entry in _changelog_entries(issue):
            for item in map(_mapping, _list(entry.get("items"))):
                if known & {str(item.get(key) or "").lower() for key in ("fieldId", "field")}:
                    return str(item.get("fromString") or "")
        return now

    reporter = _mapping(fields.get("reporter"))
    channel = _mapping(_mapping(issue.get("properties")).get(CHANNEL)).get("value")
    request = _mapping(_mapping(fields.get(mapping.site.request_type)).get("requestType"))
    extra = {"project": str(issue.get("key") or "").rpartition("-")[0]}
    if "issuetype" not in (mapping.queue, mapping.category):
        extra["issue_type"] = first("issuetype", display_value(fields.get("issuetype")) or "")
    if mapping.site.request_type not in ("", mapping.queue, mapping.category):
        extra["request_type"] = first(mapping.site.request_type, display_value(request.get("name")) or "")
    organisations = _list(fields.get(mapping.site.organisations)) if mapping.site.organisations else []
    return Ticket(
        id=str(issue.get("key") or ""),
        source="jira",
        subject=first("summary", str(fields.get("summary") or "")),
        body=first("description", adf.adf_to_text(fields.get("description"))),
        channel=str(channel or ""),
        requester=str(reporter.get("emailAddress") or reporter.get("displayName") or ""),
        organisation=next(filter(None, map(display_value, organisations)), ""),
        created_at=parse_moment(fields.get("created")),
        fields={name: value for name, value in extra.items() if value},
    )


def _issue_version(issue: Mapping[str, Any], fields: Mapping[str, Any], mapping: FieldMapping) -> str:
    """A digest of the time of the last change and of what may change within the same millisecond."""
    watched = ["status", "resolution", "priority", "assignee", "labels", "summary", mapping.queue, mapping.category]
    comments = [(one.get("id"), one.get("updated")) for one in _comments(fields)]
    entries = [entry.get("id") for entry in _changelog_entries(issue)]
    parts = [fields.get("updated"), [fields.get(name) for name in watched], comments, entries]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:24]


def _last_changed_by(issue: Mapping[str, Any], comments: list[Mapping[str, Any]]) -> str:
    """The account that made the last change or comment; "" if there is none since it was filed."""
    changes = [(entry.get("created"), entry.get("id"), entry.get("author")) for entry in _changelog_entries(issue)]
    changes += [(one.get("updated"), one.get("id"), one.get("updateAuthor") or one.get("author")) for one in comments]
    latest = max(changes, key=lambda one: (parse_moment(one[0]) or _EPOCH, _to_int(one[1])), default=(None, None, None))
    return str(_mapping(latest[2]).get("accountId") or "")


def _changelog_entries(issue: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entries of the changelog, oldest first; Jira gives them in either order."""
    found = [_mapping(one) for one in _list(_mapping(issue.get("changelog")).get("histories"))]
    return sorted(found, key=lambda one: (parse_moment(one.get("created")) or _EPOCH, _to_int(one.get("id"))))


def _comments(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [_mapping(one) for one in _list(_mapping(fields.get("comment")).get("comments"))]


def _to_int(text: Any) -> int:
    return int(text) if str(text).isdecimal() else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
