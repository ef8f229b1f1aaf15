"""Tables of work with foreign help desks and mailboxes: connections, mirrored tickets, deliveries, mail, and slots."""

from typing import Final

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Table, Text, UniqueConstraint

from deskyard.db.tables.base import INT64, METADATA, ROW_ID, Moment
from deskyard.db.tables.outbox import outbox_columns

CONNECTIONS: Final = Table(
    "store_connections",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("hook_sha256", Text),
    Column("since", Moment, nullable=False),
    Column("intake", JSON, nullable=False),
    Column("per_minute", INT64),
    Column("active", Boolean, nullable=False),
    Column("cursor", Text),
    Column("held_until", Moment),
    Column("pulled_at", Moment),
    Column("trouble", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)
"""A foreign help desk or mailbox that deskyard works with. `place` is its URL without secrets.

`active`: it is in use. `since`: tickets filed before are ignored. `intake`: the queues whose tickets are routed, all if
empty. `cursor`: how far it was read. `held_until`: it asked not to be called before. `trouble`: the last error, empty
where there is none.
"""

MIRROR: Final = Table(
    "store_tickets",
    METADATA,
    Column("ticket_id", ROW_ID, ForeignKey("desk_tickets.id"), primary_key=True, autoincrement=False),
    Column("connection_id", ROW_ID, ForeignKey("store_connections.id"), nullable=False),
    Column("ref", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("read_at", Moment, nullable=False),
    UniqueConstraint("connection_id", "ref"),
)
"""The desk's copy of a foreign ticket: its id there, and when and at which version it was read last."""

DELIVERIES: Final = Table(
    "store_deliveries",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("ticket_id", ROW_ID, ForeignKey("desk_tickets.id"), nullable=False),
    Column("connection_id", ROW_ID, ForeignKey("store_connections.id"), nullable=False),
    Column("decision", ROW_ID, nullable=False),
    Column("marker", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("set_values", JSON, nullable=False),
    Column("expect", JSON, nullable=False),
    Column("note", Text, nullable=False),
    Column("seen_version", Text, nullable=False),
    Column("urgency", INT64, nullable=False),
    *outbox_columns(),
    UniqueConstraint("marker"),
    Index(None, "state", "due_at"),
    Index(None, "ticket_id"),
    Index(None, "connection_id", "id"),
    sqlite_autoincrement=True,
)
"""What is to be written into a foreign ticket."""

EXECUTORS: Final = Table(
    "engine_executors",
    METADATA,
    Column("slot", INT64, primary_key=True, autoincrement=False),
    Column("process", Text, nullable=False),
    Column("seen_at", Moment, nullable=False),
)
"""A slot of a worker process: which process holds it, and when it was last alive."""

MAILS: Final = Table(
    "store_mails",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("connection_id", ROW_ID, ForeignKey("store_connections.id"), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("ticket_id", ROW_ID),
    UniqueConstraint("connection_id", "message_id", "fingerprint"),
    UniqueConstraint("connection_id", "external_id"),
    Index(None, "ticket_id"),
    sqlite_autoincrement=True,
)
"""A mail that was filed: its Message-ID, what tells it apart from others of that Message-ID, and the id that its ticket
or comment got. `fingerprint` is `erased-ID` once the ticket was erased."""

LEFT_OUT_MAILS: Final = Table(
    "store_left_out_mails",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("connection_id", ROW_ID, ForeignKey("store_connections.id"), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("ticket_id", ROW_ID),
    Column("trouble", Text, nullable=False),
    UniqueConstraint("connection_id", "message_id", "fingerprint"),
    Index(None, "connection_id", "id"),
    sqlite_autoincrement=True,
)
"""A mail that became no ticket, and why. `place`: where it is in the folder (UIDVALIDITY.UID).

`requested_by`: who wants it taken in after all, empty if nobody does. `ticket_id`: the ticket that it then became.
`trouble`: why it could not be taken in.
"""
