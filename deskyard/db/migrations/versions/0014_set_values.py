"""What a delivery writes into a foreign ticket is called by its own name."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE store_deliveries RENAME COLUMN wanted TO set_values")


def downgrade() -> None:
    op.execute("ALTER TABLE store_deliveries RENAME COLUMN set_values TO wanted")
