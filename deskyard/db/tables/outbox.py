"""Columns that every table of an outbox has."""

from typing import Any

from sqlalchemy import JSON, Boolean, Column, Text

from deskyard.db.tables.base import INT64, Moment


def outbox_columns() -> list[Column[Any]]:
    """New columns for an action that is to be done outside once (see `deskyard.sync.outbox`).

    `state`: waiting, working, done, parked (for a person). `attempt` is a fencing token: only the worker with the
    newest one may finish it. `tries` counts failures. `begun`: something may have been done.
    """
    return [
        Column("begun", Boolean, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempt", INT64, nullable=False),
        Column("tries", INT64, nullable=False),
        Column("worker", Text),
        Column("due_at", Moment, nullable=False),
        Column("result", Text, nullable=False),
        Column("why", JSON, nullable=False),
        Column("created_at", Moment, nullable=False),
        Column("ended_at", Moment),
    ]
