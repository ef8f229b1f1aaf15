"""Cost: what the saved model takes to score a ticket and to keep. Measured on this machine, so never in a digest."""

import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from deskyard.domain.ticket import Ticket
from training.pipeline.trained import TrainingResult

SAMPLE_SIZE: Final = 200
"""Judged tickets that are scored one at a time."""


def measure_encoding(trained: TrainingResult) -> dict[str, Any]:
    """Where the encoder lies, if in a folder, and the milliseconds it takes a ticket; nothing without one."""
    encoder = trained.scorer.encoder
    if encoder is None:
        return {}
    taken = []
    for ticket in _sample_tickets(trained):
        start = time.perf_counter()
        encoder.encode_ticket(ticket)
        taken.append(1000 * (time.perf_counter() - start))
    folder = None if encoder.folder is None else str(encoder.folder)
    return {"encoder": {"folder": folder, "milliseconds": round(median(taken), 2) if taken else 0.0}}


def measure_cost(trained: TrainingResult, folder: Path) -> dict[str, Any]:
    """Milliseconds a ticket (all targets at once), bytes of the bundle, and what the model holds."""
    some = _sample_tickets(trained)
    taken = []
    trained.scorer.predict(some[:1])
    for ticket in some:
        start = time.perf_counter()
        trained.scorer.predict([ticket])
        taken.append(1000 * (time.perf_counter() - start))
    return {
        "tickets": len(taken),
        "milliseconds": median(taken),
        "milliseconds_p95": quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0],
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.parent != folder),
        "columns": len(trained.scorer.vocabulary),
        "remembered": len(trained.scorer.neighbour_index.ids),
    }


def _sample_tickets(trained: TrainingResult) -> list[Ticket]:
    tickets = [trained.case.tickets[int(i)] for i in trained.case.holdout.positions]
    return tickets[:: max(len(tickets) // SAMPLE_SIZE, 1)][:SAMPLE_SIZE]
