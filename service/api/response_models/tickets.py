"""Tickets, their journeys and comments as the API answers them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from deskyard.desk.comments import Comment
from deskyard.desk.ticket_history import HistoryStep
from deskyard.desk.tickets import DeskTicket
from deskyard.domain.status import Status
from deskyard.journal.journal import JournalEntry
from service.api.response_models.audit import ActorResponse
from service.api.response_models.decisions import Placement, TargetDecision


class PlacedTicket(BaseModel):
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


class TicketSummary(PlacedTicket):
    """A ticket of the desk as it is now, without its texts. `version` counts its changes."""

    status: Status
    updated_at: datetime
    version: int

    @classmethod
    def from_ticket(cls, filed: DeskTicket) -> "TicketSummary":
        """As it is now."""
        return cls(**_summary_fields(filed))


def _summary_fields(ticket: DeskTicket) -> dict[str, Any]:
    return {
        "id": str(ticket.id),
        "source": ticket.ticket.source,
        "external_id": ticket.external_id,
        "queue": ticket.queue,
        "category": ticket.category,
        "priority": ticket.priority,
        "assignee": ticket.assignee,
        "created_at": ticket.ticket.created_at,
        "received_at": ticket.received_at,
        "status": ticket.status,
        "updated_at": ticket.updated_at,
        "version": ticket.version,
    }


class TicketReceipt(BaseModel):
    """What the sender of a ticket is told, each time the same; `model` and `policy` are digests.

    `changed` is true when the ticket was here before and is sent with other content, which changes nothing.
    """

    ticket: PlacedTicket
    decisions: dict[str, TargetDecision]
    placement: Placement
    decision: str
    model: str | None
    policy: str
    changed: bool


class FieldChange(BaseModel):
    """One change of one field of a ticket; `decision` is the number of the decision behind it, if there is one."""

    at: datetime
    actor: ActorResponse
    field: str
    was: str | None = Field(alias="from")
    became: str | None = Field(alias="to")
    why: str
    decision: str | None

    @classmethod
    def from_step(cls, step: HistoryStep) -> "FieldChange":
        """The same, for JSON."""
        said = {
            "at": step.at,
            "actor": ActorResponse.from_actor(step.actor),
            "field": step.field,
            "from": step.was,
            "to": step.became,
        }
        decision = None if step.decision is None else str(step.decision)
        return cls.model_validate({**said, "why": step.why, "decision": decision})


class CommentResponse(BaseModel):
    """A comment: public ones are for the requester too, internal ones for the desk only; shared ones for others too."""

    id: str
    at: datetime
    actor: ActorResponse
    public: bool
    shared: bool
    text: str

    @classmethod
    def from_comment(cls, comment: Comment) -> "CommentResponse":
        """The same, for JSON."""
        return cls(
            id=str(comment.id),
            at=comment.at,
            actor=ActorResponse.from_actor(comment.actor),
            public=comment.public,
            shared=comment.shared,
            text=comment.text,
        )


class TicketResponse(TicketSummary):
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
    decisions: dict[str, TargetDecision]
    placement: Placement | None
    decision: str | None
    model: str | None
    policy: str | None
    journey: list[FieldChange]
    comments: list[CommentResponse]

    @classmethod
    def from_desk(
        cls, filed: DeskTicket, entry: JournalEntry | None, journey: Sequence[HistoryStep], comments: Sequence[Comment]
    ) -> "TicketResponse":
        """Put together from the desk and the journal."""
        ticket = filed.ticket
        return cls(
            **_summary_fields(filed),
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
            journey=[FieldChange.from_step(step) for step in journey],
            comments=[CommentResponse.from_comment(comment) for comment in comments],
        )


class TicketPage(BaseModel):
    """A page of tickets; `next_cursor` continues the list and is null at its end."""

    items: list[TicketSummary]
    next_cursor: str | None
