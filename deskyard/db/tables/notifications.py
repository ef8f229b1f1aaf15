"""Tables of notifications: where they go, and those that are sent or to be sent."""

from typing import Final

from sqlalchemy import JSON, Column, ForeignKey, Index, Table, Text, UniqueConstraint

from deskyard.db.tables.base import METADATA, ROW_ID, Moment
from deskyard.db.tables.outbox import outbox_columns

NOTIFICATION_TARGETS: Final = Table(
    "notice_targets",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("queues", JSON, nullable=False),
    Column("language", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)
"""Where people are told about tickets that reach their queues (all if `queues` is empty). No secrets in `place`."""

NOTIFICATIONS: Final = Table(
    "notice_sendings",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("target_id", ROW_ID, ForeignKey("notice_targets.id"), nullable=False),
    Column("ticket_id", ROW_ID, nullable=False),
    Column("decision", ROW_ID, nullable=False),
    Column("event", Text, nullable=False),
    Column("queue", Text, nullable=False),
    *outbox_columns(),
    UniqueConstraint("target_id", "decision", "event", "queue"),
    Index(None, "state", "due_at"),
    sqlite_autoincrement=True,
)
"""That a ticket reached a queue, or made the circuit breaker trip for it, to be told to one target."""
