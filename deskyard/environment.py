"""What each process of deskyard does first: keep its files to itself, and read secrets from files.

A variable `DESKYARD_NAME_FILE` names a file that holds the value of `DESKYARD_NAME`, as container platforms hand out
secrets. So no secret stands in a unit file or in the list of processes.
"""

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from deskyard.errors import BadInput

PREFIX: Final = "DESKYARD_"
FILE_SUFFIX: Final = "_FILE"

PRIVATE_UMASK: Final = 0o077
"""New files and folders are for the user of the process alone: they hold texts of tickets, or secrets."""

MOST_CHARACTERS: Final = 65_536
"""Longest value that is read from a file."""


def prepare_process() -> None:
    """Set the umask and read secrets from files. Raises BadInput if one of these files can't be used."""
    os.umask(PRIVATE_UMASK)
    read_secret_files(os.environ)


def read_secret_files(environ: MutableMapping[str, str]) -> None:
    """Replace each `DESKYARD_NAME_FILE` in `environ` by `DESKYARD_NAME` with the text of the file, without line breaks
    at its end.

    Raises BadInput if both are set, or if the file can't be read, is empty, too long, or no text.
    """
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable.endswith(FILE_SUFFIX) and environ[variable]:
            name = variable.removesuffix(FILE_SUFFIX)
            if environ.get(name):
                raise BadInput(f"{name} and {variable} are both set: leave one of them out")
            environ[name] = _read_value(variable, environ[variable])
            del environ[variable]  # or a process that this one starts would find both


def _read_value(variable: str, path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            value = file.read(MOST_CHARACTERS + 1).rstrip("\r\n")
    except OSError as error:
        raise BadInput(f"the file that {variable} names can't be read ({error.strerror})") from error
    except ValueError as error:  # not UTF-8, or a zero byte in the path
        raise BadInput(f"the file that {variable} names is no text in UTF-8") from error
    if not value or "\0" in value:
        raise BadInput(f"the file that {variable} names is {'no text' if value else 'empty'}")
    if len(value) > MOST_CHARACTERS:
        raise BadInput(f"the file that {variable} names is longer than {MOST_CHARACTERS:,} characters")
    return value
