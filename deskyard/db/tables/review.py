"""Tables of the review desk: who looks at a ticket now, and tickets that a person sorts without the model's answer."""

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
"""Somebody looks at a ticket on the review desk, and until when nobody else is shown it."""

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
"""A routed ticket that a person sorts without the machine's answer, to measure how often it is right.

`decision`: the journal's entry. `answer`: the queue that the person chose, once somebody did.
"""
