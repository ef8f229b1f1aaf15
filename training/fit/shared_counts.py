"""Shares a run's counts between processes, so that memory holds them once.

Without this, each process has its own copy, and the first process keeps memory that it has freed.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib

from training.fit.backend import MIN_TICKETS_FOR_PROCESSES
from training.fit.cross_fitting import TrainingData


@contextmanager
def share_counts(data: TrainingData) -> Iterator[TrainingData]:
    """The same data with its counts in a temporary file that all processes map into memory.

    With so few tickets that one process is used, the data is unchanged.
    """
    if len(data.tickets) < MIN_TICKETS_FOR_PROCESSES:
        yield data
        return
    with TemporaryDirectory(prefix="deskyard-", ignore_cleanup_errors=True) as folder:  # Windows locks mapped files
        path = Path(folder) / "counts"
        joblib.dump(data.counts.matrices, path)
        data = replace(data, counts=replace(data.counts, matrices=joblib.load(path, mmap_mode="r")))
        _release_memory()
        yield data


def _release_memory() -> None:
    """Return freed memory to the system where Python's allocator alone does not (GNU C library)."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
