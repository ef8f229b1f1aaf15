"""A cache of the policy and the catalogue for requests that store nothing.

Requests that store something read both again inside their transaction.
"""

import threading
import time
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool

from deskyard.db.database import Database
from deskyard.desk import catalogue as desk_catalogue
from deskyard.domain.catalogue import Catalogue
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies

MAX_AGE: Final = 0.5
"""Seconds for which the values are used without reading them again."""


@dataclass(frozen=True, slots=True)
class DeskSnapshot:
    """The policy in force, and the catalogue of the desk."""

    policy: Policy
    catalogue: Catalogue


class PolicyCache:
    """The policy and catalogue as last read from the database; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Nothing is read until the first `get`."""
        self._database = database
        self._snapshot: DeskSnapshot | None = None
        self._expires_at = 0.0
        self._lock = threading.Lock()

    async def get(self) -> DeskSnapshot:
        """The values as they were at most `MAX_AGE` seconds ago."""
        if self._snapshot is not None and time.monotonic() < self._expires_at:
            return self._snapshot
        return await run_in_threadpool(self._load)

    def invalidate(self) -> None:
        """Read again at the next `get`, because this process has just changed something."""
        self._expires_at = 0.0

    def _load(self) -> DeskSnapshot:
        with self._lock:
            if self._snapshot is None or time.monotonic() >= self._expires_at:
                expires_at = time.monotonic() + MAX_AGE
                with self._database.reading() as conn:
                    self._snapshot = DeskSnapshot(Policies.current(conn).policy, desk_catalogue.load_catalogue(conn))
                self._expires_at = expires_at
            return self._snapshot
