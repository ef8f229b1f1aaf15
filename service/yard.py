"""The yard: what the service works with, opened once and shared by all requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from deskyard.db.database import Database
from deskyard.desk.waiting import Line
from service.explaining import Explaining
from service.glance import Glance
from service.labelling import Plans
from service.models import Models


class Hands(Protocol):
    """Who tells people of what was placed."""

    def told(self, conn: Connection, ticket: int, queue: str, decision: int, event: str) -> None:
        """A ticket reached a queue (see `deskyard.foreign.notices` for how): tell whoever wants to know, after the
        transaction."""
        ...


class Yard:
    """The database, the models, and the last look at what is asked and what the desk has."""

    def __init__(self, database: Database, models: Path) -> None:
        """`models` is the folder of bundles."""
        self.database = database
        self.models = Models(models, database)
        self.glance = Glance(database)
        self.line = Line()
        self.explaining = Explaining()
        self.plans = Plans()
        self.hands: Hands | None = None

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """A transaction that changes the policy, queues or agents; whoever looks next sees it."""
        with self.database.writing() as conn:
            yield conn
        self.glance.forget()
