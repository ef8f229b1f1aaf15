"""What a run holds of a long history while several processes learn from it: the counts once, and nothing that is gone.

Without this, each process has a copy of the counts beside that of the first, and the first keeps what it has freed.
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
    """The same material with its counts (numbers, no words) in a temporary file that all processes map.

    Where there are so few tickets that one process learns, it is left as it is.
    """
    if len(data.tickets) < MIN_TICKETS_FOR_PROCESSES:
        yield data
        return
    with TemporaryDirectory(prefix="deskyard-", ignore_cleanup_errors=True) as folder:  # Windows keeps what is mapped
        path = Path(folder) / "counts"
        joblib.dump(data.counts.matrices, path)
        data = replace(data, counts=replace(data.counts, matrices=joblib.load(path, mmap_mode="r")))
        _release_memory()
        yield data


def _release_memory() -> None:
    """Give freed memory back to the system where Python's allocator alone would not (GNU's C library)."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
