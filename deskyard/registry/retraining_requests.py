"""Wanted: why a retraining is wanted, who has begun it, and what came of it.

In come sessions, whose owner commits, and reasons (a schedule, corrections, drift, a person); out go wishes. A reason
that is held already is not wanted twice. Whoever notices that the model no longer fits calls `request_retraining`; who
retrains calls
`claim_pending` and `finish_pending`. Trains nothing.
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
"""A retraining that began so long ago and did not end has died."""


@dataclass(frozen=True, slots=True)
class RetrainingRequest:
    """A reason to retrain: since when, which, in a sentence; when somebody began; when it ended and what came of it,
    the bundle's name and a sentence."""

    id: int
    at: datetime
    why: RequestReason
    text: str
    begun_at: datetime | None
    ended_at: datetime | None
    bundle: str
    outcome: str


def request_retraining(conn: Connection, reason: RequestReason, text: str, at: datetime) -> None:
    """Want a retraining for a reason, unless it is wanted for that already."""
    row = {
        "at": at,
        "why": reason,
        "text": text,
        "held": reason,
        "begun_at": None,
        "ended_at": None,
        "bundle": "",
        "outcome": "",
    }
    conn.execute(insert_or_ignore(conn, RETRAINING_REQUESTS), row)


def list_pending(conn: Connection) -> list[RetrainingRequest]:
    """What is wanted and has not ended, oldest first."""
    return [
        _to_request(row)
        for row in conn.execute(
            select(RETRAINING_REQUESTS)
            .where(RETRAINING_REQUESTS.c.held.is_not(None))
            .order_by(RETRAINING_REQUESTS.c.id)
        )
    ]


def claim_pending(conn: Connection, at: datetime) -> bool:
    """Begin what is wanted; False where nothing is, or somebody else has begun."""
    mine = (
        select(RETRAINING_REQUESTS)
        .where(RETRAINING_REQUESTS.c.held.is_not(None))
        .order_by(RETRAINING_REQUESTS.c.id)
        .with_for_update()
    )
    rows = conn.execute(mine).all()
    if not rows or any(row.begun_at is not None and row.begun_at > at - ABANDONED_AFTER for row in rows):
        return False
    conn.execute(update(RETRAINING_REQUESTS).where(RETRAINING_REQUESTS.c.held.is_not(None)).values(begun_at=at))
    return True


def release_claim(conn: Connection) -> None:
    """What was claimed could not be begun, and may be claimed again."""
    conn.execute(update(RETRAINING_REQUESTS).where(RETRAINING_REQUESTS.c.held.is_not(None)).values(begun_at=None))


def finish_pending(conn: Connection, bundle: str, outcome: str, at: datetime, requested_until: datetime) -> None:
    """A retraining ended with that bundle: everything that was wanted before it began (`until`) is answered."""
    mine = RETRAINING_REQUESTS.c.held.is_not(None) & (RETRAINING_REQUESTS.c.at <= requested_until)
    conn.execute(update(RETRAINING_REQUESTS).where(mine).values(held=None, ended_at=at, bundle=bundle, outcome=outcome))


def record_retraining(
    conn: Connection, reason: RequestReason, text: str, bundle: str, outcome: str, begun_at: datetime, at: datetime
) -> None:
    """Write down a retraining that nobody had wished for before."""
    row = {"at": begun_at, "why": reason, "text": text, "held": None, "begun_at": begun_at, "ended_at": at}
    conn.execute(insert(RETRAINING_REQUESTS), row | {"bundle": bundle, "outcome": outcome})


def get_last_finished(conn: Connection) -> RetrainingRequest | None:
    """The retraining that ended last."""
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
    """Which of these reasons there are to retrain a model of the moment `trained`: so much time has gone since, or
    since the last retraining, or people have corrected so often."""
    before = get_last_finished(conn)
    since = max(trained_at, before.ended_at) if before and before.ended_at else trained_at
    found: list[tuple[RequestReason, str]] = []
    if max_age is not None and at - since >= max_age:
        found.append(("schedule", f"the model was trained, or tried, {(at - since).days} days ago"))
    if min_corrections is not None and (n := count_corrections(conn, since)) >= min_corrections:
        found.append(("corrections", f"people have corrected {n:,} decisions since {since:%Y-%m-%d %H:%M} UTC"))
    return found


def count_corrections(conn: Connection, since: datetime) -> int:
    """How many times people have corrected the machine since."""
    mine = (JOURNAL_ENTRIES.c.kind == CORRECTED) & (JOURNAL_ENTRIES.c.at > since)
    return int(conn.scalar(select(func.count()).select_from(JOURNAL_ENTRIES).where(mine)) or 0)


def _to_request(row: Row[Any]) -> RetrainingRequest:
    return RetrainingRequest(**{name: value for name, value in row._mapping.items() if name != "held"})
