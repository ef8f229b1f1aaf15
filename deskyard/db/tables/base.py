"""What all tables have in common: their metadata, the names of constraints, the types of columns, and storable text."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, String, TypeDecorator
from sqlalchemy.types import TypeEngine

PREFIXES: Final = (
    "desk_", "journal_", "policy_", "active_", "access_", "store_", "notice_", "engine_", "report_", "learning_",
)  # fmt: skip
"""The names of our tables begin with one of these; any other table in the database belongs to somebody else."""

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All our tables. Every constraint has a name, because a migration can only change what has one.

`sqlite_autoincrement=True` in a table means that a number is never given twice, not even after the last row was
deleted. SQLite needs to be told; PostgreSQL does it anyway.
"""

INT64: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A whole number of 64 bits on both databases: that is what SQLite's INTEGER holds."""

ROW_ID: Final = INT64
"""The number of a row. SQLite counts rows by itself only in a column that is called INTEGER."""


class Moment(TypeDecorator[datetime]):
    """A moment with its time zone, kept in UTC; in SQLite as ISO 8601 text that sorts by time.

    A datetime without a zone is refused with ValueError: nobody could say which moment it is.
    """

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL has a type for it."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From UTC."""
        if value is None:
            return None
        return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(UTC)
