"""Checkpoints: stores finished fits of a run, so that an interrupted run can be resumed.

A folder belongs to one history, one set of options and one set of library versions (`open_checkpoints`), so a stored
result equals a new one. Results are pickled, and only read from the user's own state folder.
"""

import hashlib
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import joblib

from deskyard.version import __version__

LIBRARIES: Final = ("numpy", "scipy", "scikit-learn", "nltk", "ftfy")
"""Libraries that can change a model's bytes; the card has their versions."""

MAX_AGE_SECONDS: Final = 86_400.0 * 2
"""Seconds after which checkpoints are deleted."""

Params = ParamSpec("Params")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Results stored in `folder`; None stores nothing."""

    folder: Path | None = None

    def __call__(
        self, name: str, work: Callable[Params, Result], *given: Params.args, **named: Params.kwargs
    ) -> Result:
        """The result of `work`, loaded if stored under `name`, else computed and stored atomically."""
        if self.folder is None:
            return work(*given, **named)
        path = self.folder / f"{name}.joblib"
        if path.is_file():
            found: Result = joblib.load(path)
            return found
        result = work(*given, **named)
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            joblib.dump(result, file)
        os.replace(file.name, path)
        return result


NO_CHECKPOINTS: Final = Checkpoints()


def library_versions() -> dict[str, str]:
    """The versions of everything that can change a model's bytes."""
    return {"deskyard": __version__, "python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def open_checkpoints(
    parent: Path, history_digest: str, options: Mapping[str, Any], encoder_digest: str = ""
) -> Checkpoints:
    """The checkpoints in `parent` for a history, an encoder (digests) and options; old checkpoints are deleted."""
    key = json.dumps([history_digest, options, encoder_digest, library_versions(), platform.machine()], sort_keys=True)
    folder = parent / hashlib.sha256(key.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for other in parent.iterdir():
        if other != folder and time.time() - other.stat().st_mtime > MAX_AGE_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
    return Checkpoints(folder)
