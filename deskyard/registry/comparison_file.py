"""The comparison of a challenger with the champion, kept in a file beside the challenger's bundle.

The file is outside the bundle's digest and describes only the content that lies there: other content removes it
(`deskyard.registry.bundle`).
"""

from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from deskyard import atomic_files
from deskyard.registry.comparison import Comparison

COMPARISON_FILE: Final = "comparison.json"

_ADAPTER: Final = TypeAdapter(Comparison)


def to_json(comparison: Comparison) -> str:
    """The comparison as JSON, indented, with a final newline."""
    return _ADAPTER.dump_json(comparison, indent=1).decode() + "\n"


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Write the comparison beside the bundle in `folder`, in one step."""
    atomic_files.write_file(folder / COMPARISON_FILE, to_json(comparison).encode())


def read_comparison(folder: Path, first: str | None, second: str) -> Comparison | None:
    """The comparison of the bundle `second` in `folder` with the bundle `first` (digests), also where version 0.1 wrote
    it; None where there is none."""
    try:
        found = _ADAPTER.validate_json((folder / COMPARISON_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    return found if (found.first, found.second) == (first, second) else None
