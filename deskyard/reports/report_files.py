"""The two files of a training report in a bundle's folder, which are not part of its digest.

`report.json` holds the figures and no texts of tickets; `report.html` is made from it, in any language.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deskyard import atomic_files
from deskyard.errors import BadInput, BundleBroken, BundleMissing
from deskyard.registry.bundle import REPORT_FILES

FIGURES_FILE, PAGE_FILE = REPORT_FILES


def write_figures(folder: Path, document: Mapping[str, Any]) -> None:
    """Write the figures into the folder, atomically."""
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    atomic_files.write_file(folder / FIGURES_FILE, (text + "\n").encode(errors="replace"))


def write_page(path: Path, page: str) -> None:
    """Write a page atomically. Raises BadInput where it can't be written."""
    try:
        atomic_files.write_file(path, page.encode(errors="replace"))
    except OSError as error:
        raise BadInput(f"{path} can't be written ({error.strerror or error}): name another file.") from error


def read_figures(folder: Path, digest: str) -> dict[str, Any]:
    """The figures of the bundle in `folder` with this digest.

    Raises BundleMissing where there are none, BundleBroken where they can't be read or belong to another model.
    """
    path = folder / FIGURES_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleMissing(f"{folder} holds no report ({FIGURES_FILE}): `deskyard train` writes one.") from error
    except (ValueError, OSError) as error:
        raise BundleBroken(f"{path} can't be read: train again, or restore it.") from error
    if not isinstance(document, dict) or document.get("digest") != digest:
        raise BundleBroken(f"{path} is not the report of the model beside it: train again, or restore it.")
    return document
