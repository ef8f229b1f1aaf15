"""Statements that both databases have and for which SQLAlchemy has no common form."""

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_or_ignore(conn: Connection, table: Table) -> Any:
    """An INSERT that ignores existing rows (ON CONFLICT DO NOTHING), in the dialect of the database."""
    return _insert_or_ignore(conn.dialect.name, table)


@cache
def _insert_or_ignore(dialect: str, table: Table) -> Any:
    statement: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    return statement.on_conflict_do_nothing()
