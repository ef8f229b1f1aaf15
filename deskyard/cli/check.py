"""`deskyard check`: what is wrong with this installation, and what to do about it.

In comes the environment, out goes one line a finding: ok, warn (works, but not as it should) or fail. Changes nothing:
no folder is made, no database is migrated.
"""

import json
import os
import re
import shutil
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from deskyard.errors import DeskyardError
from deskyard.settings import Settings, settings

Level = Literal["ok", "warn", "fail"]

_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}
_LITTLE: Final = 1_000_000_000
_TOO_LITTLE: Final = 100_000_000
"""Free bytes below which the disk is worth a warning, and below which accepted tickets are in danger."""

_THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do unless it is ok."""

    level: Level
    about: str
    text: str


def check(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port that `deskyard serve` would use.")] = 8000,
) -> None:
    """Say what is wrong with this installation and what to do; the exit code is 1 when something fails.

    Example: `deskyard check --port 8000`
    """
    findings = list(look(settings(), port))
    for finding in findings:
        typer.secho(f"{finding.level:<5}", fg=_COLOURS[finding.level], nl=False)
        typer.echo(f"{finding.about}: {finding.text}")
    failed = sum(finding.level == "fail" for finding in findings)
    typer.echo(f"{failed} of {len(findings)} checks failed." if failed else "Ready.")
    if failed:
        raise typer.Exit(1)


def look(chosen: Settings, port: int) -> Iterator[Finding]:
    """Every finding, in the order in which things are needed."""
    yield _python(sys.version_info[:3])
    yield _libraries()
    yield _threads()
    yield _writable("state folder", chosen.state)
    yield _writable("models folder", chosen.models)
    yield _disk(chosen.state)
    yield _database(chosen.database)
    yield _champion(chosen.models)
    yield _port(port)


def _python(version: tuple[int, int, int]) -> Finding:
    shown = ".".join(map(str, version))
    if version < (3, 11):
        return Finding("fail", "Python", f"{shown} is too old: install 3.11 or newer, and deskyard with it")
    return Finding("ok", "Python", shown)


def _libraries() -> Finding:
    try:
        asked = metadata.requires("deskyard") or []
    except metadata.PackageNotFoundError:
        return Finding("warn", "libraries", "deskyard runs from its source tree: `pip install -e .` lets it check them")
    wrong = [said for line in asked if "extra ==" not in line and (said := _lacking(line))]
    if wrong:
        return Finding("fail", "libraries", f"{', '.join(wrong)}: run `make setup`, or `pip install deskyard` again")
    return Finding("ok", "libraries", f"deskyard {metadata.version('deskyard')} and all that it needs")


def _lacking(requirement: str) -> str | None:
    """What is wrong with the library of a requirement such as `numpy>=2.2`; None if nothing is."""
    name = re.match(r"[\w.-]+", requirement)
    least = re.search(r">=\s*([0-9.]+)", requirement)
    if name is None:
        return None
    try:
        found = metadata.version(name[0])
    except metadata.PackageNotFoundError:
        return f"{name[0]} is missing"
    if least and _numbers(found) < _numbers(least[1]):
        return f"{name[0]} {found} is older than {least[1]}"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0]))


def _threads() -> Finding:
    more = [f"{name}={os.environ.get(name, '')}" for name in _THREADS if os.environ.get(name) != "1"]
    if more:
        return Finding(
            "warn", "threads", f"{', '.join(more)}: learning is many times slower than with 1, set both to 1"
        )
    return Finding("ok", "threads", "one BLAS thread")


def _writable(about: str, folder: Path) -> Finding:
    existing = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Finding(
            "fail",
            about,
            f"{folder.absolute()} can't be written ({error.strerror}): allow it to this user, or set DESKYARD_HOME to "
            "a folder of yours",
        )
    return Finding("ok", about, f"{folder.absolute()}{'' if folder.exists() else ' (will be made)'}")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(_existing(folder)).free
    shown = f"{free / 1e9:,.1f} GB free"
    if free < _TOO_LITTLE:
        return Finding("fail", "disk", f"{shown}: tickets can't be stored safely, make room")
    if free < _LITTLE:
        return Finding("warn", "disk", f"{shown}: make room before it is full")
    return Finding("ok", "disk", shown)


def _database(url: str) -> Finding:
    from sqlalchemy.exc import SQLAlchemyError

    from deskyard.db.database import Database

    try:
        database = Database(url)
        file = Path(database.url.database or "")
        if database.url.get_backend_name() == "sqlite" and not file.exists():
            return Finding("ok", "database", f"{file} (will be made by `deskyard serve`)")
        try:
            database.check_encoding()
            found, newest = database.revision(), database.newest()
        finally:
            database.close()
    except DeskyardError as error:
        return Finding("fail", "database", str(error))
    except (SQLAlchemyError, OSError) as error:
        reason = getattr(error, "orig", None) or error
        return Finding(
            "fail", "database", f"{database.place} can't be used ({reason}): restore it, or start its server"
        )
    if found is None and database.url.get_backend_name() == "postgresql":
        return Finding("ok", "database", f"{database.place} answers (its tables will be made by `deskyard serve`)")
    if found != newest:
        return Finding(
            "warn", "database", f"{database.place} is at revision {found}, not {newest}: `deskyard serve` upgrades it"
        )
    return Finding("ok", "database", f"{database.place} at revision {found}")


def _champion(models: Path) -> Finding:
    if not (models / "CURRENT").is_file():
        return Finding("warn", "model", "none yet, so every ticket goes to triage: `deskyard train HISTORY` makes one")
    from deskyard.registry import bundle  # the learning libraries take seconds to open, and only a model needs them

    try:
        found = bundle.load(bundle.champion(models) or models)
    except DeskyardError as error:
        return Finding("fail", "model", str(error))
    except Exception as error:  # a damaged folder makes readers raise many kinds
        return Finding(
            "fail", "model", f"{models} can't be read ({type(error).__name__}: {error}): restore or train anew"
        )
    return Finding("ok", "model", f"{found.name} ({found.digest[:12]}) predicts {', '.join(found.targets)}")


def _port(port: int) -> Finding:
    try:
        with socket.create_server(("127.0.0.1", port)):
            pass
    except OSError as error:
        if _deskyard_answers(port):
            return Finding("ok", "port", f"{port}: deskyard is serving there")
        said = os.strerror(error.errno or 0)
        return Finding("fail", "port", f"{port} can't be used ({said}): `deskyard serve --port` takes another")
    return Finding("ok", "port", f"{port} is free")


def _deskyard_answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return "model" in json.load(answer)
    except (OSError, ValueError):
        return False
