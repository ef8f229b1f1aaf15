"""What the API answers, as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from deskyard.journal import Entry
from deskyard.stores.desk import Filed, Queue, Step


class Share(BaseModel):
    """A label and how probable it is."""

    label: str
    confidence: float


class Why(BaseModel):
    """A reason: `code` for programs, `text` for people."""

    code: str
    text: str


class Decided(BaseModel):
    """What is done for one target."""

    label: str | None
    confidence: float
    action: Literal["route", "suggest", "leave"]
    top: list[Share]
    reasons: list[Why]


class Placed(BaseModel):
    """The queue, and why this one."""

    queue: str
    reason: Why


class Brief(BaseModel):
    """A ticket of the desk without its texts. `category`, `priority` and `assignee` are null until somebody is sure."""

    id: str
    source: str
    external_id: str | None
    queue: str
    category: str | None
    priority: str | None
    assignee: str | None
    created_at: datetime
    received_at: datetime

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
    }


class Answer(BaseModel):
    """What the sender of a ticket is told, each time the same. `model` and `policy` are digests."""

    ticket: Brief
    decisions: dict[str, Decided]
    placement: Placed
    decision: str
    model: str | None
    policy: str


class Actor(BaseModel):
    """Who did it."""

    kind: str
    name: str


class Event(BaseModel):
    """One change of one field of a ticket."""

    at: datetime
    actor: Actor
    field: str
    was: str | None = Field(alias="from")
    became: str | None = Field(alias="to")
    why: str


class Whole(Brief):
    """A ticket of the desk as it is now, with its texts, what was decided when it came, and what happened since."""

    subject: str
    body: str
    channel: str
    language: str
    requester: str
    organisation: str
    fields: dict[str, str]
    decisions: dict[str, Decided]
    placement: Placed | None
    decision: str | None
    model: str | None
    policy: str | None
    journey: list[Event]

    @classmethod
    def told(cls, filed: Filed, entry: Entry | None, journey: Sequence[Step]) -> "Whole":
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
            decisions=entry.content["decisions"] if entry else {},
            placement=entry.content["placement"] if entry else None,
            decision=str(entry.id) if entry else None,
            model=entry.bundle if entry else None,
            policy=entry.policy if entry else None,
            journey=[
                Event.model_validate(
                    {
                        "at": step.at,
                        "actor": {"kind": step.actor_kind, "name": step.actor},
                        "field": step.field,
                        "from": step.was,
                        "to": step.became,
                        "why": step.why,
                    }
                )
                for step in journey
            ],
        )


class Score(BaseModel):
    """What would be done with one ticket."""

    decisions: dict[str, Decided]
    placement: Placed


class Scores(BaseModel):
    """One score a ticket, in the order of the request."""

    items: list[Score]
    model: str | None
    policy: str


class QueueSeen(BaseModel):
    """A queue of the desk."""

    name: str
    description: str
    open: bool
    created_at: datetime

    @classmethod
    def of(cls, queue: Queue) -> "QueueSeen":
        """As it is now."""
        return cls(name=queue.name, description=queue.description, open=queue.open, created_at=queue.created_at)


class Queues(BaseModel):
    """A page of queues; `next_cursor` continues the list and is null at its end."""

    items: list[QueueSeen]
    next_cursor: str | None


class Tickets(BaseModel):
    """A page of tickets; `next_cursor` continues the list and is null at its end."""

    items: list[Brief]
    next_cursor: str | None


class ModelSeen(BaseModel):
    """The model in use."""

    name: str
    digest: str
    targets: list[str]


class Alive(BaseModel):
    """The process runs."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Tickets can be taken. Without a model they all go to triage, and `why` says why."""

    status: Literal["ready"] = "ready"
    model: ModelSeen | None
    why: str | None
