"""Why the model believes what it believes of the desk's tickets: worked out once, and before somebody asks.

In come the champion and a ticket, out goes what `service.runtime.judge.explanation_to_json` says. Safe to share
between threads.
"""

import threading
from typing import Any, Final

import structlog
from cachetools import TTLCache

from deskyard.desk.tickets import DeskTicket
from service.runtime import judge
from service.runtime.model_watcher import Champion

MAX_ENTRIES: Final = 200
"""Tickets."""

LASTS: Final = 600.0
"""Seconds: the longest that words of a ticket stay in memory which another process erased; shown they are no more from
then on."""

log: Final = structlog.get_logger(__name__)


class ExplanationCache:
    """The explanations of tickets that somebody looked at, or will."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._entries: TTLCache[tuple[int, int, str | None], dict[str, Any]] = TTLCache(MAX_ENTRIES, LASTS)
        self._lock = threading.Lock()

    def get(self, champion: Champion, ticket: DeskTicket) -> dict[str, Any]:
        """Why, for this ticket as it stands (an explanation quotes its words); empty where the model has nothing to
        say."""
        key = ticket.id, ticket.version, champion.digest
        with self._lock:
            found = self._entries.get(key)
        if found is None:
            found = _explain(champion, ticket)
            with self._lock:
                self._entries[key] = found
        return found

    def forget(self) -> None:
        """Keep no ticket's words any more: some were erased."""
        with self._lock:
            self._entries.clear()


def _explain(champion: Champion, ticket: DeskTicket) -> dict[str, Any]:
    try:
        return judge.explanation_to_json(champion, ticket.ticket)
    except Exception as error:  # what a person reads must not fail with the model
        log.warning("explaining_failed", ticket=ticket.id, error=type(error).__name__)
        return {"because": {}, "similar": []}
