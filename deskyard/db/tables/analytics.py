"""Tables of rollups: facts of each ticket from the journal, and their daily counts."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Table, Text

from deskyard.db.tables.base import INT64, METADATA, ROW_ID, Moment

ROLLUP_STATE: Final = Table(
    "report_state",
    METADATA,
    Column("id", ROW_ID, primary_key=True, autoincrement=False),
    Column("rules", INT64, nullable=False),
    Column("zone", Text, nullable=False),
    Column("read_to", ROW_ID, nullable=False),
    Column("at", Moment),
)
"""How far the journal is counted for the reports, in which time zone, and by which rules; always one row."""

TICKET_FACTS: Final = Table(
    "report_tickets",
    METADATA,
    Column("ticket_id", ROW_ID, primary_key=True, autoincrement=False),
    Column("day", Text, nullable=False),
    Column("hour", INT64, nullable=False),
    Column("source", Text, nullable=False),
    Column("placed", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("fate", Text, nullable=False),
    Column("assignee", Text, nullable=False),
    Column("solved", Boolean, nullable=False),
    Column("first_response", INT64),
    Column("replies", INT64),
    Column("resolution", INT64),
    Column("moves", INT64, nullable=False),
    Column("returned", Boolean, nullable=False),
    Index(None, "day", "hour"),
    Index(None, "solved", "assignee"),
)
"""Facts of a ticket for reports. `day` and `hour`: when it was received, in the desk's time zone.

`placed`: the queue of the decision; `queue`: the current one. `fate`: routed, suggested, left. `first_response` and
`resolution` are seconds, `replies` public answers until it was solved; None: not yet. `moves`: reassignments by people
after it was triaged; `returned`: it came back to a queue that it had left.
"""

TARGET_FACTS: Final = Table(
    "report_answers",
    METADATA,
    Column("ticket_id", ROW_ID, primary_key=True, autoincrement=False),
    Column("target", Text, primary_key=True),
    Column("day", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("placed", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("fate", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("truth", Text, nullable=False),
    Column("place", INT64, nullable=False),
    Column("heard", Text, nullable=False),
    Column("agreed", Boolean, nullable=False),
    Index(None, "target", "day"),
    Index(None, "target", "fate", "ticket_id"),
)
"""The prediction of one target of a ticket, and its final label.

`truth` is empty until the ticket is solved with a value that a person set or accepted. `place`: 1, 2, 3 where the true
label is among the predicted labels, 0 further down or missing, -1 not known yet. `heard` is what a person chose last,
solved or not (empty: nobody did), and `agreed` whether that was predicted.
"""

QUEUE_MOVES: Final = Table(
    "report_moves",
    METADATA,
    Column("ticket_id", ROW_ID, primary_key=True, autoincrement=False),
    Column("n", INT64, primary_key=True, autoincrement=False),
    Column("day", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("placed", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("was", Text, nullable=False),
    Column("became", Text, nullable=False),
    Column("back", Boolean, nullable=False),
    Index(None, "day"),
)
"""A person moved a ticket to another queue after it was triaged. `back`: it had been in that queue before."""

DAILY_TARGET_FACTS: Final = Table(
    "report_daily_answers",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("target", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("placed", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("fate", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("truth", Text, nullable=False),
    Column("place", INT64, nullable=False),
    Column("n", INT64, nullable=False),
    Index(None, "target", "day"),
    sqlite_autoincrement=True,
)
"""The rows of a day in `report_answers`, counted: one row for all that are equal."""

DAILY_TICKET_FACTS: Final = Table(
    "report_daily_tickets",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("day", Text, nullable=False),
    Column("hour", INT64, nullable=False),
    Column("source", Text, nullable=False),
    Column("placed", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("fate", Text, nullable=False),
    Column("solved", Boolean, nullable=False),
    Column("n", INT64, nullable=False),
    Index(None, "day"),
    sqlite_autoincrement=True,
)
"""The rows of a day in `report_tickets`, counted by hour: one row for all that are equal."""
