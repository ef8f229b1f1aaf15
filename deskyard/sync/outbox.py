"""The outbox: rows of work to be done outside the database exactly once, even if workers die.

A row is waiting, working, done, or parked for a person. Each time it is handed out it gets a new `attempt`; only a
worker with the newest attempt may claim or settle it, so one that was given up for dead changes nothing when it comes
back. Deliveries and notifications both use it; what a row means is not known here.
"""

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, bindparam, delete, func, select, update

WAITING: Final = "waiting"
WORKING: Final = "working"
DONE: Final = "done"
PARKED: Final = "parked"

MAX_TRIES: Final = 12
"""Failures until a row is parked: about three quarters of an hour with the waits between them."""

MAX_WAIT: Final = 600.0


class Outbox:
    """The rows of one table."""

    def __init__(self, table: Table) -> None:
        """The table has the columns of `deskyard.db.tables.outbox`."""
        self.table = table
        self._select_one = select(table).where(table.c.id == bindparam("number"))
        self._locked = self._select_one.with_for_update()

    def get(self, conn: Connection, number: int) -> Row[Any] | None:
        """The row with that id; None if there is none."""
        return conn.execute(self._select_one, {"number": number}).first()

    def claim(
        self, conn: Connection, number: int, attempt: int, worker: str, is_alive: Callable[[str], bool], at: datetime
    ) -> Row[Any] | None:
        """Claim a row for this worker; returns it as it was before (`begun`: some of it may be done already). None if
        it is settled, was handed out again, or is claimed by a worker that is alive."""
        row = conn.execute(self._locked, {"number": number}).first()
        if row is None or row.attempt != attempt or row.state not in (WAITING, WORKING):
            return None
        if row.state == WORKING and row.worker is not None and row.worker != worker and is_alive(row.worker):
            return None
        self._set(conn, number, state=WORKING, worker=worker, begun=True, due_at=at)
        return row

    def is_claimed_by(self, conn: Connection, number: int, attempt: int, worker: str) -> bool:
        """Whether this worker still holds the claim; locks the row for settling."""
        row = conn.execute(self._locked, {"number": number}).first()
        return row is not None and row.state == WORKING and row.attempt == attempt and row.worker == worker

    def complete(self, conn: Connection, number: int, result: str, why: Mapping[str, str], at: datetime) -> None:
        """Mark a row as done."""
        self._set(conn, number, state=DONE, result=result, why=dict(why), ended_at=at, worker=None)

    def park(self, conn: Connection, number: int, result: str, why: Mapping[str, str], at: datetime) -> None:
        """Park a row: a person must look at it."""
        self._set(conn, number, state=PARKED, result=result, why=dict(why), ended_at=at, worker=None)

    def reschedule(
        self,
        conn: Connection,
        row: Row[Any],
        why: Mapping[str, str],
        at: datetime,
        after: float | None,
        *,
        is_failure: bool,
    ) -> tuple[int, float] | None:
        """Schedule another attempt in `after` seconds or later: the new attempt and the wait in seconds. None if the
        row failed too often and was parked. `is_failure`: this attempt counts as a failure."""
        tries = row.tries + is_failure
        if tries >= MAX_TRIES:
            self.park(conn, row.id, "gave_up", why, at)
            return None
        wait = max(after or 0.0, min(MAX_WAIT, 2.0**tries) if is_failure else 0.0) * random.uniform(1.0, 1.3)
        due = at + timedelta(seconds=wait)
        self._set(
            conn, row.id, state=WAITING, attempt=row.attempt + 1, tries=tries, due_at=due, why=dict(why), worker=None
        )
        return row.attempt + 1, wait

    def retry_parked(self, conn: Connection, number: int, at: datetime) -> int | None:
        """Try a parked row again, as a person asked: the new attempt; None for a row that is not parked."""
        row = conn.execute(self._locked, {"number": number}).first()
        if row is None or row.state != PARKED:
            return None
        self._set(conn, number, state=WAITING, attempt=row.attempt + 1, tries=0, due_at=at, result="", ended_at=None)
        return int(row.attempt) + 1

    def reassign(self, conn: Connection, number: int, attempt: int, at: datetime) -> int | None:
        """Hand out a row again whose worker is gone: the new attempt; None if somebody else did so before."""
        row = conn.execute(self._locked, {"number": number}).first()
        if row is None or row.attempt != attempt or row.state not in (WAITING, WORKING):
            return None
        self._set(conn, number, state=WAITING, attempt=attempt + 1, due_at=at, worker=None)
        return attempt + 1

    def overdue(self, conn: Connection, before: datetime, limit: int) -> list[Row[Any]]:
        """Rows that should have been settled before then, the longest overdue first; at most `limit`."""
        table = self.table
        rows = select(table).where(table.c.state.in_((WAITING, WORKING)), table.c.due_at < before)
        return list(conn.execute(rows.order_by(table.c.due_at).limit(limit)))

    def count_by_state(self, conn: Connection) -> dict[str, int]:
        """State → number of rows."""
        rows = select(self.table.c.state, func.count()).group_by(self.table.c.state)
        return {state: int(n) for state, n in conn.execute(rows)}

    def delete_done(self, conn: Connection, before: datetime) -> None:
        """Delete the rows that were done before then."""
        table = self.table
        conn.execute(delete(table).where(table.c.state == DONE, table.c.ended_at < before))

    def _set(self, conn: Connection, number: int, **values: Any) -> None:
        conn.execute(update(self.table).where(self.table.c.id == number).values(**values))
