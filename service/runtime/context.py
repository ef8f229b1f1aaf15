"""The application context: the database, the models and the caches, opened once and shared by all requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from deskyard.db.database import Database
from deskyard.review.review_queue import ReviewQueue
from service.runtime.explanation_cache import ExplanationCache
from service.runtime.label_plan import LabelPlanCache
from service.runtime.model_watcher import ModelWatcher
from service.runtime.policy_cache import PolicyCache


class Notifier(Protocol):
    """Sends notifications about placed tickets."""

    def enqueue_notices(self, conn: Connection, ticket: int, queue: str, decision: int, event: str) -> None:
        """Notify those who subscribed to a queue that a ticket reached it, after the transaction of `conn` commits.

        `event`: how it did, see `deskyard.sync.notifications`.
        """
        ...


class AppContext:
    """The database, the model in use, and caches of the policy, the review queue, explanations and label plans."""

    def __init__(self, database: Database, models: Path) -> None:
        """`models` is the folder of bundles."""
        self.database = database
        self.models = ModelWatcher(models, database)
        self.policy_cache = PolicyCache(database)
        self.review_queue = ReviewQueue()
        self.explanations = ExplanationCache()
        self.label_plans = LabelPlanCache()
        self.notifier: Notifier | None = None

    @contextmanager
    def changing_settings(self) -> Iterator[Connection]:
        """A transaction that changes the policy, queues or agents; afterwards the policy cache is read again."""
        with self.database.writing() as conn:
            yield conn
        self.policy_cache.invalidate()
