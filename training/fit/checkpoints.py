"""Kept: what a run has finished, so that one that was cut off and is begun again takes up from there.

In comes work under a name, out comes what it made: from the folder if it lies there, else made and put there in one
step. A folder belongs to one history, one set of options and one set of libraries (`open_checkpoints`), so what lies
there is what would be made again. It is pickled, and read only from the home of whoever trains.
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

LIBRARIES: Final = ("numpy", "scipy", "scikit-learn", "nltk", "ftfy", "inscriptis")
"""What can change a model's bytes; their versions stand in the card."""

MAX_AGE_SECONDS: Final = 86_400.0 * 2
"""Seconds after which nobody comes back to a run that was cut off."""

Params = ParamSpec("Params")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """What lies in `folder`; None keeps nothing."""

    folder: Path | None = None

    def __call__(
        self, name: str, work: Callable[Params, Result], *given: Params.args, **named: Params.kwargs
    ) -> Result:
        """What `work` makes of what is given."""
        if self.folder is None:
            return work(*given, **named)
        path = self.folder / f"{name}.joblib"
        if path.is_file():
            found: Result = joblib.load(path)
            return found
        made = work(*given, **named)
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            joblib.dump(made, file)
        os.replace(file.name, path)
        return made


NO_CHECKPOINTS: Final = Checkpoints()


def library_versions() -> dict[str, str]:
    """What is installed of all that can change a model's bytes."""
    return {"deskyard": __version__, "python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def open_checkpoints(
    parent: Path, history_digest: str, options: Mapping[str, Any], encoder_digest: str = ""
) -> Checkpoints:
    """A folder in `place` for the history and the encoder with these digests, and these options; what was left there
    long ago goes."""
    said = json.dumps([history_digest, options, encoder_digest, library_versions(), platform.machine()], sort_keys=True)
    folder = parent / hashlib.sha256(said.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for other in parent.iterdir():
        if other != folder and time.time() - other.stat().st_mtime > MAX_AGE_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
    return Checkpoints(folder)
