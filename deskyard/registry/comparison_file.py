"""Comparisons kept: what a challenger was found to be worth beside a champion, in a file beside its bundle.

In come comparisons, out they come again. Outside the bundle's digest, and only ever about the content that lies there:
another content takes the file away (`deskyard.registry.bundle`).
"""

from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from deskyard import atomic_files
from deskyard.registry.comparison import Comparison

COMPARISON_FILE: Final = "comparison.json"

_ADAPTER: Final = TypeAdapter(Comparison)


def to_json(comparison: Comparison) -> str:
    """As JSON."""
    return _ADAPTER.dump_json(comparison, indent=1).decode() + "\n"


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Lay it beside the bundle, in one step."""
    atomic_files.write_file(folder / COMPARISON_FILE, to_json(comparison).encode())


def read_comparison(folder: Path, first: str | None, second: str) -> Comparison | None:
    """The comparison of the bundle `second` in `folder` with the bundle `first` (digests); None where there is none."""
    try:
        found = _ADAPTER.validate_json((folder / COMPARISON_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    return found if (found.first, found.second) == (first, second) else None
