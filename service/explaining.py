"""Why the model believes what it believes of the desk's tickets: worked out once, and before somebody asks.

In come the champion and a ticket, out goes what `service.judging.explained` says. Safe to share between threads.
"""

from collections import OrderedDict
from typing import Any, Final

import structlog

from deskyard.desk.tickets import Filed
from service import judging
from service.models import Champion

REMEMBERED: Final = 200
"""Tickets."""

log: Final = structlog.get_logger(__name__)


class Explaining:
    """The explanations of tickets that somebody looked at, or will."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: OrderedDict[tuple[int, str | None], dict[str, Any]] = OrderedDict()

    def of(self, champion: Champion, filed: Filed) -> dict[str, Any]:
        """Why, for this ticket; empty where the model has nothing to say."""
        key = filed.id, champion.digest
        found = self._known.get(key)
        if found is None:
            found = _explained(champion, filed)
            self._known[key] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found


def _explained(champion: Champion, filed: Filed) -> dict[str, Any]:
    try:
        return judging.explained(champion, filed.ticket)
    except Exception as error:  # what a person reads must not fail with the model
        log.warning("explaining_failed", ticket=filed.id, error=type(error).__name__)
        return {"because": {}, "similar": []}
