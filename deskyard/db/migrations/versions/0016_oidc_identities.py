"""Users of OpenID Connect are known by the provider's own identifier, not by a name."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("access_users", sa.Column("oidc_issuer", sa.Text(), nullable=True))
    op.add_column("access_users", sa.Column("oidc_subject", sa.Text(), nullable=True))
    op.create_index(op.f("ix_access_users_oidc"), "access_users", ["oidc_issuer", "oidc_subject"], unique=True)


def downgrade() -> None:
    op.drop_index(op.f("ix_access_users_oidc"), "access_users")
    op.drop_column("access_users", "oidc_subject")
    op.drop_column("access_users", "oidc_issuer")
