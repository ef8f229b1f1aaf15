"""A ticket as it was filed. Nothing that became known later belongs here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, get_args

Target = Literal["category", "priority", "queue", "assignee"]
"""What is predicted."""

TARGETS: Final[tuple[Target, ...]] = get_args(Target)

PRIORITIES: Final = ("low", "medium", "high", "critical")
"""The labels of the target `priority`, least urgent first."""

_NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One request for help as it was filed.

    `id` names the ticket in its `source` (the store or file that it came from); together they are unique. Every text
    may be empty. `created_at` has a time zone. `fields` are the desk's own structured values known at filing (column
    `x_product` of a history is the field `product`).
    """

    id: str
    source: str = "desk"
    subject: str = ""
    body: str = ""
    channel: str = ""
    language: str = ""
    requester: str = ""
    organisation: str = ""
    created_at: datetime | None = None
    fields: Mapping[str, str] = field(default_factory=lambda: _NO_FIELDS)

    @property
    def blank(self) -> bool:
        """Whether subject and body are empty."""
        return not (self.subject.strip() or self.body.strip())


PLACING_TARGETS: Final[tuple[Target, ...]] = ("queue", "category")
"""The targets that can place a ticket in a queue, in order of precedence."""
