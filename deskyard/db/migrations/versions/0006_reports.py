"""What the reports count: facts of each ticket, and the days they add up to."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def numbers(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, row_id, nullable=nullable) for name in names]


def key(name: str) -> sa.Column[Any]:
    return sa.Column(name, row_id, nullable=False, autoincrement=False)


def upgrade() -> None:
    state = op.create_table(
        "report_state",
        key("id"),
        *numbers("rules"),
        *texts("zone"),
        *numbers("read_to"),
        sa.Column("at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_report_state"),
    )
    op.bulk_insert(state, [{"id": 1, "rules": 0, "zone": "", "read_to": 0, "at": None}])
    op.create_table(
        "report_tickets",
        key("ticket_id"),
        *texts("day"),
        *numbers("hour"),
        *texts("source", "placed", "queue", "fate", "assignee"),
        sa.Column("solved", sa.Boolean(), nullable=False),
        *numbers("first_response", "replies", "resolution", nullable=True),
        *numbers("moves"),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_report_tickets"),
    )
    op.create_index("ix_report_tickets_day_hour", "report_tickets", ["day", "hour"])
    op.create_index("ix_report_tickets_solved_assignee", "report_tickets", ["solved", "assignee"])
    op.create_table(
        "report_answers",
        key("ticket_id"),
        *texts("target", "day", "source", "placed", "queue", "fate", "said", "truth"),
        *numbers("place"),
        sa.PrimaryKeyConstraint("ticket_id", "target", name="pk_report_answers"),
    )
    op.create_index("ix_report_answers_target_day", "report_answers", ["target", "day"])
    op.create_table(
        "report_moves",
        key("ticket_id"),
        key("n"),
        *texts("day", "source", "placed", "queue", "was", "became"),
        sa.Column("back", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "n", name="pk_report_moves"),
    )
    op.create_index("ix_report_moves_day", "report_moves", ["day"])
    op.create_table(
        "report_daily_answers",
        sa.Column("id", row_id, nullable=False),
        *texts("target", "day", "source", "placed", "queue", "fate", "said", "truth"),
        *numbers("place", "n"),
        sa.PrimaryKeyConstraint("id", name="pk_report_daily_answers"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_report_daily_answers_target_day", "report_daily_answers", ["target", "day"])
    op.create_table(
        "report_daily_tickets",
        sa.Column("id", row_id, nullable=False),
        *texts("day"),
        *numbers("hour"),
        *texts("source", "placed", "queue", "fate"),
        sa.Column("solved", sa.Boolean(), nullable=False),
        *numbers("n"),
        sa.PrimaryKeyConstraint("id", name="pk_report_daily_tickets"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_report_daily_tickets_day", "report_daily_tickets", ["day"])


def downgrade() -> None:
    for table in ("daily_tickets", "daily_answers", "moves", "answers", "tickets", "state"):
        op.drop_table(f"report_{table}")
