"""Response models of connections, deliveries and webhooks."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from deskyard.sync.connections import StoreConnection
from service.api.api_model import ApiModel


class WebhookReceipt(ApiModel):
    """What a webhook held."""

    events: int
    """Number of events."""

    new_events: int
    """Number of events that are not our own changes coming back."""


class ConnectionResponse(ApiModel):
    """A connected help desk or mailbox."""

    name: str
    """Name of the connection."""

    kind: str
    """Name of its connector, such as `znuny`."""

    url: str
    """Address without secrets."""

    since: datetime
    """When it was connected."""

    intake_queues: list[str]
    """Queues whose new tickets are routed; empty: all."""

    pulled_at: datetime | None
    """When it was last read; null if never."""

    paused_until: datetime | None
    """Until when it is not called; null if it may be."""

    last_error: str | None
    """What went wrong last; null if nothing did."""

    deliveries: dict[str, int]
    """Number of deliveries by state: waiting, working, done, parked."""

    left_out_mails: dict[str, int]
    """Number of mails of the last 90 days that became no ticket, by the kind of reason: auto_reply, bounce, automatic,
    list, own, earlier."""

    @classmethod
    def from_connection(
        cls, connection: StoreConnection, counts: dict[str, int], left_out: dict[str, int]
    ) -> "ConnectionResponse":
        """The response for a connection, its deliveries by state, and its left-out mails by kind."""
        return cls(
            name=connection.name,
            kind=connection.kind,
            url=connection.place,
            since=connection.since,
            intake_queues=list(connection.intake),
            pulled_at=connection.pulled_at,
            paused_until=connection.held_until,
            last_error=connection.trouble or None,
            deliveries=counts,
            left_out_mails=left_out,
        )


class ConnectionList(ApiModel):
    """All connections."""

    items: list[ConnectionResponse]
    """Connections, oldest first."""

    worker_running: bool
    """Whether this process runs the sync worker."""


class DeliveryResponse(ApiModel):
    """What is written into a ticket of a connected help desk, and the result."""

    id: str
    """Number of the delivery."""

    connection: str
    """Name of the connection."""

    ticket: str
    """Number of the ticket here."""

    external_id: str
    """Id of the ticket there."""

    decision: str
    """Number of the decision that is delivered."""

    set: dict[str, str | None]
    """Values to write, by field."""

    state: Literal["waiting", "working", "done", "parked"]
    """Whether it is waiting, working, done or parked."""

    result: str | None
    """What came of it; null before it ended."""

    reasons: dict[str, str]
    """Why fields were not written as decided, by field."""

    attempts: int
    """Number of attempts so far."""

    due_at: datetime
    """When the next attempt is due."""

    created_at: datetime
    """When it was created."""

    ended_at: datetime | None
    """When it ended; null before."""

    @classmethod
    def from_row(cls, row: Row[Any], connection: str) -> "DeliveryResponse":
        """The response for a row of the outbox and the name of its connection."""
        return cls(
            id=str(row.id),
            connection=connection,
            ticket=str(row.ticket_id),
            external_id=row.ref,
            decision=str(row.decision),
            set=row.set_values,
            state=row.state,
            result=row.result or None,
            reasons=row.why,
            attempts=row.tries,
            due_at=row.due_at,
            created_at=row.created_at,
            ended_at=row.ended_at,
        )


class DeliveryPage(ApiModel):
    """A page of deliveries."""

    items: list[DeliveryResponse]
    """Deliveries, oldest first."""

    next_cursor: str | None
    """Cursor of the next page; null at the end of the list."""
