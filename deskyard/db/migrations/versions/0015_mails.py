"""Mails are known by more than their Message-ID, and those that become no ticket are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "store_mails",
        sa.Column("id", row_id, nullable=False),
        sa.Column("connection_id", row_id, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("ticket_id", row_id, nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["store_connections.id"], name=op.f("fk_store_mails_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_mails")),
        sa.UniqueConstraint(
            "connection_id",
            "message_id",
            "fingerprint",
            name=op.f("uq_store_mails_connection_id_message_id_fingerprint"),
        ),
        sa.UniqueConstraint("connection_id", "external_id", name=op.f("uq_store_mails_connection_id_external_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_store_mails_ticket_id"), "store_mails", ["ticket_id"])
    op.create_table(
        "store_left_out_mails",
        sa.Column("id", row_id, nullable=False),
        sa.Column("connection_id", row_id, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("ticket_id", row_id, nullable=True),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["store_connections.id"], name=op.f("fk_store_left_out_mails_connection_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_left_out_mails")),
        sa.UniqueConstraint(
            "connection_id",
            "message_id",
            "fingerprint",
            name=op.f("uq_store_left_out_mails_connection_id_message_id_fingerprint"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_store_left_out_mails_connection_id_id"), "store_left_out_mails", ["connection_id", "id"])


def downgrade() -> None:
    op.drop_table("store_left_out_mails")
    op.drop_table("store_mails")
