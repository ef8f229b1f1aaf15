"""Measures the saved model's scoring time and size on this machine; not part of any digest."""

import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from deskyard.domain.ticket import Ticket
from training.pipeline.trained import TrainingResult

SAMPLE_SIZE: Final = 200
"""Holdout tickets that are scored one at a time."""


def measure_encoding(trained: TrainingResult) -> dict[str, Any]:
    """The encoder's folder, if any, and its milliseconds per ticket; empty without an encoder."""
    encoder = trained.scorer.encoder
    if encoder is None:
        return {}
    milliseconds = []
    for ticket in _sample_tickets(trained):
        start = time.perf_counter()
        encoder.encode_ticket(ticket)
        milliseconds.append(1000 * (time.perf_counter() - start))
    folder = None if encoder.folder is None else str(encoder.folder)
    return {"encoder": {"folder": folder, "milliseconds": round(median(milliseconds), 2) if milliseconds else 0.0}}


def measure_cost(trained: TrainingResult, folder: Path) -> dict[str, Any]:
    """Milliseconds per ticket (all targets), bytes of the bundle, columns and remembered tickets of the model."""
    sample = _sample_tickets(trained)
    milliseconds = []
    trained.scorer.predict(sample[:1])
    for ticket in sample:
        start = time.perf_counter()
        trained.scorer.predict([ticket])
        milliseconds.append(1000 * (time.perf_counter() - start))
    return {
        "tickets": len(milliseconds),
        "milliseconds": median(milliseconds),
        "milliseconds_p95": quantiles(milliseconds, n=20)[-1] if len(milliseconds) > 1 else milliseconds[0],
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.parent != folder),
        "columns": len(trained.scorer.vocabulary),
        "remembered": len(trained.scorer.neighbour_index.ids),
    }


def _sample_tickets(trained: TrainingResult) -> list[Ticket]:
    tickets = [trained.case.tickets[int(i)] for i in trained.case.holdout.positions]
    return tickets[:: max(len(tickets) // SAMPLE_SIZE, 1)][:SAMPLE_SIZE]
