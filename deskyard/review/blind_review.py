"""Blind review: a share of routed tickets is also triaged by a person who does not see the prediction.

Whoever does not see a prediction is not influenced by it, so the rate of agreement estimates the accuracy. Whether a
ticket is in the sample is decided by its hash when it is received: neither its later history nor anybody's choice
matters.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from deskyard.db.tables.review import BLIND_REVIEWS


@dataclass(frozen=True, slots=True)
class BlindReview:
    """A ticket in the sample, and the queue that a person chose, if one did."""

    ticket: int
    decision: int
    at: datetime
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None


def is_sampled(ticket_hash: str, share: float) -> bool:
    """Whether a ticket with this SHA-256 is in a sample of this share (0..1).

    >>> [is_sampled(f"{n:02x}" * 32, 0.25) for n in (0x00, 0x3f, 0x40, 0xff)], is_sampled("f" * 64, 1)
    ([True, True, False, False], True)
    """
    return int(ticket_hash[:8], 16) < share * 2**32


def request_reviews(conn: Connection, decisions: Mapping[int, int], at: datetime) -> None:
    """Add tickets to the sample: number → the journal's number of the decision that routed it."""
    rows = [{"ticket_id": ticket, "decision": decision, "at": at} for ticket, decision in decisions.items()]
    if rows:
        conn.execute(insert(BLIND_REVIEWS), rows)


def find_review(conn: Connection, number: int, *, for_update: bool = False) -> BlindReview | None:
    """The blind review of a ticket; None where it is not in the sample."""
    row = conn.execute(_LOCKED if for_update else _READ, {"number": number}).first()
    return None if row is None else _to_review(row)


def load_answers(conn: Connection, numbers: Collection[int], until: datetime | None = None) -> dict[int, str]:
    """Ticket → the queue that a person chose, for those of these tickets that were reviewed (by `until`)."""
    statement = select(BLIND_REVIEWS).where(BLIND_REVIEWS.c.ticket_id.in_(numbers), BLIND_REVIEWS.c.answer.is_not(None))
    statement = statement if until is None else statement.where(BLIND_REVIEWS.c.answered_at <= until)
    return {row.ticket_id: row.answer for row in conn.execute(statement)}


def record_answer(conn: Connection, number: int, queue: str | None, by: str | None, at: datetime | None) -> None:
    """Store a person's answer, or remove it (None)."""
    statement = update(BLIND_REVIEWS).where(BLIND_REVIEWS.c.ticket_id == number)
    conn.execute(statement.values(answer=queue, answered_by=by, answered_at=at))


_READ: Final = select(BLIND_REVIEWS).where(BLIND_REVIEWS.c.ticket_id == bindparam("number"))
_LOCKED: Final = _READ.with_for_update()


def _to_review(row: Row[Any]) -> BlindReview:
    return BlindReview(row.ticket_id, row.decision, row.at, row.answer, row.answered_by, row.answered_at)
