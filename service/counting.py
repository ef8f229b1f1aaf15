"""Counting: the journal is counted into the reports' figures while the service works, a little at a time."""

import threading
from typing import Final

import structlog

from deskyard.accuracy import rollups
from deskyard.database import Database
from deskyard.settings import settings

log: Final = structlog.get_logger(__name__)

EVERY: Final = 10.0
"""Seconds between two looks; where much is left to count there is no pause."""

SPELL: Final = 2.0
"""Seconds of counting after which it is asked whether to stop."""


def keep(database: Database, stop: threading.Event) -> None:
    """Count until told to stop; what goes wrong is tried again, for figures may wait and tickets may not."""
    behind = True
    while not stop.wait(0.05 if behind else EVERY):
        try:
            behind = rollups.refresh(database, settings().time_zone, for_seconds=SPELL).behind
        except Exception:
            behind = False
            log.exception("counting_failed")
