"""Tickets, their journeys and comments as the API answers them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from deskyard.desk.comments import Comment
from deskyard.desk.ticket_history import Step
from deskyard.desk.tickets import Filed
from deskyard.domain.status import Status
from deskyard.journal.journal import Entry
from service.api.response_models.audit import Who
from service.api.response_models.decisions import Decided, Placed


class Receipt(BaseModel):
    """A ticket as it was placed. `category`, `priority` and `assignee` are null until somebody is sure."""

    id: str
    source: str
    external_id: str | None
    queue: str
    category: str | None
    priority: str | None
    assignee: str | None
    created_at: datetime
    received_at: datetime


class Brief(Receipt):
    """A ticket of the desk as it is now, without its texts. `version` counts its changes."""

    status: Status
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, filed: Filed) -> "Brief":
        """As it is now."""
        return cls(**_brief(filed))


def _brief(filed: Filed) -> dict[str, Any]:
    return {
        "id": str(filed.id),
        "source": filed.ticket.source,
        "external_id": filed.external_id,
        "queue": filed.queue,
        "category": filed.category,
        "priority": filed.priority,
        "assignee": filed.assignee,
        "created_at": filed.ticket.created_at,
        "received_at": filed.received_at,
        "status": filed.status,
        "updated_at": filed.updated_at,
        "version": filed.version,
    }


class Answer(BaseModel):
    """What the sender of a ticket is told, each time the same; `model` and `policy` are digests.

    `changed` is true when the ticket was here before and is sent with other content, which changes nothing.
    """

    ticket: Receipt
    decisions: dict[str, Decided]
    placement: Placed
    decision: str
    model: str | None
    policy: str
    changed: bool


class Event(BaseModel):
    """One change of one field of a ticket; `decision` is the number of the decision behind it, if there is one."""

    at: datetime
    actor: Who
    field: str
    was: str | None = Field(alias="from")
    became: str | None = Field(alias="to")
    why: str
    decision: str | None

    @classmethod
    def of(cls, step: Step) -> "Event":
        """The same, for JSON."""
        said = {"at": step.at, "actor": Who.of(step.actor), "field": step.field, "from": step.was, "to": step.became}
        decision = None if step.decision is None else str(step.decision)
        return cls.model_validate({**said, "why": step.why, "decision": decision})


class Said(BaseModel):
    """A comment: public ones are for the requester too, internal ones for the desk only; shared ones for others too."""

    id: str
    at: datetime
    actor: Who
    public: bool
    shared: bool
    text: str

    @classmethod
    def of(cls, comment: Comment) -> "Said":
        """The same, for JSON."""
        return cls(
            id=str(comment.id),
            at=comment.at,
            actor=Who.of(comment.actor),
            public=comment.public,
            shared=comment.shared,
            text=comment.text,
        )


class Whole(Brief):
    """A ticket as it is now, with its texts, what was decided when it came, what happened and what was said since.

    From `erased_at` on, its texts and whoever wrote them are gone.
    """

    subject: str
    body: str
    channel: str
    language: str
    requester: str
    organisation: str
    fields: dict[str, str]
    erased_at: datetime | None
    decisions: dict[str, Decided]
    placement: Placed | None
    decision: str | None
    model: str | None
    policy: str | None
    journey: list[Event]
    comments: list[Said]

    @classmethod
    def told(cls, filed: Filed, entry: Entry | None, journey: Sequence[Step], said: Sequence[Comment]) -> "Whole":
        """Put together from the desk and the journal."""
        ticket = filed.ticket
        return cls(
            **_brief(filed),
            subject=ticket.subject,
            body=ticket.body,
            channel=ticket.channel,
            language=ticket.language,
            requester=ticket.requester,
            organisation=ticket.organisation,
            fields=dict(ticket.fields),
            erased_at=filed.erased_at,
            decisions=entry.content["decisions"] if entry else {},
            placement=entry.content["placement"] if entry else None,
            decision=str(entry.id) if entry else None,
            model=entry.bundle if entry else None,
            policy=entry.policy if entry else None,
            journey=[Event.of(step) for step in journey],
            comments=[Said.of(comment) for comment in said],
        )


class Tickets(BaseModel):
    """A page of tickets; `next_cursor` continues the list and is null at its end."""

    items: list[Brief]
    next_cursor: str | None
