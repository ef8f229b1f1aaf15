"""Response models of tickets, their history and comments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from deskyard.desk.comments import Comment
from deskyard.desk.ticket_history import HistoryStep
from deskyard.desk.tickets import DeskTicket
from deskyard.domain.status import Status
from deskyard.journal.journal import JournalEntry
from service.api.api_model import ApiModel
from service.api.response_models.audit import ActorResponse
from service.api.response_models.decisions import Placement, TargetDecision


class PlacedTicket(ApiModel):
    """A ticket as it was placed."""

    id: str
    """Number of the ticket."""

    source: str
    """Where it came from."""

    external_id: str | None
    """Its id there; null if it has none."""

    queue: str
    """Queue that it is in."""

    category: str | None
    """Category; null until it is set."""

    priority: str | None
    """Priority; null until it is set."""

    assignee: str | None
    """Agent that it is assigned to; null if there is none."""

    created_at: datetime
    """When it was filed."""

    received_at: datetime
    """When it was received here."""


class TicketSummary(PlacedTicket):
    """A ticket as it is now, without its texts."""

    status: Status
    """Status."""

    updated_at: datetime
    """When it was last changed."""

    version: int
    """Number of changes so far; the ETag of the ticket."""

    @classmethod
    def from_ticket(cls, desk_ticket: DeskTicket) -> "TicketSummary":
        """The response for a ticket of the desk."""
        return cls(**_summary_fields(desk_ticket))


def _summary_fields(desk_ticket: DeskTicket) -> dict[str, Any]:
    return {
        "id": str(desk_ticket.id),
        "source": desk_ticket.ticket.source,
        "external_id": desk_ticket.external_id,
        "queue": desk_ticket.queue,
        "category": desk_ticket.category,
        "priority": desk_ticket.priority,
        "assignee": desk_ticket.assignee,
        "created_at": desk_ticket.ticket.created_at,
        "received_at": desk_ticket.received_at,
        "status": desk_ticket.status,
        "updated_at": desk_ticket.updated_at,
        "version": desk_ticket.version,
    }


class TicketReceipt(ApiModel):
    """The answer to the sender of a ticket, the same each time it is sent."""

    ticket: PlacedTicket
    """The ticket as it was placed."""

    decisions: dict[str, TargetDecision]
    """Decision for each target."""

    placement: Placement
    """Queue, and why."""

    decision: str
    """Number of the decision."""

    model: str | None
    """Digest of the model; null if there was none."""

    policy: str
    """Digest of the policy."""

    changed: bool
    """Whether the ticket already existed and was sent again with other content, which changes nothing."""


class FieldChange(ApiModel):
    """One change of one field of a ticket."""

    at: datetime
    """When it was changed."""

    actor: ActorResponse
    """Who changed it."""

    field: str
    """Name of the field."""

    was: str | None = Field(alias="from")
    """Value before."""

    became: str | None = Field(alias="to")
    """Value after."""

    reason: str
    """Why it was changed."""

    decision: str | None
    """Number of the decision that changed it; null if none did."""

    @classmethod
    def from_step(cls, step: HistoryStep) -> "FieldChange":
        """The response for a step of a ticket's history."""
        fields = {
            "at": step.at,
            "actor": ActorResponse.from_actor(step.actor),
            "field": step.field,
            "from": step.was,
            "to": step.became,
        }
        decision = None if step.decision is None else str(step.decision)
        return cls.model_validate({**fields, "reason": step.why, "decision": decision})


class CommentResponse(ApiModel):
    """A comment on a ticket."""

    id: str
    """Number of the comment."""

    at: datetime
    """When it was written."""

    actor: ActorResponse
    """Who wrote it."""

    public: bool
    """Whether the requester may read it."""

    shared: bool
    """Whether other requesters with a similar question may be shown it."""

    text: str
    """Text of the comment."""

    @classmethod
    def from_comment(cls, comment: Comment) -> "CommentResponse":
        """The response for a comment."""
        return cls(
            id=str(comment.id),
            at=comment.at,
            actor=ActorResponse.from_actor(comment.actor),
            public=comment.public,
            shared=comment.shared,
            text=comment.text,
        )


class TicketResponse(TicketSummary):
    """A ticket as it is now, with its texts, decisions, history and comments."""

    subject: str
    """Subject as first written."""

    body: str
    """Text as first written."""

    channel: str
    """How it arrived: mail, form, chat, phone, monitoring and so on."""

    language: str
    """Language, as the sender gave it."""

    requester: str
    """Person who needs help."""

    organisation: str
    """Organisation of the requester."""

    fields: dict[str, str]
    """Other values that were known when it was filed."""

    erased_at: datetime | None
    """When its texts and the names in it were erased; null if they were not."""

    decisions: dict[str, TargetDecision]
    """Decision for each target, made when it was received."""

    placement: Placement | None
    """Queue that it was placed in then, and why; null if nothing was decided."""

    decision: str | None
    """Number of that decision; null if there is none."""

    model: str | None
    """Digest of the model that decided; null if there was none."""

    policy: str | None
    """Digest of the policy that held; null if nothing was decided."""

    history: list[FieldChange]
    """Changes of its fields, oldest first."""

    comments: list[CommentResponse]
    """Comments, oldest first."""

    @classmethod
    def from_desk(
        cls,
        desk_ticket: DeskTicket,
        entry: JournalEntry | None,
        history: Sequence[HistoryStep],
        comments: Sequence[Comment],
    ) -> "TicketResponse":
        """The response for a ticket of the desk and the journal entry of its decision."""
        ticket = desk_ticket.ticket
        return cls(
            **_summary_fields(desk_ticket),
            subject=ticket.subject,
            body=ticket.body,
            channel=ticket.channel,
            language=ticket.language,
            requester=ticket.requester,
            organisation=ticket.organisation,
            fields=dict(ticket.fields),
            erased_at=desk_ticket.erased_at,
            decisions=entry.content["decisions"] if entry else {},
            placement=entry.content["placement"] if entry else None,
            decision=str(entry.id) if entry else None,
            model=entry.bundle if entry else None,
            policy=entry.policy if entry else None,
            history=[FieldChange.from_step(step) for step in history],
            comments=[CommentResponse.from_comment(comment) for comment in comments],
        )


class TicketPage(ApiModel):
    """A page of tickets."""

    items: list[TicketSummary]
    """Tickets in the order that `sort` asks for."""

    next_cursor: str | None
    """Cursor of the next page; null at the end of the list."""
