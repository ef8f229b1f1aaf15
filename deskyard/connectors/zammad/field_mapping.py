"""Maps Zammad's groups, agents, priorities, states, tickets and histories to our terms.

It takes rows of Zammad's API and makes no requests. Rows that lack optional fields, or have unknown states or
priorities, are mapped all the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from deskyard.connectors.base.ticket_store import Move, StoredTicket, find_markers
from deskyard.connectors.base.unique_names import unique_names
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import PRIORITIES, Ticket

Row = Mapping[str, Any]
Rows = Sequence[Row]

NOBODY_ID: Final = 1
"""Zammad's own user "-": the owner of unassigned tickets, and the author of what triggers do."""

PRIORITY_NAMES: Final = {
    "very low": "low", "lowest": "low", "low": "low", "normal": "medium", "medium": "medium", "high": "high",
    "very high": "critical", "highest": "critical", "urgent": "critical", "critical": "critical",
    "emergency": "critical", "immediate": "critical", "низкий": "low", "нормальный": "medium", "средний": "medium",
    "высокий": "high", "срочный": "critical", "критический": "critical",
}  # fmt: skip
STATE_TYPES: Final = {
    "new": "new", "open": "open", "pending reminder": "waiting", "pending action": "waiting", "closed": "closed",
    "merged": "closed", "removed": "closed",
}  # fmt: skip
STATE_TYPES_BY_ID: Final = dict(enumerate(STATE_TYPES, 1))
FIELD_ATTRIBUTES: Final = {"group": "queue", "owner": "assignee", "priority": "priority", "state": "status"}
NOTIFICATION_TYPES: Final = ("notification", "email")
"""Types of history entries about sent mail, which are not changes."""


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """What the installation has, by number; `priority_ids`: our priority → the id that is written."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    me: int = 0
    groups: Mapping[int, str] = field(default_factory=dict)
    users: Mapping[int, str] = field(default_factory=dict)
    priorities: Mapping[int, str | None] = field(default_factory=dict)
    priority_ids: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[int, str] = field(default_factory=dict)
    category: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str, number: int | None, raw: Any) -> str | None:
        """The value of a field in our terms, from its number or Zammad's name of it."""
        text = str(raw) if raw not in (None, "", "-") else None
        key = number or 0
        if name == "queue":
            return self.groups.get(key) or text
        if name == "assignee":
            return None if key == NOBODY_ID else self.users.get(key) or text
        if name == "priority":
            return self.priorities[key] if key in self.priorities else map_priority(text or "")
        if name == "status":
            return self.states.get(key) or STATE_TYPES.get(text or "", "open")
        return None if text is None else self.options.get(text, text)


def map_priority(name: str) -> str | None:
    """Our priority for the name of one of Zammad's; None if it is unknown.

    >>> map_priority("2 normal"), map_priority("4 Urgent"), map_priority("VIP")
    ('medium', 'critical', None)
    """
    return PRIORITY_NAMES.get(re.sub(r"^[0-9]+[\\s.:)-]*", "", name).strip().lower())


def build_mapping(me: int, tables: Mapping[str, Rows], category_attribute: Row | None, today: date) -> FieldMapping:
    """The mapping of an installation; `tables` are its groups, users, roles, priorities and states."""
    queues = {row["id"]: str(row.get("name") or f"#{row['id']}") for row in tables["groups"]}
    is_open = {row["id"] for row in tables["groups"] if row.get("active") is not False}
    roles = {row["id"]: full_access_groups(row) for row in tables["roles"]}
    agents = {}
    for row in tables["users"]:
        if row["id"] not in (NOBODY_ID, me) and _is_present(row, today):
            own = full_access_groups(row).union(*(roles.get(role, set()) for role in row.get("role_ids") or ()))
            agents[str(row["login"])] = tuple(sorted(queues[number] for number in own & is_open))
    known = {row["id"]: map_priority(row.get("name") or "") for row in tables["priorities"]}
    writes: dict[str, int] = {}
    for row in tables["priorities"]:
        ours = known[row["id"]]
        if ours and row.get("active") is not False:
            writes.setdefault(ours, row["id"])
    options = _category_options(category_attribute)
    found = Catalogue(
        {queues[number]: {} for number in is_open},
        {name: own for name, own in agents.items() if own},
        tuple(name for name in PRIORITIES if name in writes),
        tuple(sorted(options.values())) if options else None,
    )
    users = {row["id"]: str(row["login"]) for row in tables["users"] if row.get("login")}
    states = {row["id"]: _map_status(row) for row in tables["states"]}
    return FieldMapping(
        found, me, queues, users, known, writes, states, (category_attribute or {}).get("name") or "", options
    )


def full_access_groups(row: Row) -> set[int]:
    """The groups to which a user or role has full access, which is required to own their tickets."""
    own = row.get("group_ids") or {}
    if not isinstance(own, dict):
        return set(own)
    return {int(number) for number, rights in own.items() if "full" in rights}


def _is_present(row: Row, today: date) -> bool:
    away = bool(row.get("out_of_office"))
    first, last = row.get("out_of_office_start_at"), row.get("out_of_office_end_at")
    if away and first and last:
        away = date.fromisoformat(first[:10]) <= today <= date.fromisoformat(last[:10])
    return bool(row.get("login")) and row.get("active") is not False and not away


def _map_status(row: Row) -> str:
    kind = row.get("state_type") or STATE_TYPES_BY_ID.get(row.get("state_type_id") or 0)
    return STATE_TYPES.get(str(kind), "open")


def _category_options(category_attribute: Row | None) -> dict[str, str]:
    """Value → display name; for a tree, the path to the value."""
    chosen = ((category_attribute or {}).get("data_option") or {}).get("options") or {}
    if isinstance(chosen, dict):
        return unique_names((str(value), str(shown)) for value, shown in chosen.items())
    return {value: value for value in _leaf_values(chosen)}


def _leaf_values(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield str(row.get("value"))
        yield from _leaf_values(row.get("children") or ())


def to_stored_ticket(
    row: Row, articles: Rows, tags: Iterable[str], history: Mapping[str, Any], mapping: FieldMapping
) -> StoredTicket:
    """A ticket with its articles, tags and history as a stored ticket."""
    first = min(articles, key=lambda one: one["id"], default={})
    changes = [one for one in history.get("history") or () if one.get("type") not in NOTIFICATION_TYPES]
    last = changes[-1].get("created_by_id") if changes else row.get("updated_by_id")
    created, updated = row.get("created_at"), row.get("updated_at")
    value = mapping.value
    return StoredTicket(
        ref=str(row["id"]),
        ticket=Ticket(
            id=str(row["id"]),
            source="zammad",
            subject=row.get("title") or "",
            body=first.get("body") or "",
            channel=first.get("type") or row.get("create_article_type") or "",
            requester=row.get("customer") or "",
            organisation=row.get("organization") or "",
            created_at=datetime.fromisoformat(created) if created else None,
            fields={"number": str(row["number"])} if row.get("number") else {},
        ),
        version=f"{updated} {len(articles)}",
        updated_at=datetime.fromisoformat(updated or created or ""),
        queue=value("queue", row.get("group_id"), row.get("group")),
        category=value("category", None, row.get(mapping.category)) if mapping.category else None,
        priority=value("priority", row.get("priority_id"), row.get("priority")),
        assignee=value("assignee", row.get("owner_id"), row.get("owner")),
        status=value("status", row.get("state_id"), row.get("state")) or "open",
        tags=frozenset(tags),
        markers=find_markers(one.get("body") or "" for one in articles if one.get("internal")),
        last_change_by_deskyard=last == mapping.me,
        set_by_people=frozenset(move.field for move, person in parse_moves(history, mapping) if person),
        raw={"ticket": row, "articles": articles, "history": history},
    )


def parse_moves(history: Mapping[str, Any], mapping: FieldMapping) -> Iterator[tuple[Move, bool]]:
    """The moves after filing, oldest first, each with whether a person made it (no trigger, no scheduler, not us)."""
    names = FIELD_ATTRIBUTES | ({mapping.category: "category"} if mapping.category else {})
    users = (history.get("assets") or {}).get("User") or {}
    logins = {int(key): str(one.get("login") or "") for key, one in users.items()} | dict(mapping.users)
    for one in history.get("history") or ():
        name = names.get(one.get("attribute")) if one.get("type") == "updated" else None
        if name is None or one.get("object") != "Ticket":
            continue
        source, by = one.get("sourceable_type"), one.get("created_by_id")
        was, became = (_changed_value(one, name, end, mapping, logins) for end in ("from", "to"))
        actor = f"{source} {one.get('sourceable_name') or ''}".strip() if source else logins.get(by or 0) or f"#{by}"
        ours = by == mapping.me and not source
        person = not ours and not source and by not in (None, NOBODY_ID)
        yield Move(datetime.fromisoformat(one["created_at"]), actor, name, was, became, ours), person


def _changed_value(one: Row, name: str, end: str, mapping: FieldMapping, logins: Mapping[int, str]) -> str | None:
    """The value before ("from") or after ("to") an entry. Entries have full names of people, which become logins."""
    number, text = one.get(f"id_{end}"), one.get(f"value_{end}")
    if name == "assignee":
        text = logins.get(number or 0) or text
    return mapping.value(name, number, text)
