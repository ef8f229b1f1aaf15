"""The background thread that updates the rollups of the reports and runs the circuit breaker on them."""

import threading
import time
from datetime import UTC, datetime
from typing import Final

import structlog

from deskyard.analytics import rollups
from deskyard.breaker import circuit_breaker
from deskyard.settings import settings
from service.runtime.context import AppContext

log: Final = structlog.get_logger(__name__)

INTERVAL: Final = 10.0
"""Seconds between two updates, unless journal entries are left to count."""

SLICE_SECONDS: Final = 2.0
"""Seconds of counting after which `stop` is checked."""

BREAKER_INTERVAL: Final = 60.0
"""Seconds after which the breaker is checked without new entries, because another model may have been put in use."""


def run_rollups(context: AppContext, stop: threading.Event) -> None:
    """Update the rollups until `stop` is set; errors are logged and the update is tried again."""
    behind, last_read_to, checked_at = True, -1, 0.0
    while not stop.wait(0.05 if behind else INTERVAL):
        try:
            counted = rollups.refresh_rollups(context.database, settings().time_zone, for_seconds=SLICE_SECONDS)
            behind = counted.is_behind
            if not behind and (counted.read_to != last_read_to or time.monotonic() > checked_at + BREAKER_INTERVAL):
                check_breaker(context)
                last_read_to, checked_at = counted.read_to, time.monotonic()
        except Exception:
            behind = False
            log.exception("rollups_failed")


def check_breaker(context: AppContext) -> None:
    """Run the circuit breaker; labels for which it opens are only suggested from the next ticket on."""
    with context.changing_settings() as conn:
        openings = circuit_breaker.check_labels(
            conn,
            context.models.folder,
            datetime.now(UTC),
            context.notifier.enqueue_notices if context.notifier else None,
        )
    for one in openings:
        log.warning("breaker_tripped", target=one.target, label=one.label, wrong=one.wrong, total=one.total)
