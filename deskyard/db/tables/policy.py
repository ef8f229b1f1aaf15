"""The table of policy versions."""

from typing import Final

from sqlalchemy import Column, Table, Text

from deskyard.db.tables.base import METADATA, ROW_ID, Moment

POLICY_VERSIONS: Final = Table(
    "policy_versions",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""One version of the policy, as TOML; the newest is in force. Rows are only added."""
