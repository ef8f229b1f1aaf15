"""What all tables share: the metadata, the names of constraints, and types of columns."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, String, TypeDecorator
from sqlalchemy.types import TypeEngine

PREFIXES: Final = (
    "desk_", "journal_", "policy_", "active_", "access_", "store_", "notice_", "engine_", "report_", "learning_",
)  # fmt: skip
"""Prefixes of the names of deskyard's tables; other tables in the database belong to others."""

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All our tables. Every constraint has a name, because a migration can only change what has one.

`sqlite_autoincrement=True` in a table means that a number is never used twice, not even after the last row was
deleted. PostgreSQL always does so.
"""

INT64: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit integer on both databases (INTEGER in SQLite)."""

ROW_ID: Final = INT64
"""The number of a row. SQLite numbers rows only in a column of the type INTEGER."""


class Moment(TypeDecorator[datetime]):
    """A moment with a time zone, stored in UTC; in SQLite as ISO 8601 text that sorts by time.

    A datetime without a time zone raises ValueError.
    """

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type: TIMESTAMP WITH TIME ZONE in PostgreSQL, text in SQLite."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """The stored value, in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The stored value as a datetime in UTC."""
        if value is None:
            return None
        return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(UTC)
