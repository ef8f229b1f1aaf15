"""Tables of the decision journal and of the audit log."""

from typing import Final

from sqlalchemy import Column, Index, Table, Text

from deskyard.db.tables.base import METADATA, ROW_ID, Moment

JOURNAL_ENTRIES: Final = Table(
    "journal_entries",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ticket_id", ROW_ID, nullable=False),
    Column("ticket_hash", Text, nullable=False),
    Column("bundle", Text),
    Column("policy", Text),
    Column("content", Text, nullable=False),
    Index(None, "ticket_id", "id"),
    Index(None, "kind", "at"),
    sqlite_autoincrement=True,
)
"""One entry of the journal. `ticket_id` is not a foreign key: entries outlive their ticket."""

AUDIT_LOG: Final = Table(
    "access_audit",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("deed", Text, nullable=False),
    Column("subject", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""An action outside of tickets: keys, policy, models, queues, agents. Rows are only added."""
