"""Who does the durable work: each process holds a numbered place, and shows every few seconds that it lives.

In comes the database, out goes a place that stays the same as long as its holder lives, so that what a dead process
left unfinished is found under its place's name. On SQLite there is one place, and the process that locks a file beside
the database holds it: no second one works at the same time, and the lock falls the moment its holder dies.
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
"""A process that was not heard for so long is dead."""

RENEW_INTERVAL: Final = 3.0
"""Seconds between two signs of life."""


class ExecutorLeases:
    """This process among all that work on a database."""

    def __init__(self, database: Database) -> None:
        """Nothing is held yet."""
        self.process_id = uuid.uuid4().hex
        self.slot: int | None = None
        self._database = database
        self._file: IO[str] | None = None

    @property
    def name(self) -> str:
        """The name under which this process's work is found again."""
        return f"place-{self.slot}"

    def acquire(self) -> bool:
        """Take the lowest place whose holder is dead. False where none is free (SQLite: another process works)."""
        if self._database.is_sqlite and not self._lock():
            return False
        while True:
            try:
                with self._database.writing() as conn:
                    self.slot = self._claim_slot(conn)
                return True
            except IntegrityError:  # another process took the same new place
                continue

    def renew(self) -> bool:
        """Show that we live. False where somebody took us for dead and holds our place now."""
        with self._database.writing() as conn:
            mine = (EXECUTORS.c.slot == self.slot) & (EXECUTORS.c.process == self.process_id)
            done = conn.execute(update(EXECUTORS).where(mine).values(seen_at=_now(conn)))
            return bool(done.rowcount)

    def living_processes(self, conn: Connection) -> Callable[[str], bool]:
        """Whether a process lives."""
        if self._database.is_sqlite:
            return lambda process: process == self.process_id
        alive = set(conn.scalars(select(EXECUTORS.c.process).where(EXECUTORS.c.seen_at > _now(conn) - LEASE)))
        return alive.__contains__

    def expired_executors(self) -> list[str]:
        """The names of the places whose holders are dead."""
        with self._database.reading() as conn:
            rows = conn.scalars(select(EXECUTORS.c.slot).where(EXECUTORS.c.seen_at <= _now(conn) - LEASE))
            return [f"place-{slot}" for slot in rows if slot != self.slot]

    def release(self) -> None:
        """Give the place up."""
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
    """The database's clock, which all machines share."""
    if conn.dialect.name == "sqlite":
        return datetime.now().astimezone()
    return cast(datetime, conn.scalar(select(func.clock_timestamp())))
