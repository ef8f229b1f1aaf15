"""Writing files that exist complete or not at all, even after a power failure."""

import os
import tempfile
from pathlib import Path
from typing import IO, Any, Final

TEMPORARY_PREFIX: Final = ".saving-"
"""Prefix of the names of unfinished files and folders."""


def write_file(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content` atomically, with file and folder flushed to the disk."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=TEMPORARY_PREFIX, delete=False) as file:
        file.write(content)
        flush_to_disk(file)
    os.replace(file.name, path)
    sync_folder(path.parent)


def flush_to_disk(file: IO[Any]) -> None:
    """Flush an open file to the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
