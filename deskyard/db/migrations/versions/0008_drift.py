"""Drift: people's reviews of predictions, and the circuit breaker's openings."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    # All rows are computed again (`deskyard.analytics.ticket_facts.RULES_VERSION`): their present content is not kept.
    with op.batch_alter_table("report_answers") as answers:
        answers.add_column(sa.Column("heard", sa.Text(), nullable=False, server_default=""))
        answers.add_column(sa.Column("agreed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_report_answers_target_fate_ticket_id", "report_answers", ["target", "fate", "ticket_id"])
    with op.batch_alter_table("notice_sendings") as sendings:
        sendings.drop_constraint("uq_notice_sendings_target_id_decision", type_="unique")
        sendings.create_unique_constraint(
            "uq_notice_sendings_target_id_decision_event_queue", ["target_id", "decision", "event", "queue"]
        )
    op.create_table(
        "policy_trips",
        sa.Column("id", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("ticket_id", row_id, nullable=False),
        sa.Column("wrong", row_id, nullable=False),
        sa.Column("of", row_id, nullable=False),
        sa.Column("promised", sa.Double(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_ticket", row_id, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_policy_trips"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_policy_trips_target_label", "policy_trips", ["target", "label"])


def downgrade() -> None:
    op.drop_table("policy_trips")
    with op.batch_alter_table("notice_sendings") as sendings:
        sendings.drop_constraint("uq_notice_sendings_target_id_decision_event_queue", type_="unique")
        sendings.create_unique_constraint("uq_notice_sendings_target_id_decision", ["target_id", "decision"])
    op.drop_index("ix_report_answers_target_fate_ticket_id", "report_answers")
    with op.batch_alter_table("report_answers") as answers:
        answers.drop_column("agreed")
        answers.drop_column("heard")
