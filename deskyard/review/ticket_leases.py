"""Leases of tickets in the review queue, so that two people do not triage the same one.

A lease expires. It does not lock the ticket: the first change wins, by the ticket's version.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, select, update

from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.review import REVIEW_LEASES

LEASE_DURATION: Final = timedelta(minutes=3)
"""Duration of a lease; the page renews it every minute."""


def acquire_lease(conn: Connection, number: int, holder: str, at: datetime) -> bool:
    """Acquire or renew the lease of a ticket; False where somebody else holds it."""
    row = {"ticket_id": number, "holder": holder, "until": at + LEASE_DURATION}
    conn.execute(insert_or_ignore(conn, REVIEW_LEASES), [row])
    free = (REVIEW_LEASES.c.holder == holder) | (REVIEW_LEASES.c.until <= at)
    statement = update(REVIEW_LEASES).where(REVIEW_LEASES.c.ticket_id == number, free)
    return bool(
        conn.execute(
            statement.values(holder=holder, until=at + LEASE_DURATION).returning(REVIEW_LEASES.c.ticket_id)
        ).first()
    )


def release_leases(conn: Connection, holder: str, kept: Collection[int] = ()) -> None:
    """Release the leases of a holder, except those of the tickets `kept`."""
    conn.execute(
        delete(REVIEW_LEASES).where(REVIEW_LEASES.c.holder == holder, REVIEW_LEASES.c.ticket_id.not_in(list(kept)))
    )


def list_holders(conn: Connection, at: datetime) -> dict[int, str]:
    """Ticket → the holder of its lease now."""
    return dict(
        conn.execute(select(REVIEW_LEASES.c.ticket_id, REVIEW_LEASES.c.holder).where(REVIEW_LEASES.c.until > at)).all()
    )
