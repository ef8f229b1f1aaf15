"""A cache of explanations of predictions, as `service.runtime.judge.explanation_to_json` makes them; thread-safe."""

import threading
from typing import Any, Final

import structlog
from cachetools import TTLCache

from deskyard.desk.tickets import DeskTicket
from service.runtime import judge
from service.runtime.model_watcher import Champion

MAX_ENTRIES: Final = 200
"""Most tickets in the cache."""

MAX_AGE: Final = 600.0
"""Seconds: the longest time for which words of a ticket stay in memory after another process erased it. They are not
shown in that time."""

log: Final = structlog.get_logger(__name__)


class ExplanationCache:
    """The explanations of tickets that people looked at or will look at next."""

    def __init__(self) -> None:
        """An empty cache."""
        self._entries: TTLCache[tuple[int, int, str | None], dict[str, Any]] = TTLCache(MAX_ENTRIES, MAX_AGE)
        self._lock = threading.Lock()

    def get(self, champion: Champion, ticket: DeskTicket) -> dict[str, Any]:
        """The explanation of the predictions for the present version of a ticket; empty without a model.

        Computed if it is not in the cache.
        """
        key = ticket.id, ticket.version, champion.digest
        with self._lock:
            explanation = self._entries.get(key)
        if explanation is None:
            explanation = _explain(champion, ticket)
            with self._lock:
                self._entries[key] = explanation
        return explanation

    def forget(self) -> None:
        """Empty the cache, because words of tickets were erased."""
        with self._lock:
            self._entries.clear()


def _explain(champion: Champion, ticket: DeskTicket) -> dict[str, Any]:
    try:
        return judge.explanation_to_json(champion, ticket.ticket)
    except Exception as error:  # the ticket is shown even if the model fails
        log.warning("explanation_failed", ticket=ticket.id, error=type(error).__name__)
        return {"explanations": {}, "similar": []}
