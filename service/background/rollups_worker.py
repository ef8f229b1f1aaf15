"""Counting: the journal is counted into the reports' figures while the service works, a little at a time; and where
the figures moved, the circuit breaker looks at them."""

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
"""Seconds between two looks; where much is left to count there is no pause."""

SLICE_SECONDS: Final = 2.0
"""Seconds of counting after which it is asked whether to stop."""


BREAKER_INTERVAL: Final = 60.0
"""Seconds after which the breaker looks though nobody said anything: another model may have been put in use."""


def run_rollups(context: AppContext, stop: threading.Event) -> None:
    """Count until told to stop; what goes wrong is tried again, for figures may wait and tickets may not."""
    behind, seen, looked = True, -1, 0.0
    while not stop.wait(0.05 if behind else INTERVAL):
        try:
            counted = rollups.refresh_rollups(context.database, settings().time_zone, for_seconds=SLICE_SECONDS)
            behind = counted.is_behind
            if not behind and (counted.read_to != seen or time.monotonic() > looked + BREAKER_INTERVAL):
                check_breaker(context)
                seen, looked = counted.read_to, time.monotonic()
        except Exception:
            behind = False
            log.exception("counting_failed")


def check_breaker(context: AppContext) -> None:
    """Let the circuit breaker look; what it holds back is only suggested from the next ticket on."""
    with context.changing_settings() as conn:
        found = circuit_breaker.check_labels(
            conn,
            context.models.folder,
            datetime.now(UTC),
            context.notifier.enqueue_notices if context.notifier else None,
        )
    for one in found:
        log.warning("breaker_tripped", target=one.target, label=one.label, wrong=one.wrong, of=one.total)
