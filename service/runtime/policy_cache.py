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

FRESH: Final = 0.5
"""Seconds that a look lasts."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The policy in force and what the desk has."""

    policy: Policy
    catalogue: Catalogue


class Glance:
    """The last look at the database; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Nothing is read until somebody looks."""
        self._database = database
        self._seen: Seen | None = None
        self._until = 0.0
        self._one_at_a_time = threading.Lock()

    async def look(self) -> Seen:
        """The last look, or a new one if that is too old."""
        if self._seen is not None and time.monotonic() < self._until:
            return self._seen
        return await run_in_threadpool(self._look)

    def forget(self) -> None:
        """Look anew the next time: this process has just changed something."""
        self._until = 0.0

    def _look(self) -> Seen:
        with self._one_at_a_time:
            if self._seen is None or time.monotonic() >= self._until:
                until = time.monotonic() + FRESH
                with self._database.reading() as conn:
                    self._seen = Seen(Policies.current(conn).policy, floor.catalogue(conn))
                self._until = until
            return self._seen
