"""What the API takes, as JSON, and how it becomes a `Ticket`.

The one place where texts from outside become storable: beyond it every ticket can be kept and hashed as it stands.
"""

import json
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from deskyard.tables import storable
from deskyard.ticket import Ticket
from deskyard.times import read_time

MOST: Final = 1_000
"""Tickets in one request for scores."""


def _clean(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _clean(value)


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and math.isfinite(value):
        return str(value)
    if isinstance(value, str | None):
        return _clean(value)
    raise ValueError("write a text, a number, true or false")


Text = Annotated[str, BeforeValidator(_clean)]
Name = Annotated[str, BeforeValidator(_number_as_text)]
Value = Annotated[str | None, BeforeValidator(_word), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]


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
    fields: dict[Text, Value] | None = Field(None, description="The desk's own values known at filing.")

    @model_validator(mode="before")
    @classmethod
    def _names_that_can_be_told(cls, raw: Any) -> Any:
        return {_clean(name): value for name, value in raw.items()} if isinstance(raw, dict) else raw

    def ticket(self, now: datetime) -> Ticket:
        """The ticket, filed `now` unless it says when."""
        filed = read_time(self.created_at or "")
        return Ticket(
            id=self.external_id or "",
            source=self.source or "api",
            subject=self.subject or "",
            body=self.body or "",
            channel=self.channel or "",
            language=self.language or "",
            requester=self.requester or "",
            organisation=self.organisation or "",
            created_at=filed or now,
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


class ToScore(BaseModel):
    """Tickets to be scored."""

    model_config = ConfigDict(extra="forbid")

    tickets: Annotated[list[NewTicket], Field(min_length=1, max_length=MOST)]
