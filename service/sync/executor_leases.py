"""Leases on executor slots: each process that does durable work holds a numbered slot and renews its lease.

The unfinished work of a dead process is found under the name of its slot. On SQLite there is one slot, held by the
process that locks a file beside the database, so that only one process works; the lock ends with its process.
"""

import fcntl
import os
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import IO, Final, cast

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from deskyard.db.database import Database
from deskyard.db.tables.sync import EXECUTORS

LEASE: Final = timedelta(seconds=12)
"""A process that has not renewed its lease for so long is taken for dead."""

RENEW_INTERVAL: Final = 3.0
"""Seconds between two renewals."""


class ExecutorLeases:
    """The lease of this process, and what is known of other processes."""

    def __init__(self, database: Database) -> None:
        """No slot is held yet."""
        self.process_id = uuid.uuid4().hex
        self.slot: int | None = None
        self._database = database
        self._file: IO[str] | None = None

    @property
    def name(self) -> str:
        """The executor name of this process in DBOS; stored, so it keeps its form."""
        return f"place-{self.slot}"

    def acquire(self) -> bool:
        """Take the lowest slot whose holder is dead, or a new one. False if there is none (SQLite: it is held)."""
        if self._database.is_sqlite and not self._lock():
            return False
        while True:
            try:
                with self._database.writing() as conn:
                    self.slot = self._claim_slot(conn)
                return True
            except IntegrityError:  # another process took the same new slot
                continue

    def renew(self) -> bool:
        """Renew the lease. False if another process has taken the slot."""
        with self._database.writing() as conn:
            mine = (EXECUTORS.c.slot == self.slot) & (EXECUTORS.c.process == self.process_id)
            done = conn.execute(update(EXECUTORS).where(mine).values(seen_at=_now(conn)))
            return bool(done.rowcount)

    def living_processes(self, conn: Connection) -> Callable[[str], bool]:
        """A function that tells whether a process is alive."""
        if self._database.is_sqlite:
            return lambda process: process == self.process_id
        alive = set(conn.scalars(select(EXECUTORS.c.process).where(EXECUTORS.c.seen_at > _now(conn) - LEASE)))
        return alive.__contains__

    def expired_executors(self) -> list[str]:
        """The executor names of the slots whose holders are dead."""
        with self._database.reading() as conn:
            rows = conn.scalars(select(EXECUTORS.c.slot).where(EXECUTORS.c.seen_at <= _now(conn) - LEASE))
            return [f"place-{slot}" for slot in rows if slot != self.slot]

    def release(self) -> None:
        """Release the slot."""
        if self.slot is not None:
            with self._database.writing() as conn:
                mine = (EXECUTORS.c.slot == self.slot) & (EXECUTORS.c.process == self.process_id)
                conn.execute(update(EXECUTORS).where(mine).values(seen_at=_now(conn) - 2 * LEASE))
        self.slot = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _claim_slot(self, conn: Connection) -> int:
        now, found = (
            _now(conn),
            conn.execute(select(EXECUTORS).order_by(EXECUTORS.c.slot).with_for_update()).all(),
        )
        for row in found:
            if self._database.is_sqlite or row.seen_at <= now - LEASE:
                here = EXECUTORS.c.slot == row.slot
                conn.execute(update(EXECUTORS).where(here).values(process=self.process_id, seen_at=now))
                return int(row.slot)
        conn.execute(insert(EXECUTORS), [{"slot": len(found), "process": self.process_id, "seen_at": now}])
        return len(found)

    def _lock(self) -> bool:
        path = f"{self._database.url.database}.work"
        file = self._file or open(path, "a")  # noqa: SIM115 - held as long as this process works
        os.set_inheritable(file.fileno(), False)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            self._file = None
            return False
        self._file = file
        return True


def _now(conn: Connection) -> datetime:
    """The time of the database, which all machines share."""
    if conn.dialect.name == "sqlite":
        return datetime.now().astimezone()
    return cast(datetime, conn.scalar(select(func.clock_timestamp())))
