"""Failures to sign in are counted in the database, and browsers in which users have signed in are known."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "access_sign_in_failures",
        sa.Column("id", row_id, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_sign_in_failures")),
        sa.UniqueConstraint("sha256", name=op.f("uq_access_sign_in_failures_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_access_sign_in_failures_until"), "access_sign_in_failures", ["until"])
    op.create_table(
        "access_known_browsers",
        sa.Column("id", row_id, nullable=False),
        sa.Column("user_id", row_id, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["access_users.id"], name=op.f("fk_access_known_browsers_user_id_access_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_known_browsers")),
        sa.UniqueConstraint("sha256", name=op.f("uq_access_known_browsers_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_access_known_browsers_user_id"), "access_known_browsers", ["user_id"])


def downgrade() -> None:
    op.drop_table("access_known_browsers")
    op.drop_table("access_sign_in_failures")
