"""Files that are there whole or not at all, even when the power goes."""

import os
import tempfile
from pathlib import Path
from typing import IO, Any, Final

TEMPORARY_PREFIX: Final = ".saving-"
"""The beginning of the name of everything that is not finished yet."""


def write_file(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content` in one step, flushed to the disk before and after."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=TEMPORARY_PREFIX, delete=False) as file:
        file.write(content)
        flush_to_disk(file)
    os.replace(file.name, path)
    sync_folder(path.parent)


def flush_to_disk(file: IO[Any]) -> None:
    """Bring what was written to an open file onto the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder onto the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
