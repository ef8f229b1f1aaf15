"""Maps Zendesk's groups, agents, options, tickets and audits to our terms.

It takes rows of Zendesk's API and makes no requests. Rows that lack optional fields, or have unknown statuses or
priorities, are mapped all the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from deskyard.connectors.base.ticket_store import Move, StoredTicket, find_markers
from deskyard.connectors.base.unique_names import unique_names
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import PRIORITIES, Ticket

Row = Mapping[str, Any]
Rows = Sequence[Row]

VENDOR_PRIORITIES: Final = {"low": "low", "medium": "normal", "high": "high", "critical": "urgent"}
PRIORITY_LABELS: Final = {theirs: ours for ours, theirs in VENDOR_PRIORITIES.items()}
STATUSES: Final = {
    "new": "new", "open": "open", "pending": "waiting", "hold": "waiting", "solved": "resolved", "closed": "closed",
}  # fmt: skip

UNASSIGNABLE_ROLES: Final = (1, 3)
"""Role types (light agent, contributor) to which tickets can't be assigned."""


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """What the account has, by id: names of groups and agents, and the options of the category's field."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    me: int = 0
    groups: Mapping[int, str] = field(default_factory=dict)
    agents: Mapping[int, str] = field(default_factory=dict)
    category: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    former: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Deleted groups and inactive agents, which may still be the values of tickets."""

    def id_of(self, names: Mapping[int, str], name: str | None) -> int | None:
        """The id of a name; None for None. Raises KeyError."""
        return None if name is None else {label: number for number, label in names.items()}[name]

    def value(self, name: str, raw: Any) -> str | None:
        """The value of a field in an audit, in our terms."""
        if raw in (None, "", "-"):
            return None
        text = str(raw)
        if name in ("queue", "assignee"):
            names = self.groups if name == "queue" else self.agents
            number = int(text) if text.isdecimal() else 0
            return names.get(number) or self.former.get((name, number)) or f"#{text}"
        if name == "priority":
            return PRIORITY_LABELS.get(text)
        return STATUSES.get(text, "open") if name == "status" else self.options.get(text, text)

    def field_name(self, vendor_field: str) -> str | None:
        """Our name of a field in an audit; None for other fields."""
        if self.category is not None and vendor_field == str(self.category):
            return "category"
        return {"group_id": "queue", "assignee_id": "assignee", "priority": "priority", "status": "status"}.get(
            vendor_field
        )


def build_mapping(me: int, groups: Rows, users: Rows, memberships: Rows, category_field: Row | None) -> FieldMapping:
    """The mapping of an account; `category_field` is the ticket field of the category, if there is one."""
    queues = unique_names((row["id"], row.get("name")) for row in groups if not row.get("deleted"))
    agents = unique_names(
        (row["id"], row.get("email") or row.get("name")) for row in users if _takes_tickets(row) and row["id"] != me
    )
    served: dict[str, set[str]] = {name: set() for name in agents.values()}
    for row in memberships:
        if row.get("user_id") in agents and row.get("group_id") in queues:
            served[agents[row["user_id"]]].add(queues[row["group_id"]])
    chosen = (category_field or {}).get("custom_field_options") or ()
    options: dict[str, str] = unique_names((row["value"], row.get("name")) for row in chosen)
    former = {("queue", row["id"]): row.get("name") or "" for row in groups if row["id"] not in queues}
    former |= {("assignee", row["id"]): row.get("email") or "" for row in users if row["id"] not in agents}
    found = Catalogue(
        {name: {} for name in queues.values()},
        {name: tuple(sorted(own)) for name, own in served.items()},
        PRIORITIES,
        tuple(sorted(options.values())) if options or category_field is None else None,
    )
    return FieldMapping(found, me, queues, agents, category_field["id"] if category_field else None, options, former)


def _takes_tickets(row: Row) -> bool:
    present = row.get("active") is not False and not row.get("suspended")
    return present and row.get("role") in ("agent", "admin") and row.get("role_type") not in UNASSIGNABLE_ROLES


def to_stored_ticket(row: Row, sideloads: Mapping[str, Rows], audits: Rows, mapping: FieldMapping) -> StoredTicket:
    """A ticket as a stored ticket; `sideloads` are the users, groups and organisations returned with it."""
    users = {user["id"]: user.get("email") or user.get("name") for user in sideloads.get("users") or ()}
    groups = {group["id"]: group.get("name") for group in sideloads.get("groups") or ()}
    firms = {firm["id"]: firm.get("name") for firm in sideloads.get("organizations") or ()}
    custom = {one.get("id"): one.get("value") for one in row.get("custom_fields") or ()}
    requester = row.get("requester_id")
    created, updated = row.get("created_at"), row.get("updated_at")
    last = audits[-1] if audits else {}
    via = row.get("via") or {}
    return StoredTicket(
        ref=str(row["id"]),
        ticket=Ticket(
            id=str(row["id"]),
            source="zendesk",
            subject=row.get("subject") or row.get("raw_subject") or "",
            body=row.get("description") or "",
            channel=via.get("channel") or "",
            requester=users.get(requester) or ("" if requester is None else f"#{requester}"),
            organisation=firms.get(row.get("organization_id")) or "",
            created_at=datetime.fromisoformat(created) if created else None,
            fields={"recipient": row["recipient"]} if row.get("recipient") else {},
        ),
        version=f"{updated} {last.get('id', '')}".strip(),
        updated_at=datetime.fromisoformat(updated or created or ""),
        queue=_name_of(row.get("group_id"), mapping.groups, groups),
        category=mapping.value("category", custom.get(mapping.category)) if mapping.category is not None else None,
        priority=PRIORITY_LABELS.get(row.get("priority") or ""),
        assignee=_name_of(row.get("assignee_id"), mapping.agents, users),
        status=STATUSES.get(row.get("status") or "", "open"),
        tags=frozenset(row.get("tags") or ()),
        markers=find_markers(_internal_notes(audits)),
        last_change_by_deskyard=last.get("author_id") == mapping.me,
        set_by_people=frozenset(move.field for move, person in parse_moves(audits, mapping) if person),
        raw={"ticket": row, "audits": audits},
    )


def _name_of(key: int | None, known: Mapping[int, str], sideloads: Mapping[int, str | None]) -> str | None:
    return None if key is None else known.get(key) or sideloads.get(key) or f"#{key}"


def _internal_notes(audits: Rows) -> Iterator[str]:
    """The texts of internal notes alone, since requesters may quote a marker."""
    for event in (event for audit in audits for event in audit.get("events") or ()):
        if event.get("type") == "Comment" and event.get("public") is False:
            yield event.get("body") or ""


def parse_moves(audits: Iterable[Row], mapping: FieldMapping) -> Iterator[tuple[Move, bool]]:
    """The moves after filing, oldest first, each with whether a person made it (no trigger, no automation, not us)."""
    for audit in audits:
        for event in audit.get("events") or ():
            name = mapping.field_name(str(event.get("field_name"))) if event.get("type") == "Change" else None
            if name is None:
                continue
            via = event.get("via") or audit.get("via") or {}
            by_rule = via.get("channel") == "rule"
            author = audit.get("author_id")
            ours = author == mapping.me and not by_rule
            actor = _rule_name(via) if by_rule else mapping.value("assignee", author) or "nobody"
            was, became = (mapping.value(name, event.get(part)) for part in ("previous_value", "value"))
            move = Move(datetime.fromisoformat(audit["created_at"]), actor, name, was, became, ours)
            yield move, not ours and not by_rule and author is not None and author > 0


def _rule_name(via: Row) -> str:
    title = ((via.get("source") or {}).get("from") or {}).get("title")
    return f"rule {title}" if title else "rule"
