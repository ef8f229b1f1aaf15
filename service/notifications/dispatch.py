"""Sending the notices in the outbox by the channels of their targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row

from deskyard.db.database import Database
from deskyard.errors import DeskyardError, StoreUnreachable
from deskyard.settings import settings
from deskyard.sync import credentials, notifications
from deskyard.sync.notifications import OUTBOX, NotificationTarget, add_notifications

if TYPE_CHECKING:
    from service.notifications import Channel

__all__ = [
    "OUTBOX",
    "SendFailure",
    "add_notifications",
    "deliver_notice",
    "has_targets",
    "open_target",
    "secret_name",
    "send_notice",
]


@dataclass(frozen=True, slots=True)
class SendFailure:
    """Why a notice was not sent; `retry_after`: seconds until the next attempt, None: there is none."""

    reason: Mapping[str, str]
    retry_after: float | None


def has_targets(conn: Connection) -> bool:
    """Whether there is any notification target."""
    return bool(notifications.list_targets(conn))


def send_notice(database: Database, row: Row[Any]) -> SendFailure | None:
    """Send the notice of an outbox row. Returns None if it was sent, else the failure."""
    with database.reading() as conn:
        target = notifications.get_target(conn, row.target_id)
    try:
        deliver_notice(
            target, f"n{row.id}", event=row.event, ticket=str(row.ticket_id), queue=row.queue, at=row.created_at
        )
    except StoreUnreachable as error:
        return SendFailure({"channel": str(error)}, error.retry_after)
    except DeskyardError as error:
        return SendFailure({"channel": str(error)}, None)
    return None


def deliver_notice(
    target: NotificationTarget, notice: str, *, event: str, ticket: str, queue: str, at: datetime
) -> None:
    """Send a notice to a target. Raises StoreUnreachable (try again later) and other DeskyardErrors (permanent)."""
    from service.notifications import Notice  # imported here: few processes need the mail and TLS libraries

    public = settings().public_url.rstrip("/")
    page = "models/policy" if event == notifications.EVENT_TRIPPED else f"tickets/{ticket}"
    link = f"{public}/{page}" if public else ""
    channel = open_target(target.display_url, credentials.read_secret(secret_name(target.name)), target.language)
    channel.send(Notice(id=notice, event=event, ticket=ticket, queue=queue, link=link, at=at))


def open_target(url: str, secret: str, language: str) -> "Channel":
    """The channel of a URL. Raises BadInput for an invalid URL or one that may not be called."""
    from service.notifications import open_channel

    return open_channel(url, secret, settings().notify_allow, language)


def secret_name(target: str) -> str:
    """The name under which a target's secret is stored."""
    return f"notice-{target}"
