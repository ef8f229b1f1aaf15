"""Request bodies of the API, and how they become a `Ticket`.

Texts from outside are made storable here and nowhere else: after this module every ticket can be stored and hashed.
"""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from deskyard.desk.changes import CHANGEABLE_FIELDS
from deskyard.domain.status import Status
from deskyard.domain.ticket import Ticket
from deskyard.text.dates import read_time
from deskyard.text.storable import storable
from service.api.api_model import ApiModel

MAX_TICKETS: Final = 1_000
"""Most tickets in one request to `/v1/score`."""


def _clean(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _clean(value)


def _scalar_as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and math.isfinite(value):
        return str(value)
    if isinstance(value, str | None):
        return _clean(value)
    raise ValueError("must be a text, a number, true or false")


Priority = Literal["low", "medium", "high", "critical"]
Text = Annotated[str, BeforeValidator(_clean)]
Name = Annotated[str, BeforeValidator(_number_as_text)]
FieldValue = Annotated[
    str | None, BeforeValidator(_scalar_as_text), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]


class NewTicket(ApiModel):
    """A ticket as its sender describes it. Every member is optional; unknown members are kept as fields."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "source": "mail",
                    "external_id": "4711",
                    "subject": "VPN drops",
                    "body": "Every ten minutes since today.",
                }
            ]
        },
    )

    source: Text | None = Field(None, max_length=100, description="Where it comes from; default `api`.")
    external_id: Name | None = Field(
        None, max_length=255, description="Its ID there. The same source and ID mean the same ticket."
    )
    subject: Text | None = None
    """Subject as the requester wrote it."""

    body: Text | None = Field(None, description="Plain text or HTML.")
    channel: Text | None = Field(None, description="mail, form, chat, phone, monitoring, ...")
    language: Text | None = None
    """Language of the text, if the sender knows it."""

    requester: Text | None = None
    """Person who needs help: a name or an address."""

    organisation: Text | None = None
    """Organisation of the requester."""

    created_at: Name | None = Field(
        None,
        description="When it was created, in any format that files may use; now if it is missing or unreadable (an "
        "unreadable value is kept as a field).",
    )
    fields: dict[Text, FieldValue] | None = Field(
        None, description="The desk's own fields, as known when the ticket was created."
    )

    @model_validator(mode="before")
    @classmethod
    def _clean_names(cls, raw: Any) -> Any:
        return {_clean(name): value for name, value in raw.items()} if isinstance(raw, dict) else raw

    def to_ticket(self) -> Ticket:
        """The ticket; `created_at` is None unless a readable time was sent."""
        return Ticket(
            id=self.external_id or "",
            source=self.source or "api",
            subject=self.subject or "",
            body=self.body or "",
            channel=self.channel or "",
            language=self.language or "",
            requester=self.requester or "",
            organisation=self.organisation or "",
            created_at=read_time(self.created_at or ""),
            fields={name: value for name, value in self._all_fields() if value is not None},
        )

    def _all_fields(self) -> Iterator[tuple[str, str | None]]:
        """The members of `fields` and unknown members; `x_product` is the field `product`, as in files."""
        yield from (self.fields or {}).items()
        if self.created_at and read_time(self.created_at) is None:
            yield "created_at", self.created_at
        for name, value in (self.model_extra or {}).items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield name.removeprefix("x_"), None if value is None else _clean(text)


class TicketPatch(ApiModel):
    """Changes of a ticket; members that are left out stay as they are, and null empties a field that may be empty."""

    model_config = ConfigDict(extra="forbid")

    queue: Text | None = Field(None, max_length=500)
    """Queue to move it to."""

    category: Text | None = Field(None, max_length=200)
    """Category to set; null clears it."""

    priority: Priority | None = None
    """Priority to set; null clears it."""

    assignee: Text | None = Field(None, max_length=200)
    """Agent to assign it to; null clears it."""

    status: Status | None = None
    """Status to set."""

    reason: Text | None = Field(None, max_length=1_000, description="The reason, for the ticket's history.")

    def changes(self) -> dict[str, str | None]:
        """The fields that were sent, with their new values."""
        return {name: getattr(self, name) for name in CHANGEABLE_FIELDS if name in self.model_fields_set}


class NewComment(ApiModel):
    """A comment to add to a ticket."""

    model_config = ConfigDict(extra="forbid")

    text: Text = Field(min_length=1, max_length=100_000)
    """Text of the comment."""

    public: bool = Field(False, description="Whether the requester may read it.")
    shared: bool = Field(
        False, description="Whether requesters with a similar question may see it; for public comments only."
    )


class PutQueue(ApiModel):
    """A queue to create or replace. A ticket that enters it gets the defaults, unless other values are set."""

    model_config = ConfigDict(extra="forbid")

    description: Text = Field("", max_length=10_000)
    """What the queue is for."""

    is_open: bool = Field(True, alias="open", description="A closed queue keeps its tickets and receives no new ones.")
    default_priority: Priority | None = None
    """Priority of tickets that have none when they enter."""

    default_assignee: Text | None = Field(None, max_length=200)
    """Agent of tickets that have none when they enter."""


class PutAgent(ApiModel):
    """An agent to create or replace."""

    model_config = ConfigDict(extra="forbid")

    present: bool = True
    """Whether tickets may be assigned to the agent."""

    queues: list[Text] = Field(default=[], max_length=10_000)
    """Queues that the agent serves."""


class ScoreRequest(ApiModel):
    """Tickets to score."""

    model_config = ConfigDict(extra="forbid")

    tickets: Annotated[list[NewTicket], Field(min_length=1, max_length=MAX_TICKETS)]
    """Tickets to score."""
