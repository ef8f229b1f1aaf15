"""Challengers on new tickets, and requests to retrain."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "learning_challengers",
        sa.Column("id", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        *texts("actor", "name", "digest"),
        sa.Column("read_to", row_id, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_learning_challengers"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "learning_answers",
        *texts("digest"),
        sa.Column("ticket_id", row_id, nullable=False, autoincrement=False),
        *texts("target", "champion"),
        sa.Column("at", moment, nullable=False),
        *texts("said"),
        sa.Column("said_routed", sa.Boolean(), nullable=False),
        *texts("ours"),
        sa.Column("ours_routed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "ticket_id", "target", name="pk_learning_answers"),
    )
    op.create_table(
        "learning_wishes",
        sa.Column("id", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        *texts("why", "text"),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("begun_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        *texts("bundle", "outcome"),
        sa.PrimaryKeyConstraint("id", name="pk_learning_wishes"),
        sa.UniqueConstraint("held", name="uq_learning_wishes_held"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    for table in ("wishes", "answers", "challengers"):
        op.drop_table(f"learning_{table}")
