"""The tables, one module for each owner; importing any of them puts all of them into `METADATA`.

They work on SQLite and PostgreSQL alike. A table is changed by a new step in `deskyard.db.migrations`.
"""

from deskyard.db.tables import analytics, auth, breaker, desk, journal, notifications, policy, registry, review, sync
from deskyard.db.tables.base import METADATA

__all__ = [
    "METADATA",
    "analytics",
    "auth",
    "breaker",
    "desk",
    "journal",
    "notifications",
    "policy",
    "registry",
    "review",
    "sync",
]
