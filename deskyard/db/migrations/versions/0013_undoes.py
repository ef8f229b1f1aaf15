"""An undo step names the decision it reverts in its own column; before, only its actor's name did."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

STEPS = sa.table("desk_journey", *map(sa.column, ("id", "actor_kind", "actor", "why", "undoes")))
WHY = re.compile(r"decision (\d+) was undone")


def upgrade() -> None:
    op.add_column("desk_journey", sa.Column("undoes", row_id, nullable=True))
    connection = op.get_bind()
    mine = (STEPS.c.actor_kind == "rule") & STEPS.c.actor.startswith("undo by ")
    rows = connection.execute(sa.select(STEPS.c.id, STEPS.c.why).where(mine)).all()
    found = [{"number": row.id, "decision": int(told[1])} for row in rows if (told := WHY.fullmatch(row.why))]
    if found:
        same = STEPS.c.id == sa.bindparam("number")
        connection.execute(STEPS.update().where(same).values(undoes=sa.bindparam("decision")), found)


def downgrade() -> None:
    op.drop_column("desk_journey", "undoes")
