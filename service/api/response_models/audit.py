"""Who did what, as the API answers it."""

from datetime import datetime

from pydantic import BaseModel

from deskyard.domain.actors import Actor, ActorKind
from deskyard.journal.audit_log import AuditEntry


class ActorResponse(BaseModel):
    """Who did it: a person, a machine, or a rule of the desk."""

    kind: ActorKind
    name: str

    @classmethod
    def from_actor(cls, actor: Actor) -> "ActorResponse":
        """The same, for JSON."""
        return cls(kind=actor.kind, name=actor.name)


class AuditEntryResponse(BaseModel):
    """Something that somebody did; `subject` is what it was done to."""

    id: str
    at: datetime
    actor: ActorResponse
    deed: str
    subject: str

    @classmethod
    def from_entry(cls, entry: AuditEntry) -> "AuditEntryResponse":
        """The same, for JSON."""
        return cls(
            id=str(entry.id),
            at=entry.at,
            actor=ActorResponse.from_actor(entry.actor),
            deed=entry.action,
            subject=entry.subject,
        )


class AuditPage(BaseModel):
    """A page of deeds, newest first; `next_cursor` continues the list and is null at its end."""

    items: list[AuditEntryResponse]
    next_cursor: str | None
