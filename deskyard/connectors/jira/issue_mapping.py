"""A Jira issue in our words: the ticket as it was filed, what stands in it now, and who changed what since.

In come an issue as Jira gives it, with its whole changelog and all its comments, and the `Desk`; nothing is asked. What
an answer leaves out, or calls by a name that nobody knows, is empty here.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from deskyard.connectors.base.ticket_store import Move, StoredTicket, markers_in
from deskyard.connectors.jira import adf
from deskyard.connectors.jira.site_catalogue import Desk, priority_of, status_of
from deskyard.domain.ticket import Ticket

READ: Final = (
    "summary", "description", "created", "updated", "status", "resolution", "priority", "assignee", "reporter",
    "labels", "issuetype", "comment",
)  # fmt: skip
"""Fields that are read, beside those that stand for queue and category."""

CHANNEL: Final = "request.channel.type"
"""The property in which a service project keeps how a request came in."""

_NEVER: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Words:
    """How a site's words are read: what it has, the fields behind queue and category ("": none), and our account."""

    desk: Desk
    queue: str
    category: str
    me: str


def stored(issue: Mapping[str, Any], words: Words) -> StoredTicket:
    """The issue as a store gives it."""
    fields = _mapping(issue.get("fields"))
    ref = str(issue.get("key") or "")
    steps = list(_steps(issue, words))
    last = {step.move.field: step for step in steps}
    comments = _comments(fields)
    now = _now(fields, words)
    return StoredTicket(
        ref=ref,
        ticket=_filed(issue, fields, words),
        version=_version(issue, fields, words),
        updated_at=moment(fields.get("updated")) or _NEVER,
        queue=now["queue"],
        category=now["category"],
        priority=now["priority"],
        assignee=now["assignee"],
        status=now["status"] or "",
        tags=frozenset(str(label) for label in _list(fields.get("labels"))),
        markers=markers_in(adf.text(one.get("body")) for one in comments),
        ours=_last_hand(issue, comments) == words.me,
        by_people=frozenset(name for name, step in last.items() if step.by_person and name != "status"),
        raw=issue,
    )


def moves(issue: Mapping[str, Any], words: Words) -> list[Move]:
    """What its changelog tells, oldest first."""
    return [step.move for step in _steps(issue, words)]


def moment(text: Any) -> datetime | None:
    """A moment as Jira writes it.

    >>> moment("2026-11-23T10:03:11.123+0100")
    datetime.datetime(2026, 11, 23, 9, 3, 11, 123000, tzinfo=datetime.timezone.utc)
    """
    try:
        found = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def named(value: Any) -> str | None:
    """What people see of a field's value; several are parted by commas.

    >>> named([{"name": "Network"}]), named({"value": "VPN"}), named([]), named("x")
    ('Network', 'VPN', None, 'x')
    """
    if isinstance(value, list):
        return ", ".join(sorted(filter(None, map(named, value)))) or None
    if isinstance(value, Mapping):
        value = value.get("value") or value.get("name") or value.get("title")
    return str(value) if value else None


@dataclass(frozen=True, slots=True)
class _Step:
    move: Move
    by_person: bool


def _now(fields: Mapping[str, Any], words: Words) -> dict[str, str | None]:
    assignee = _mapping(fields.get("assignee"))
    return {
        "queue": _chosen(fields.get(words.queue), words),
        "category": named(fields.get(words.category)) if words.category else None,
        "priority": priority_of(named(fields.get("priority"))),
        "assignee": words.desk.person(assignee.get("accountId"), named(assignee.get("displayName"))),
        "status": status_of(fields.get("status"), fields.get("resolution")),
    }


def _chosen(value: Any, words: Words) -> str | None:
    """The queue; some sites show a team's id alone."""
    if isinstance(value, str):
        return next((name for name, wire in words.desk.queues.items() if wire == value), value)
    return named(value)


def _steps(issue: Mapping[str, Any], words: Words) -> Iterator[_Step]:
    """Each change in our words, oldest first, told backwards from what stands there now: of a field with several
    values the changelog names only those that came and went."""
    entries = _histories(issue)
    now = _mapping(issue.get("fields"))
    several = {name: {str(named(one)) for one in _list(now.get(name))} for name in (words.queue, words.category)}
    found: list[_Step] = []
    for entry in reversed(entries):
        changed: dict[str, tuple[str | None, str | None]] = {}
        for item in _list(entry.get("items")):
            ours, field = _field(_mapping(item), words)
            if not ours:
                continue
            if isinstance(now.get(field), list) and field == "components":
                became = changed[ours][1] if ours in changed else ", ".join(sorted(several[field])) or None
                several[field].discard(str(item.get("toString")))
                several[field] |= {str(item["fromString"])} if item.get("fromString") else set()
                changed[ours] = ", ".join(sorted(several[field])) or None, became
            else:
                changed[ours] = _word(ours, item, "from", words), _word(ours, item, "to", words)
        author = _mapping(entry.get("author"))
        account = str(author.get("accountId") or "")
        person = account != words.me and author.get("accountType") != "app"
        actor = words.desk.person(account, named(author.get("displayName"))) or ""
        at = moment(entry.get("created")) or _NEVER
        for ours, (was, became) in reversed(changed.items()):
            if was != became:
                found.append(_Step(Move(at, actor, ours, was, became, account == words.me), person))
    yield from reversed(found)


def _field(item: Mapping[str, Any], words: Words) -> tuple[str, str]:
    """Ours, and Jira's id, of what an entry changed; ("", "") for what we do not follow. Old entries and those of
    apps name the field without its id."""
    told = {str(item.get(name) or "").lower() for name in ("fieldId", "field")}
    known = {"priority": "priority", "assignee": "assignee", "status": "status"}
    known |= {words.category: "category"} if words.category else {}
    known |= {words.queue: "queue"}
    for number, ours in known.items():
        names = {number, words.desk.fields.get(number, number).lower()}
        names |= {"component", "component/s"} if number == "components" else set()
        if told & names:
            return ours, number
    return "", ""


def _word(ours: str, item: Mapping[str, Any], end: str, words: Words) -> str | None:
    number, shown = item.get(end), item.get(f"{end}String")
    if ours == "assignee":
        return words.desk.person(str(number), named(shown)) if number else None
    if ours == "status":
        return words.desk.statuses.get(str(number)) or status_of({"name": shown}, None) or None
    return priority_of(named(shown)) if ours == "priority" else named(shown)


def _filed(issue: Mapping[str, Any], fields: Mapping[str, Any], words: Words) -> Ticket:
    """What it was when it was filed: what was changed later is taken back by the changelog."""

    def first(name: str, now: str) -> str:
        known = {name, words.desk.fields.get(name, name).lower()}
        for entry in _histories(issue):
            for item in map(_mapping, _list(entry.get("items"))):
                if known & {str(item.get(told) or "").lower() for told in ("fieldId", "field")}:
                    return str(item.get("fromString") or "")
        return now

    reporter = _mapping(fields.get("reporter"))
    channel = _mapping(_mapping(issue.get("properties")).get(CHANNEL)).get("value")
    request = _mapping(_mapping(fields.get(words.desk.request_type)).get("requestType"))
    extra = {"project": str(issue.get("key") or "").rpartition("-")[0]}
    if "issuetype" not in (words.queue, words.category):
        extra["issue_type"] = first("issuetype", named(fields.get("issuetype")) or "")
    if words.desk.request_type not in ("", words.queue, words.category):
        extra["request_type"] = first(words.desk.request_type, named(request.get("name")) or "")
    organisations = _list(fields.get(words.desk.organisations)) if words.desk.organisations else []
    return Ticket(
        id=str(issue.get("key") or ""),
        source="jira",
        subject=first("summary", str(fields.get("summary") or "")),
        body=first("description", adf.text(fields.get("description"))),
        channel=str(channel or ""),
        requester=str(reporter.get("emailAddress") or reporter.get("displayName") or ""),
        organisation=next(filter(None, map(named, organisations)), ""),
        created_at=moment(fields.get("created")),
        fields={name: value for name, value in extra.items() if value},
    )


def _version(issue: Mapping[str, Any], fields: Mapping[str, Any], words: Words) -> str:
    """The moment of the last change, and a digest of what may change within the same millisecond."""
    watched = ["status", "resolution", "priority", "assignee", "labels", "summary", words.queue, words.category]
    comments = [(one.get("id"), one.get("updated")) for one in _comments(fields)]
    entries = [entry.get("id") for entry in _histories(issue)]
    whole = [fields.get("updated"), [fields.get(name) for name in watched], comments, entries]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:24]


def _last_hand(issue: Mapping[str, Any], comments: list[Mapping[str, Any]]) -> str:
    """The account that changed or commented it last; "" where nobody did since it was filed."""
    hands = [(entry.get("created"), entry.get("id"), entry.get("author")) for entry in _histories(issue)]
    hands += [(one.get("updated"), one.get("id"), one.get("updateAuthor") or one.get("author")) for one in comments]
    latest = max(hands, key=lambda hand: (moment(hand[0]) or _NEVER, _number(hand[1])), default=(None, None, None))
    return str(_mapping(latest[2]).get("accountId") or "")


def _histories(issue: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The changelog, oldest first; Jira gives it in either order."""
    found = [_mapping(one) for one in _list(_mapping(issue.get("changelog")).get("histories"))]
    return sorted(found, key=lambda one: (moment(one.get("created")) or _NEVER, _number(one.get("id"))))


def _comments(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [_mapping(one) for one in _list(_mapping(fields.get("comment")).get("comments"))]


def _number(text: Any) -> int:
    return int(text) if str(text).isdecimal() else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
