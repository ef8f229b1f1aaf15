"""Requests to retrain: why a retraining is requested, who has started it, and its result.

Reasons are a schedule, corrections, drift or a person; a reason that is already requested is not requested twice.
Whoever notices that the model no longer fits calls `request_retraining`; whoever retrains calls `claim_pending` and
`finish_pending`. Functions take the caller's connection, which the caller commits. Trains nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.db.tables.registry import RETRAINING_REQUESTS
from deskyard.journal.journal import CORRECTED

RequestReason = Literal["schedule", "corrections", "drift", "person"]

ABANDONED_AFTER: Final = timedelta(hours=12)
"""A retraining that started longer ago and has not ended is taken for dead."""


@dataclass(frozen=True, slots=True)
class RetrainingRequest:
    """A request to retrain: when and why (`detail` is a sentence), when somebody started, when it ended, and its
    result: the name of a bundle and a sentence."""

    id: int
    at: datetime
    reason: RequestReason
    detail: str
    started_at: datetime | None
    ended_at: datetime | None
    bundle: str
    outcome: str


def request_retraining(conn: Connection, reason: RequestReason, detail: str, at: datetime) -> None:
    """Request a retraining, unless one is pending for the same reason."""
    row = {
        "at": at,
        "why": reason,
        "text": detail,
        "held": reason,
        "begun_at": None,
        "ended_at": None,
        "bundle": "",
        "outcome": "",
    }
    conn.execute(insert_or_ignore(conn, RETRAINING_REQUESTS), row)


def list_pending(conn: Connection) -> list[RetrainingRequest]:
    """The requests that have not ended, oldest first."""
    return [
        _to_request(row)
        for row in conn.execute(
            select(RETRAINING_REQUESTS)
            .where(RETRAINING_REQUESTS.c.held.is_not(None))
            .order_by(RETRAINING_REQUESTS.c.id)
        )
    ]


def claim_pending(conn: Connection, at: datetime) -> bool:
    """Claim all pending requests; False where there is none, or somebody else has claimed them."""
    pending = (
        select(RETRAINING_REQUESTS)
        .where(RETRAINING_REQUESTS.c.held.is_not(None))
        .order_by(RETRAINING_REQUESTS.c.id)
        .with_for_update()
    )
    rows = conn.execute(pending).all()
    if not rows or any(row.begun_at is not None and row.begun_at > at - ABANDONED_AFTER for row in rows):
        return False
    conn.execute(update(RETRAINING_REQUESTS).where(RETRAINING_REQUESTS.c.held.is_not(None)).values(begun_at=at))
    return True


def release_claim(conn: Connection) -> None:
    """Release the pending requests, whose retraining could not be started: they may be claimed again."""
    conn.execute(update(RETRAINING_REQUESTS).where(RETRAINING_REQUESTS.c.held.is_not(None)).values(begun_at=None))


def finish_pending(conn: Connection, bundle: str, outcome: str, at: datetime, requested_until: datetime) -> None:
    """Note that a retraining ended with that bundle, for all requests made until `requested_until` (its start)."""
    answered = RETRAINING_REQUESTS.c.held.is_not(None) & (RETRAINING_REQUESTS.c.at <= requested_until)
    conn.execute(
        update(RETRAINING_REQUESTS).where(answered).values(held=None, ended_at=at, bundle=bundle, outcome=outcome)
    )


def record_retraining(
    conn: Connection, reason: RequestReason, detail: str, bundle: str, outcome: str, started_at: datetime, at: datetime
) -> None:
    """Record a retraining that ended at `at` and that nobody had requested before."""
    row = {"at": started_at, "why": reason, "text": detail, "held": None, "begun_at": started_at, "ended_at": at}
    conn.execute(insert(RETRAINING_REQUESTS), row | {"bundle": bundle, "outcome": outcome})


def get_last_finished(conn: Connection) -> RetrainingRequest | None:
    """The retraining that ended last; None before the first."""
    row = conn.execute(
        select(RETRAINING_REQUESTS)
        .where(RETRAINING_REQUESTS.c.ended_at.is_not(None))
        .order_by(RETRAINING_REQUESTS.c.ended_at.desc())
        .limit(1)
    ).first()
    return None if row is None else _to_request(row)


def find_due_reasons(
    conn: Connection,
    trained_at: datetime,
    at: datetime,
    max_age: timedelta | None = None,
    min_corrections: int | None = None,
) -> list[tuple[RequestReason, str]]:
    """The reasons, with a sentence each, to retrain a model trained at `trained_at`: it and the last retraining
    are older than `max_age`, or people have corrected `min_corrections` decisions since (None: not checked)."""
    before = get_last_finished(conn)
    since = max(trained_at, before.ended_at) if before and before.ended_at else trained_at
    found: list[tuple[RequestReason, str]] = []
    if max_age is not None and at - since >= max_age:
        found.append(("schedule", f"the model was trained, or a retraining tried, {(at - since).days} days ago"))
    if min_corrections is not None and (n := count_corrections(conn, since)) >= min_corrections:
        found.append(("corrections", f"people have corrected {n:,} decisions since {since:%Y-%m-%d %H:%M} UTC"))
    return found


def count_corrections(conn: Connection, since: datetime) -> int:
    """How many decisions people have corrected since then."""
    corrections = (JOURNAL_ENTRIES.c.kind == CORRECTED) & (JOURNAL_ENTRIES.c.at > since)
    return int(conn.scalar(select(func.count()).select_from(JOURNAL_ENTRIES).where(corrections)) or 0)


def _to_request(row: Row[Any]) -> RetrainingRequest:
    return RetrainingRequest(row.id, row.at, row.why, row.text, row.begun_at, row.ended_at, row.bundle, row.outcome)
