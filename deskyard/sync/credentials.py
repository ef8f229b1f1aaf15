"""Secrets of connections: from the environment, else from files that only their owner may read.

`DESKYARD_SECRET_ZNUNY` and `DESKYARD_HOOK_SECRET_ZNUNY` are those of the connection `znuny`; `deskyard connect` writes
what it was given to `secrets/znuny.json` beside the database. Nothing is ever logged, and the database has no secret.
"""

import json
import os
import re
from pathlib import Path
from typing import Final

from deskyard import atomic_files
from deskyard.errors import BadInput
from deskyard.settings import settings

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""What a connection may be called, so that it can be a file's name and part of an address."""

SECRET: Final = "SECRET"  # noqa: S105 - what it is called in the environment
HOOK: Final = "HOOK_SECRET"


def read(name: str, which: str = SECRET) -> str:
    """The secret of a connection; empty where there is none."""
    said = os.environ.get(f"DESKYARD_{which}_{name.upper().replace('-', '_')}")
    return said if said is not None else _file(name).get(which, "")


def keep(name: str, secret: str, which: str = SECRET) -> None:
    """Write a secret down for this machine. Raises BadInput where the folder can't be written."""
    path = _path(name)
    known = {**_file(name), which: secret}
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic_files.write(path, json.dumps({kind: text for kind, text in known.items() if text}).encode())
    except OSError as error:
        raise BadInput(f"the secret can't be kept in {path}: {error.strerror}") from error


def forget(name: str) -> None:
    """Remove what was written down."""
    _path(name).unlink(missing_ok=True)


def _path(name: str) -> Path:
    if not NAME.fullmatch(name):
        raise BadInput(f"{name[:60]!r} is no name for a connection: use small letters, digits and dashes, at most 40")
    return settings().state / "secrets" / f"{name}.json"


def _file(name: str) -> dict[str, str]:
    try:
        found = json.loads(_path(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadInput(f"the secrets of {name!r} can't be read: connect it again") from error
    return {str(kind): str(text) for kind, text in found.items()}
