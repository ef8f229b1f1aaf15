"""What the API takes, as JSON, and how it becomes a `Ticket`.

The one place where texts from outside become storable: beyond it every ticket can be kept and hashed as it stands.
"""

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from deskyard.tables import storable
from deskyard.ticket import Ticket

MOST: Final = 1_000
"""Tickets in one request for scores."""


def _clean(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _clean(value)


def _text_only(value: Any) -> Any:
    if value is not None and not isinstance(value, str | datetime):
        raise ValueError("write the time as text, such as 2026-01-31T12:00:00+03:00")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this time is outside the calendar") from error


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
Moment = Annotated[datetime, BeforeValidator(_text_only), AfterValidator(_in_utc)]
Value = Annotated[str | None, BeforeValidator(_word), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]


class NewTicket(BaseModel):
    """A ticket as its sender describes it. Everything may be missing; what is not known here is refused, not lost."""

    model_config = ConfigDict(
        extra="forbid",
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
    created_at: Moment | None = Field(None, description="When it was filed; now when left out, UTC without a zone.")
    fields: dict[Text, Value] | None = Field(None, description="The desk's own values known at filing.")

    @model_validator(mode="before")
    @classmethod
    def _names_that_can_be_told(cls, raw: Any) -> Any:
        return {_clean(name): value for name, value in raw.items()} if isinstance(raw, dict) else raw

    def ticket(self, now: datetime) -> Ticket:
        """The ticket, filed `now` unless it says when."""
        return Ticket(
            id=self.external_id or "",
            source=self.source or "api",
            subject=self.subject or "",
            body=self.body or "",
            channel=self.channel or "",
            language=self.language or "",
            requester=self.requester or "",
            organisation=self.organisation or "",
            created_at=self.created_at or now,
            fields={name: value for name, value in (self.fields or {}).items() if value is not None},
        )


class ToScore(BaseModel):
    """Tickets to be scored."""

    model_config = ConfigDict(extra="forbid")

    tickets: Annotated[list[NewTicket], Field(min_length=1, max_length=MOST)]
