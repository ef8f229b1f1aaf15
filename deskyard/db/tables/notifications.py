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
"""A target of notifications about tickets of some queues (all if `queues` is empty). `place` holds no secrets."""

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
"""A notification of one target that a ticket reached a queue, or that the circuit breaker opened for it."""
