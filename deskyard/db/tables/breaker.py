"""The table of the circuit breaker's openings."""

from typing import Final

from sqlalchemy import Column, Double, Index, Table, Text

from deskyard.db.tables.base import INT64, METADATA, ROW_ID, Moment

BREAKER_OPENINGS: Final = Table(
    "policy_trips",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("target", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("ticket_id", ROW_ID, nullable=False),
    Column("wrong", INT64, nullable=False),
    Column("of", INT64, nullable=False),
    Column("promised", Double, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("closed_at", Moment),
    Column("closed_by", Text),
    Column("closed_ticket", ROW_ID),
    Index(None, "target", "label"),
    sqlite_autoincrement=True,
)
"""The circuit breaker opened for a label: at which ticket, how many of how many tickets were wrong since the most
likely beginning, the required precision, and the model. It is closed when `closed_at` is set; `closed_ticket` is the
newest ticket of that moment, and only newer ones count from then on.
"""
