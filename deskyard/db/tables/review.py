"""Tables of the review queue: leases of tickets, and blind reviews."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from deskyard.db.tables.base import METADATA, ROW_ID, Moment

REVIEW_LEASES: Final = Table(
    "desk_leases",
    METADATA,
    Column("ticket_id", ROW_ID, ForeignKey("desk_tickets.id"), primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("until", Moment, nullable=False),
)
"""A lease of a ticket in the review queue: nobody else is shown it until it expires."""

BLIND_REVIEWS: Final = Table(
    "desk_blind",
    METADATA,
    Column("ticket_id", ROW_ID, ForeignKey("desk_tickets.id"), primary_key=True, autoincrement=False),
    Column("decision", ROW_ID, nullable=False),
    Column("at", Moment, nullable=False),
    Column("answer", Text),
    Column("answered_by", Text),
    Column("answered_at", Moment),
    Index(None, "answered_at"),
)
"""A routed ticket that a person triages without seeing the prediction, to measure accuracy.

`decision`: the journal's entry. `answer`: the queue that the person chose, None until then.
"""
