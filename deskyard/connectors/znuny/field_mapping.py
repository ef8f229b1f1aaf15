"""Maps Znuny's queues, agents, priorities, states and dynamic fields to our terms, by their numbers.

`build_mapping` makes a `FieldMapping`, with the `Catalogue`, from the response of the add-on's operation Catalogue. It
makes no requests; optional parts may be missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import PRIORITIES
from deskyard.errors import BadInput

Row = Mapping[str, Any]

SYSTEM_USER: Final = "1"
"""Znuny's own user, root@localhost: the owner of unassigned tickets, and the author of automatic changes."""

DEFAULT_PRIORITIES: Final = "low:2 low,low:1 very low,medium:3 normal,high:4 high,critical:5 very high"
"""Our priorities and Znuny's; of several for one of ours, the first is written."""

STATE_TYPES: Final = {
    "new": "new",
    "open": "open",
    "pending reminder": "waiting",
    "pending auto": "waiting",
    "closed": "closed",
    "removed": "closed",
    "merged": "closed",
}
"""Type of a state in Znuny → our status."""


@dataclass(frozen=True, slots=True)
class PriorityMapping:
    """Our priority → Znuny's, and Znuny's → ours."""

    to_vendor: Mapping[str, str]
    from_vendor: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> "PriorityMapping":
        """The mapping of an option. Raises BadInput.

        >>> PriorityMapping.parse("low:wenig,high:viel,high:sehr viel").from_vendor
        {'wenig': 'low', 'viel': 'high', 'sehr viel': 'high'}
        """
        to_vendor: dict[str, str] = {}
        from_vendor: dict[str, str] = {}
        for part in text.split(","):
            ours, _, theirs = (one.strip() for one in part.partition(":"))
            if ours not in PRIORITIES or not theirs:
                raise BadInput(f"priorities: write them as {DEFAULT_PRIORITIES}")
            to_vendor.setdefault(ours, theirs)
            from_vendor[theirs] = ours
        return cls(to_vendor, from_vendor)


@dataclass(frozen=True, slots=True)
class DynamicField:
    """A dynamic field of tickets: its type, and the values it may have (None: any)."""

    name: str
    kind: str
    values: tuple[str, ...] | None = None

    @property
    def is_multivalued(self) -> bool:
        """Whether it holds several separate values."""
        return self.kind == "Multiselect"


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """What the installation has, by number; `priorities` and `states` are in our terms."""

    version: str = ""
    me: str = ""
    login: str = ""
    zone: tzinfo = UTC
    queues: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[str, str] = field(default_factory=dict)
    priorities: Mapping[str, str | None] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    priority_ids: Mapping[str, str] = field(default_factory=dict)
    incomplete_queues: tuple[str, ...] = ()
    category: DynamicField | None = None
    tags: DynamicField | None = None
    catalogue: Catalogue = field(default_factory=Catalogue)

    def moment(self, text: str) -> datetime:
        """A time of Znuny, which is in its own time zone, in UTC."""
        return datetime.fromisoformat(text).replace(tzinfo=self.zone).astimezone(UTC)

    def value(self, name: str, number: object) -> str | None:
        """The value of a field in our terms by its number; the number itself if the name is unknown."""
        key = str(number)
        if name == "queue":
            return self.queues.get(key, f"#{key}")
        if name == "assignee":
            return None if key == SYSTEM_USER else self.agents.get(key, f"#{key}")
        return self.priorities.get(key) if name == "priority" else self.states.get(key, "open")


def build_mapping(reply: Row, priorities: PriorityMapping, category: str, tags: str) -> FieldMapping:
    """The mapping of an installation, from the response of the add-on's operation Catalogue."""
    queues = [one for one in reply.get("Queue") or () if one.get("Valid")]
    present = {
        str(one["UserID"]): str(one["UserLogin"])
        for one in reply.get("Agent") or ()
        if one.get("Valid") and not one.get("Away")
    }
    me = str(reply["User"]["UserID"])
    serves: dict[str, list[str]] = {}
    working = [one for one in queues if "rw" in (one.get("Permission") or ())]
    for queue in working:
        for number in (reply.get("Group") or {}).get(str(queue["GroupID"])) or ():
            if str(number) in present and str(number) not in (SYSTEM_USER, me):
                serves.setdefault(present[str(number)], []).append(str(queue["Name"]))
    fields = {str(one["Name"]): one for one in reply.get("DynamicField") or ()}
    kind = _parse_field(fields.get(category))
    valid = {str(one["Name"]): str(one["PriorityID"]) for one in reply.get("Priority") or () if one.get("Valid")}
    writes = {ours: valid[theirs] for ours, theirs in priorities.to_vendor.items() if theirs in valid}
    found = Catalogue(
        {str(one["Name"]): {} for one in working},
        {login: tuple(sorted(own)) for login, own in serves.items()},
        tuple(name for name in PRIORITIES if name in writes),
        kind.values if kind else (),
    )
    return FieldMapping(
        version=f"{reply.get('Product') or 'Znuny'} {reply.get('Version') or ''}".strip(),
        me=me,
        login=str(reply["User"]["UserLogin"]),
        zone=_parse_zone(str(reply.get("TimeZone") or "UTC")),
        queues={str(one["QueueID"]): str(one["Name"]) for one in reply.get("Queue") or ()},
        agents={str(one["UserID"]): str(one["UserLogin"]) for one in reply.get("Agent") or ()},
        priorities={
            str(one["PriorityID"]): priorities.from_vendor.get(str(one["Name"])) for one in reply.get("Priority") or ()
        },
        states={str(one["StateID"]): STATE_TYPES.get(str(one["Type"]), "open") for one in reply.get("State") or ()},
        channels={str(key): str(name).lower() for key, name in (reply.get("Channel") or {}).items()},
        priority_ids=writes,
        incomplete_queues=tuple(
            str(one["Name"]) for one in queues if "ro" in (one.get("Permission") or ()) and one not in working
        ),
        category=kind,
        tags=_parse_field(fields.get(tags)),
        catalogue=found,
    )


def _parse_field(row: Row | None) -> DynamicField | None:
    if not row:
        return None
    values = row.get("Value")
    return DynamicField(str(row["Name"]), str(row.get("Type")), tuple(map(str, values)) if values is not None else None)


def _parse_zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadInput(f"Znuny's time zone {name!r} is not known here: install the package tzdata") from error
