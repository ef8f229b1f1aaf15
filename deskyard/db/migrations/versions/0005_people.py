"""People: users and their sessions, leases and blind reviews of the review desk, requesters' status links."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_index(
        "ix_desk_tickets_status_queue_id_received_at", "desk_tickets", ["status", "queue_id", "received_at"]
    )
    op.create_index("ix_desk_tickets_received_at", "desk_tickets", ["received_at"])
    op.create_index("ix_desk_tickets_requester_id", "desk_tickets", ["requester", "id"])
    op.create_index("ix_journal_entries_kind_at", "journal_entries", ["kind", "at"])
    op.add_column("desk_comments", sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_desk_comments_shared",
        "desk_comments",
        ["id"],
        sqlite_where=sa.text("shared"),
        postgresql_where=sa.text("shared"),
    )
    op.create_table(
        "access_users",
        sa.Column("id", row_id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("totp", sa.Text(), nullable=True),
        sa.Column("totp_used", row_id, nullable=False),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("disabled_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_users"),
        sa.UniqueConstraint("name", name="uq_access_users_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "access_sessions",
        sa.Column("id", row_id, nullable=False),
        sa.Column("user_id", row_id, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["access_users.id"], name="fk_access_sessions_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_access_sessions"),
        sa.UniqueConstraint("sha256", name="uq_access_sessions_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_access_sessions_user_id", "access_sessions", ["user_id"])
    op.create_table(
        "access_invitations",
        sa.Column("id", row_id, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_invitations"),
        sa.UniqueConstraint("sha256", name="uq_access_invitations_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "desk_leases",
        sa.Column("ticket_id", row_id, nullable=False, autoincrement=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["desk_tickets.id"], name="fk_desk_leases_ticket_id"),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_desk_leases"),
    )
    op.create_table(
        "desk_blind",
        sa.Column("ticket_id", row_id, nullable=False, autoincrement=False),
        sa.Column("decision", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["desk_tickets.id"], name="fk_desk_blind_ticket_id"),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_desk_blind"),
    )
    op.create_index("ix_desk_blind_answered_at", "desk_blind", ["answered_at"])
    op.create_table(
        "desk_status_links",
        sa.Column("ticket_id", row_id, nullable=False, autoincrement=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("stars", row_id, nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("rated_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["desk_tickets.id"], name="fk_desk_status_links_ticket_id"),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_desk_status_links"),
        sa.UniqueConstraint("sha256", name="uq_desk_status_links_sha256"),
    )


def downgrade() -> None:
    tables = ("desk_status_links", "desk_blind", "desk_leases", "access_invitations", "access_sessions", "access_users")
    for table in tables:
        op.drop_table(table)
    op.drop_index("ix_desk_comments_shared", "desk_comments")
    op.drop_column("desk_comments", "shared")
    op.drop_index("ix_journal_entries_kind_at", "journal_entries")
    op.drop_index("ix_desk_tickets_requester_id", "desk_tickets")
    op.drop_index("ix_desk_tickets_received_at", "desk_tickets")
    op.drop_index("ix_desk_tickets_status_queue_id_received_at", "desk_tickets")
