"""Tables of rollups: what the journal says of each ticket, and its days counted up."""

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
"""How far the journal is counted for the reports, in which time zone, and by which rules: one row, always there."""

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
"""What the journal says of a ticket, for reports. `day` and `hour`: when it came, in the desk's time zone.

`placed`: the queue of the decision; `queue`: where it is now. `fate`: routed, suggested, left. `first_response` and
`resolution` are seconds, `replies` public answers until it was solved; None: not yet. `moves` by people after it
was sorted; `returned`: it came back to a queue it had left.
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
"""What the machine said of one target of a ticket, and what it was at the end.

`truth` is empty until the ticket is solved with a value that a person stands behind. `place`: 1, 2, 3 where the
truth stood among the machine's labels, 0 further down or nowhere, -1 not known yet. `heard` is what a person last
chose, solved or not (empty: nobody spoke), and `agreed` whether the machine had said so.
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
"""A person moved a ticket from one queue to another after it had been sorted. `back`: it had been there before."""

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
"""A day's `report_answers` counted: all that are alike in one row."""

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
"""A day's `report_tickets` counted by hour: all that are alike in one row."""
