"""The yard: what the service works with, opened once and shared by all requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from deskyard.db.database import Database
from deskyard.review.review_queue import Line
from service.runtime.explanation_cache import Explaining
from service.runtime.label_plan import Plans
from service.runtime.model_watcher import Models
from service.runtime.policy_cache import Glance


class Hands(Protocol):
    """Who tells people of what was placed."""

    def told(self, conn: Connection, ticket: int, queue: str, decision: int, event: str) -> None:
        """A ticket reached a queue (see `deskyard.sync.notifications` for how): tell whoever wants to know, after the
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
