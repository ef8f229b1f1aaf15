"""Foreign help desks: connections, mirrored tickets, deliveries, notifications, and the workers' slots."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "store_connections",
        sa.Column("id", row_id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("hook_sha256", sa.Text(), nullable=True),
        sa.Column("since", moment, nullable=False),
        sa.Column("intake", sa.JSON(), nullable=False),
        sa.Column("per_minute", row_id, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("held_until", moment, nullable=True),
        sa.Column("pulled_at", moment, nullable=True),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_store_connections"),
        sa.UniqueConstraint("name", name="uq_store_connections_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "store_tickets",
        sa.Column("ticket_id", row_id, nullable=False, autoincrement=False),
        sa.Column("connection_id", row_id, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("read_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["desk_tickets.id"], name="fk_store_tickets_ticket_id"),
        sa.ForeignKeyConstraint(["connection_id"], ["store_connections.id"], name="fk_store_tickets_connection_id"),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_store_tickets"),
        sa.UniqueConstraint("connection_id", "ref", name="uq_store_tickets_connection_id_ref"),
    )
    op.create_table(
        "store_deliveries",
        sa.Column("id", row_id, nullable=False),
        sa.Column("ticket_id", row_id, nullable=False),
        sa.Column("connection_id", row_id, nullable=False),
        sa.Column("decision", row_id, nullable=False),
        sa.Column("marker", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("expect", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("seen_version", sa.Text(), nullable=False),
        sa.Column("urgency", row_id, nullable=False),
        *_outbox(),
        sa.ForeignKeyConstraint(["ticket_id"], ["desk_tickets.id"], name="fk_store_deliveries_ticket_id"),
        sa.ForeignKeyConstraint(["connection_id"], ["store_connections.id"], name="fk_store_deliveries_connection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_store_deliveries"),
        sa.UniqueConstraint("marker", name="uq_store_deliveries_marker"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_store_deliveries_state_due_at", "store_deliveries", ["state", "due_at"])
    op.create_index("ix_store_deliveries_ticket_id", "store_deliveries", ["ticket_id"])
    op.create_index("ix_store_deliveries_connection_id_id", "store_deliveries", ["connection_id", "id"])
    op.create_table(
        "notice_targets",
        sa.Column("id", row_id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notice_targets"),
        sa.UniqueConstraint("name", name="uq_notice_targets_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "notice_sendings",
        sa.Column("id", row_id, nullable=False),
        sa.Column("target_id", row_id, nullable=False),
        sa.Column("ticket_id", row_id, nullable=False),
        sa.Column("decision", row_id, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        *_outbox(),
        sa.ForeignKeyConstraint(["target_id"], ["notice_targets.id"], name="fk_notice_sendings_target_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice_sendings"),
        sa.UniqueConstraint("target_id", "decision", name="uq_notice_sendings_target_id_decision"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notice_sendings_state_due_at", "notice_sendings", ["state", "due_at"])
    op.create_table(
        "engine_executors",
        sa.Column("slot", row_id, nullable=False, autoincrement=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("slot", name="pk_engine_executors"),
    )


def _outbox() -> list[sa.Column[Any]]:
    return [
        sa.Column("begun", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", row_id, nullable=False),
        sa.Column("tries", row_id, nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
    ]
