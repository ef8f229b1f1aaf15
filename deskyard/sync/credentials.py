"""Secrets of connections: from environment variables, else from files that only their owner may read.

`DESKYARD_SECRET_ZNUNY` and `DESKYARD_HOOK_SECRET_ZNUNY` are those of the connection `znuny`; `deskyard connect` writes
the secrets it is given to `secrets/znuny.json` beside the database. Secrets are never logged or stored in the database.
"""

import json
import os
import re
from pathlib import Path
from typing import Final

from deskyard import atomic_files
from deskyard.errors import BadInput
from deskyard.settings import settings

NAME_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Valid names of connections: they become file names and parts of URLs."""

SECRET: Final = "SECRET"  # noqa: S105 - part of the variable's name
HOOK_SECRET: Final = "HOOK_SECRET"  # noqa: S105 - likewise


def read_secret(name: str, key: str = SECRET) -> str:
    """The secret of a connection; empty if there is none."""
    from_environment = os.environ.get(f"DESKYARD_{key}_{name.upper().replace('-', '_')}")
    return from_environment if from_environment is not None else _read_file(name).get(key, "")


def save_secret(name: str, secret: str, key: str = SECRET) -> None:
    """Store a secret on this machine. Raises BadInput if the folder can't be written."""
    path = _secret_path(name)
    known = {**_read_file(name), key: secret}
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic_files.write_file(path, json.dumps({kind: text for kind, text in known.items() if text}).encode())
    except OSError as error:
        raise BadInput(f"the secret can't be stored in {path}: {error.strerror}") from error


def delete_secret(name: str) -> None:
    """Delete the stored secrets of a connection."""
    _secret_path(name).unlink(missing_ok=True)


def _secret_path(name: str) -> Path:
    if not NAME_PATTERN.fullmatch(name):
        raise BadInput(
            f"{name[:60]!r} can't be the name of a connection: use at most 40 lower-case letters, digits and dashes"
        )
    return settings().state / "secrets" / f"{name}.json"


def _read_file(name: str) -> dict[str, str]:
    try:
        found = json.loads(_secret_path(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadInput(f"the secrets of {name!r} can't be read: connect it again") from error
    return {str(kind): str(text) for kind, text in found.items()}
