"""The tables, one module for each owner; importing any of them puts all of them into `METADATA`.

They work on SQLite and PostgreSQL alike. The text below a table says what one row of it is. To change a table, change
it here and add a step to `deskyard.db.migrations`.
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
