"""Connections to other help desks and what is written into them, as the API answers it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import Row

from deskyard.sync.connections import StoreConnection


class WebhookReceipt(BaseModel):
    """What a webhook told: its events, and those that are not our own writing coming back."""

    events: int
    news: int


class ConnectionResponse(BaseModel):
    """A foreign help desk or mailbox. `trouble`: what went wrong last; `hold_until`: it asked not to be called before.

    `deliveries`: how many are waiting, working, done and parked.
    """

    name: str
    kind: str
    place: str
    since: datetime
    intake: list[str]
    pulled_at: datetime | None
    held_until: datetime | None
    trouble: str | None
    deliveries: dict[str, int]

    @classmethod
    def from_connection(cls, connection: StoreConnection, counted: dict[str, int]) -> "ConnectionResponse":
        """As now."""
        return cls(
            name=connection.name,
            kind=connection.kind,
            place=connection.place,
            since=connection.since,
            intake=list(connection.intake),
            pulled_at=connection.pulled_at,
            held_until=connection.held_until,
            trouble=connection.trouble or None,
            deliveries=counted,
        )


class ConnectionList(BaseModel):
    """All connections, oldest first; `works`: this process delivers."""

    items: list[ConnectionResponse]
    works: bool


class DeliveryResponse(BaseModel):
    """What is to be written into a foreign ticket, and what became of it. `why`: field → reason, where not all went
    well."""

    id: str
    store: str
    ticket: str
    external_id: str
    decision: str
    set: dict[str, str | None]
    state: Literal["waiting", "working", "done", "parked"]
    result: str | None
    why: dict[str, str]
    tries: int
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def from_row(cls, row: Row[Any], store: str) -> "DeliveryResponse":
        """As now."""
        return cls(
            id=str(row.id),
            store=store,
            ticket=str(row.ticket_id),
            external_id=row.ref,
            decision=str(row.decision),
            set=row.wanted,
            state=row.state,
            result=row.result or None,
            why=row.why,
            tries=row.tries,
            due_at=row.due_at,
            created_at=row.created_at,
            ended_at=row.ended_at,
        )


class DeliveryPage(BaseModel):
    """A page of deliveries, oldest first; `next_cursor` continues the list and is null at its end."""

    items: list[DeliveryResponse]
    next_cursor: str | None
