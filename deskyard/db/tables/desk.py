"""Tables of the built-in desk: queues, agents, tickets, their comments, histories and status links."""

from typing import Final

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Table, Text, UniqueConstraint, false, text

from deskyard.db.tables.base import INT64, METADATA, ROW_ID, Moment

QUEUES: Final = Table(
    "desk_queues",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, default=""),
    Column("open", Boolean, nullable=False, default=True),
    Column("default_priority", Text),
    Column("default_assignee", Text),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)
"""A queue of the built-in desk. A closed queue takes no new tickets."""

AGENTS: Final = Table(
    "desk_agents",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("present", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)
"""An agent. New tickets are only assigned to agents who are present."""

AGENT_QUEUES: Final = Table(
    "desk_service",
    METADATA,
    Column("agent_id", ROW_ID, ForeignKey("desk_agents.id"), primary_key=True),
    Column("queue_id", ROW_ID, ForeignKey("desk_queues.id"), primary_key=True),
)
"""Which agent serves which queue."""

TICKETS: Final = Table(
    "desk_tickets",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("version", INT64, nullable=False),
    Column("source", Text, nullable=False),
    Column("external_id", Text),
    Column("key", Text),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("queue_id", ROW_ID, ForeignKey("desk_queues.id"), nullable=False),
    Column("category", Text),
    Column("priority", Text),
    Column("assignee", Text),
    Column("status", Text, nullable=False),
    Column("salt", Text, nullable=False, default="", server_default=""),
    Column("erased_at", Moment),
    UniqueConstraint("source", "external_id"),
    Index(None, "source", "key", unique=True),
    Index(None, "queue_id", "id"),
    Index(None, "updated_at", "id"),
    Index(None, "status", "queue_id", "received_at"),
    Index(None, "received_at"),
    Index(None, "requester", "id"),
    sqlite_autoincrement=True,
)
"""A ticket of the built-in desk; it is always in exactly one queue.

(`source`, `external_id`) is unique, and so is (`source`, `key`); a ticket with neither is always new.
`version` counts its changes. `salt` is the key of its hashes in the journal, erased with its texts (`erased_at`).
"""

COMMENTS: Final = Table(
    "desk_comments",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("ticket_id", ROW_ID, ForeignKey("desk_tickets.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("key", Text),
    Column("shared", Boolean, nullable=False, default=False, server_default=false()),
    Index(None, "ticket_id", "id"),
    Index(None, "ticket_id", "key", unique=True),
    Index("ix_desk_comments_shared", "id", sqlite_where=text("shared"), postgresql_where=text("shared")),
    sqlite_autoincrement=True,
)
"""A comment on a ticket: visible to its requester (`public`) or to the desk only. Rows are only added.

`shared`: a public answer that may be suggested to requesters of similar tickets.
"""

TICKET_HISTORY: Final = Table(
    "desk_journey",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("ticket_id", ROW_ID, ForeignKey("desk_tickets.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("was", Text),
    Column("became", Text),
    Column("why", Text, nullable=False),
    Column("decision", ROW_ID),
    Column("undoes", ROW_ID),
    Index(None, "ticket_id", "id"),
    sqlite_autoincrement=True,
)
"""One change of one field of a ticket: who, when, old and new value, reason. Rows are only added.

`decision`: the journal's number of the decision that made it; `undoes`: that of the decision that it reverts.
"""

STATUS_LINKS: Final = Table(
    "desk_status_links",
    METADATA,
    Column("ticket_id", ROW_ID, ForeignKey("desk_tickets.id"), primary_key=True, autoincrement=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("stars", INT64),
    Column("said", Text, nullable=False),
    Column("rated_at", Moment),
    UniqueConstraint("sha256"),
)
"""The secret address of a ticket for its requester, as SHA-256, and the requester's rating.

`stars`: 1 to 5, None until it is rated.
"""
