"""Agents, comments, versions and statuses of tickets, the model in use, keys and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.add_column("desk_queues", sa.Column("default_priority", sa.Text(), nullable=True))
    op.add_column("desk_queues", sa.Column("default_assignee", sa.Text(), nullable=True))
    op.create_table(
        "desk_agents",
        sa.Column("id", row_id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_desk_agents"),
        sa.UniqueConstraint("name", name="uq_desk_agents_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "desk_service",
        sa.Column("agent_id", row_id, nullable=False),
        sa.Column("queue_id", row_id, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["desk_agents.id"], name="fk_desk_service_agent_id"),
        sa.ForeignKeyConstraint(["queue_id"], ["desk_queues.id"], name="fk_desk_service_queue_id"),
        sa.PrimaryKeyConstraint("agent_id", "queue_id", name="pk_desk_service"),
    )
    with op.batch_alter_table("desk_tickets") as table:
        table.add_column(sa.Column("version", row_id, nullable=True))
        table.add_column(sa.Column("key", sa.Text(), nullable=True))
        table.add_column(sa.Column("updated_at", moment, nullable=True))
        table.add_column(sa.Column("status", sa.Text(), nullable=True))
    op.execute("UPDATE desk_tickets SET version = 1, status = 'new', updated_at = received_at")
    with op.batch_alter_table("desk_tickets", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("version", existing_type=row_id, nullable=False)
        table.alter_column("updated_at", existing_type=moment, nullable=False)
        table.alter_column("status", existing_type=sa.Text(), nullable=False)
    op.create_index("ix_desk_tickets_source_key", "desk_tickets", ["source", "key"], unique=True)
    op.create_index("ix_desk_tickets_updated_at_id", "desk_tickets", ["updated_at", "id"])
    op.create_table(
        "desk_comments",
        sa.Column("id", row_id, nullable=False),
        sa.Column("ticket_id", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["desk_tickets.id"], name="fk_desk_comments_ticket_id"),
        sa.PrimaryKeyConstraint("id", name="pk_desk_comments"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_desk_comments_ticket_id_id", "desk_comments", ["ticket_id", "id"])
    op.create_index("ix_desk_comments_ticket_id_key", "desk_comments", ["ticket_id", "key"], unique=True)
    op.add_column("desk_journey", sa.Column("decision", row_id, nullable=True))
    op.create_table(
        "active_model",
        sa.Column("id", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_active_model"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "access_keys",
        sa.Column("id", row_id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_keys"),
        sa.UniqueConstraint("name", name="uq_access_keys_name"),
        sa.UniqueConstraint("sha256", name="uq_access_keys_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "access_audit",
        sa.Column("id", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_audit"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    for name in ("access_audit", "access_keys", "active_model", "desk_comments"):
        op.drop_table(name)
    op.drop_column("desk_journey", "decision")
    op.drop_index("ix_desk_tickets_updated_at_id", "desk_tickets")
    op.drop_index("ix_desk_tickets_source_key", "desk_tickets")
    with op.batch_alter_table("desk_tickets", table_kwargs={"sqlite_autoincrement": True}) as table:
        for name in ("status", "updated_at", "key", "version"):
            table.drop_column(name)
    op.drop_table("desk_service")
    op.drop_table("desk_agents")
    with op.batch_alter_table("desk_queues", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("default_assignee")
        table.drop_column("default_priority")
