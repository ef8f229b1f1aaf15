"""Who did what, as the API answers it."""

from datetime import datetime

from pydantic import BaseModel

from deskyard.desk.ticket_history import Actor, ActorKind
from deskyard.journal.audit_log import Deed


class Who(BaseModel):
    """Who did it: a person, a machine, or a rule of the desk."""

    kind: ActorKind
    name: str

    @classmethod
    def of(cls, actor: Actor) -> "Who":
        """The same, for JSON."""
        return cls(kind=actor.kind, name=actor.name)


class DeedSeen(BaseModel):
    """Something that somebody did; `subject` is what it was done to."""

    id: str
    at: datetime
    actor: Who
    deed: str
    subject: str

    @classmethod
    def of(cls, deed: Deed) -> "DeedSeen":
        """The same, for JSON."""
        return cls(id=str(deed.id), at=deed.at, actor=Who.of(deed.actor), deed=deed.deed, subject=deed.subject)


class Audit(BaseModel):
    """A page of deeds, newest first; `next_cursor` continues the list and is null at its end."""

    items: list[DeedSeen]
    next_cursor: str | None
