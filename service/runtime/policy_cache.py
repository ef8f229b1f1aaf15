"""What is asked and what the desk has, as it was at most half a second ago: for answers that write nothing.

In comes the database, out go a policy and the whole catalogue. Whoever writes reads anew inside the transaction.
"""

import threading
import time
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool

from deskyard.db.database import Database
from deskyard.desk import catalogue as floor
from deskyard.domain.catalogue import Catalogue
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies

MAX_AGE: Final = 0.5
"""Seconds that a look lasts."""


@dataclass(frozen=True, slots=True)
class DeskSnapshot:
    """The policy in force and what the desk has."""

    policy: Policy
    catalogue: Catalogue


class PolicyCache:
    """The last look at the database; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Nothing is read until somebody looks."""
        self._database = database
        self._snapshot: DeskSnapshot | None = None
        self._expires_at = 0.0
        self._lock = threading.Lock()

    async def get(self) -> DeskSnapshot:
        """The last look, or a new one if that is too old."""
        if self._snapshot is not None and time.monotonic() < self._expires_at:
            return self._snapshot
        return await run_in_threadpool(self._load)

    def invalidate(self) -> None:
        """Look anew the next time: this process has just changed something."""
        self._expires_at = 0.0

    def _load(self) -> DeskSnapshot:
        with self._lock:
            if self._snapshot is None or time.monotonic() >= self._expires_at:
                until = time.monotonic() + MAX_AGE
                with self._database.reading() as conn:
                    self._snapshot = DeskSnapshot(Policies.current(conn).policy, floor.load_catalogue(conn))
                self._expires_at = until
            return self._snapshot
