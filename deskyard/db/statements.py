"""Statements that both databases know and for which SQLAlchemy has no common form."""

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_or_ignore(conn: Connection, table: Table) -> Any:
    """An INSERT that leaves alone what is there already (ON CONFLICT DO NOTHING), in the dialect of the database."""
    return _insert_or_ignore(conn.dialect.name, table)


@cache
def _insert_or_ignore(dialect: str, table: Table) -> Any:
    made: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    return made.on_conflict_do_nothing()
