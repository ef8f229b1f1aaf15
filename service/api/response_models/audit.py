"""Response models of actors and the audit log."""

from datetime import datetime

from deskyard.domain.actors import Actor, ActorKind
from deskyard.journal.audit_log import AuditEntry
from service.api.api_model import ApiModel


class ActorResponse(ApiModel):
    """Who acted: a person, a machine, or a rule of the desk."""

    kind: ActorKind
    """Whether a person, a machine or a rule acted."""

    name: str
    """Name of the user, key, model or rule."""

    @classmethod
    def from_actor(cls, actor: Actor) -> "ActorResponse":
        """The response for an actor."""
        return cls(kind=actor.kind, name=actor.name)


class AuditEntryResponse(ApiModel):
    """An action that somebody took."""

    id: str
    """Number of the entry."""

    at: datetime
    """When it happened."""

    actor: ActorResponse
    """Who took the action."""

    action: str
    """Name of the action, such as `policy.put`."""

    subject: str
    """What the action was applied to."""

    @classmethod
    def from_entry(cls, entry: AuditEntry) -> "AuditEntryResponse":
        """The response for an entry of the audit log."""
        return cls(
            id=str(entry.id),
            at=entry.at,
            actor=ActorResponse.from_actor(entry.actor),
            action=entry.action,
            subject=entry.subject,
        )


class AuditPage(ApiModel):
    """A page of the audit log, newest first."""

    items: list[AuditEntryResponse]
    """Entries, newest first."""

    next_cursor: str | None
    """Cursor of the next page; null at the end of the list."""
