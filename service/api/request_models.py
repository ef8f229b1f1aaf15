"""What the API takes, as JSON, and how it becomes a `Ticket`.

The one place where texts from outside become storable: beyond it every ticket can be kept and hashed as it stands.
"""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from deskyard.desk.changes import CHANGEABLE_FIELDS
from deskyard.domain.status import Status
from deskyard.domain.ticket import Ticket
from deskyard.text.dates import read_time
from deskyard.text.storable import storable

MAX_TICKETS: Final = 1_000
"""Tickets in one request for scores."""


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
    raise ValueError("write a text, a number, true or false")


Priority = Literal["low", "medium", "high", "critical"]
Text = Annotated[str, BeforeValidator(_clean)]
Name = Annotated[str, BeforeValidator(_number_as_text)]
FieldValue = Annotated[
    str | None, BeforeValidator(_scalar_as_text), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]


class NewTicket(BaseModel):
    """A ticket as its sender describes it. Everything may be missing; a member not known here is kept as a field."""

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

    source: Text | None = Field(None, max_length=100, description="Where it comes from; `api` when left out.")
    external_id: Name | None = Field(
        None, max_length=255, description="Its name there. The same source and name again is the same ticket."
    )
    subject: Text | None = None
    body: Text | None = Field(None, description="Plain text or HTML.")
    channel: Text | None = Field(None, description="mail, form, chat, phone, monitoring, ...")
    language: Text | None = None
    requester: Text | None = None
    organisation: Text | None = None
    created_at: Name | None = Field(
        None, description="When it was filed, as files may say it; now when left out or not readable (kept as a field)."
    )
    fields: dict[Text, FieldValue] | None = Field(None, description="The desk's own values known at filing.")

    @model_validator(mode="before")
    @classmethod
    def _clean_names(cls, raw: Any) -> Any:
        return {_clean(name): value for name, value in raw.items()} if isinstance(raw, dict) else raw

    def to_ticket(self) -> Ticket:
        """The ticket; without a time unless it says when it was filed."""
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
        """What was sent under `fields`, and members not known here; `x_product` is the field `product`, as in files."""
        yield from (self.fields or {}).items()
        if self.created_at and read_time(self.created_at) is None:
            yield "created_at", self.created_at
        for name, value in (self.model_extra or {}).items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield name.removeprefix("x_"), None if value is None else _clean(text)


class TicketPatch(BaseModel):
    """Changes of a ticket; what is left out stays, and null empties what may be empty."""

    model_config = ConfigDict(extra="forbid")

    queue: Text | None = Field(None, max_length=500)
    category: Text | None = Field(None, max_length=200)
    priority: Priority | None = None
    assignee: Text | None = Field(None, max_length=200)
    status: Status | None = None
    why: Text | None = Field(None, max_length=1_000, description="The reason, for the ticket's journey.")

    def changes(self) -> dict[str, str | None]:
        """The fields to be changed."""
        return {name: getattr(self, name) for name in CHANGEABLE_FIELDS if name in self.model_fields_set}


class NewComment(BaseModel):
    """Something said about a ticket."""

    model_config = ConfigDict(extra="forbid")

    text: Text = Field(min_length=1, max_length=100_000)
    public: bool = Field(False, description="Whether the requester may read it.")
    shared: bool = Field(False, description="Whether others who ask something like it may be shown it; public only.")


class PutQueue(BaseModel):
    """A queue as it shall be. The defaults are what a ticket gets there unless somebody says otherwise."""

    model_config = ConfigDict(extra="forbid")

    description: Text = Field("", max_length=10_000)
    is_open: bool = Field(True, alias="open", description="A closed queue keeps its tickets and takes no new ones.")
    default_priority: Priority | None = None
    default_assignee: Text | None = Field(None, max_length=200)


class PutAgent(BaseModel):
    """An agent as he or she shall be."""

    model_config = ConfigDict(extra="forbid")

    present: bool = True
    queues: list[Text] = Field(default=[], max_length=10_000)


class ScoreRequest(BaseModel):
    """Tickets to be scored."""

    model_config = ConfigDict(extra="forbid")

    tickets: Annotated[list[NewTicket], Field(min_length=1, max_length=MAX_TICKETS)]
