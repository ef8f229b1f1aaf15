"""The built-in desk (queues, tickets, ticket histories: `desk_journey`) and the journal."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "desk_queues",
        sa.Column("id", row_id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_desk_queues"),
        sa.UniqueConstraint("name", name="uq_desk_queues_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "desk_tickets",
        sa.Column("id", row_id, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("queue_id", row_id, nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=True),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["queue_id"], ["desk_queues.id"], name="fk_desk_tickets_queue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_desk_tickets"),
        sa.UniqueConstraint("source", "external_id", name="uq_desk_tickets_source_external_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_desk_tickets_queue_id_id", "desk_tickets", ["queue_id", "id"])
    op.create_table(
        "desk_journey",
        sa.Column("id", row_id, nullable=False),
        sa.Column("ticket_id", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=True),
        sa.Column("became", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["desk_tickets.id"], name="fk_desk_journey_ticket_id"),
        sa.PrimaryKeyConstraint("id", name="pk_desk_journey"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_desk_journey_ticket_id_id", "desk_journey", ["ticket_id", "id"])
    op.create_table(
        "journal_entries",
        sa.Column("id", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ticket_id", row_id, nullable=False),
        sa.Column("ticket_hash", sa.Text(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_entries"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_entries_ticket_id_id", "journal_entries", ["ticket_id", "id"])


def downgrade() -> None:
    op.drop_table("journal_entries")
    op.drop_table("desk_journey")
    op.drop_table("desk_tickets")
    op.drop_table("desk_queues")
