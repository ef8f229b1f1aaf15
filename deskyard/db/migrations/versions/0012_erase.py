"""What people wrote can be erased: hashes under a key of each ticket, which goes with its texts.

Hashes were plain before, so a guessed text could be verified. They get a key here; those of tickets that are gone get
one that is thrown away.
"""

import hashlib
import hmac
import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")

TICKETS = sa.table("desk_tickets", sa.column("id"), sa.column("salt"))
ENTRIES = sa.table("journal_entries", sa.column("id"), sa.column("ticket_id"), sa.column("ticket_hash"))
CHUNK = 5_000
"""Tickets whose hashes are keyed at once."""


def upgrade() -> None:
    op.add_column("desk_tickets", sa.Column("salt", sa.Text(), nullable=False, server_default=""))
    op.add_column("desk_tickets", sa.Column("erased_at", moment, nullable=True))
    connection = op.get_bind()
    after = 0
    while numbers := connection.scalars(_tickets(after)).all():
        after = int(numbers[-1])
        salts = {number: secrets.token_hex(16) for number in numbers}
        connection.execute(
            TICKETS.update().where(TICKETS.c.id == sa.bindparam("number")).values(salt=sa.bindparam("key")),
            [{"number": number, "key": salt} for number, salt in salts.items()],
        )
        rows = connection.execute(
            sa.select(ENTRIES.c.ticket_id, ENTRIES.c.ticket_hash).where(ENTRIES.c.ticket_id.in_(numbers)).distinct()
        ).all()
        if rows:
            same = (ENTRIES.c.ticket_id == sa.bindparam("number")) & (ENTRIES.c.ticket_hash == sa.bindparam("plain"))
            connection.execute(
                ENTRIES.update().where(same).values(ticket_hash=sa.bindparam("keyed")),
                [{"number": n, "plain": plain, "keyed": _keyed(salts[n], plain)} for n, plain in rows],
            )


def _tickets(after: int) -> sa.Select[Any]:
    """The next tickets, of the desk or of the journal only."""
    known = sa.union(sa.select(TICKETS.c.id), sa.select(ENTRIES.c.ticket_id)).subquery()
    return sa.select(known.c.id).where(known.c.id > after).order_by(known.c.id).limit(CHUNK)


def _keyed(salt: str, plain: str) -> str:
    return hmac.new(salt.encode(), plain.encode(), hashlib.sha256).hexdigest()


def downgrade() -> None:
    with op.batch_alter_table("desk_tickets") as table:
        table.drop_column("erased_at")
        table.drop_column("salt")
