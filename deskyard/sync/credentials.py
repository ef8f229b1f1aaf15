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

NAME_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""What a connection may be called, so that it can be a file's name and part of an address."""

SECRET: Final = "SECRET"  # noqa: S105 - what it is called in the environment
HOOK_SECRET: Final = "HOOK_SECRET"  # noqa: S105 - likewise


def read_secret(name: str, key: str = SECRET) -> str:
    """The secret of a connection; empty where there is none."""
    said = os.environ.get(f"DESKYARD_{key}_{name.upper().replace('-', '_')}")
    return said if said is not None else _read_file(name).get(key, "")


def save_secret(name: str, secret: str, key: str = SECRET) -> None:
    """Write a secret down for this machine. Raises BadInput where the folder can't be written."""
    path = _secret_path(name)
    known = {**_read_file(name), key: secret}
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic_files.write_file(path, json.dumps({kind: text for kind, text in known.items() if text}).encode())
    except OSError as error:
        raise BadInput(f"the secret can't be kept in {path}: {error.strerror}") from error


def delete_secret(name: str) -> None:
    """Remove what was written down."""
    _secret_path(name).unlink(missing_ok=True)


def _secret_path(name: str) -> Path:
    if not NAME_PATTERN.fullmatch(name):
        raise BadInput(f"{name[:60]!r} is no name for a connection: use small letters, digits and dashes, at most 40")
    return settings().state / "secrets" / f"{name}.json"


def _read_file(name: str) -> dict[str, str]:
    try:
        found = json.loads(_secret_path(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadInput(f"the secrets of {name!r} can't be read: connect it again") from error
    return {str(kind): str(text) for kind, text in found.items()}
