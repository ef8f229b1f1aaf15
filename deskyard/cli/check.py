"""`deskyard check`: what is wrong with this installation, and what to do about it.

Each finding is ok, warn (works, but not as it should) or fail. Changes nothing: no folder is made, no database is
migrated.
"""

import json
import os
import re
import shlex
import shutil
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deskyard.domain.label_spelling import find_ambiguous
from deskyard.errors import DeskyardError
from deskyard.settings import Settings, find_unknown_variables, settings

if TYPE_CHECKING:
    from deskyard.db.database import Database

Level = Literal["ok", "warn", "fail"]

_LEVEL_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}
_LOW_DISK_BYTES: Final = 1_000_000_000
_CRITICAL_DISK_BYTES: Final = 100_000_000
"""Free bytes below which to warn, and below which accepted tickets are in danger."""

MAX_LINE_LENGTH: Final = 10_000
"""Width of the output outside a terminal: a finding is one line."""

_THREAD_VARIABLES: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One finding: what was checked, its level, and what to do unless it is ok."""

    level: Level
    subject: str
    text: str


def check(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port that `deskyard serve` would use.")] = 8000,
) -> None:
    """Check this installation and say what to do about problems; the exit code is 1 when a check fails.

    Example: `deskyard check --port 8000`
    """
    findings = list(run_checks(settings(), port))
    table = Table.grid(padding=(0, 1))
    for finding in findings:
        level = Text(finding.level, style=_LEVEL_COLOURS[finding.level])
        table.add_row(level, Text(f"{finding.subject}: {finding.text}", overflow="fold"))
    out = Console(highlight=False)
    (out if out.is_terminal else Console(width=MAX_LINE_LENGTH, highlight=False)).print(table)
    failed = sum(finding.level == "fail" for finding in findings)
    typer.echo(f"{failed} of {len(findings)} checks failed." if failed else "Ready.")
    if failed:
        raise typer.Exit(1)


def run_checks(app_settings: Settings, port: int) -> Iterator[CheckResult]:
    """All findings, in the order in which things are needed."""
    yield _check_python(sys.version_info[:3])
    yield _check_libraries()
    yield _check_threads()
    yield _check_writable("state folder", app_settings.state)
    yield _check_writable("models folder", app_settings.models)
    yield _check_private(app_settings)
    yield from (CheckResult("warn", "settings", sentence) for sentence in find_unknown_variables(os.environ))
    yield _check_disk(app_settings.state)
    database = _check_database(app_settings.database)
    yield database
    model = _check_champion(app_settings.models)
    yield model
    if database.level == model.level == "ok":
        yield from _check_label_names(app_settings)
    if app_settings.oidc_issuer or app_settings.oidc_missing:
        yield _check_oidc(app_settings)
    yield _check_port(port)


def _check_python(version: tuple[int, int, int]) -> CheckResult:
    shown = ".".join(map(str, version))
    if version < (3, 11):
        return CheckResult("fail", "Python", f"{shown} is too old: install 3.11 or newer, and deskyard with it")
    return CheckResult("ok", "Python", shown)


def _check_libraries() -> CheckResult:
    try:
        requirements = metadata.requires("deskyard") or []
    except metadata.PackageNotFoundError:
        return CheckResult(
            "warn", "libraries", "deskyard runs from its source tree: `pip install -e .` lets it check them"
        )
    wrong = [problem for line in requirements if "extra ==" not in line and (problem := _requirement_problem(line))]
    if wrong:
        return CheckResult(
            "fail", "libraries", f"{', '.join(wrong)}: run `make setup`, or `pip install deskyard` again"
        )
    return CheckResult("ok", "libraries", f"deskyard {metadata.version('deskyard')} and all its requirements")


def _requirement_problem(requirement: str) -> str | None:
    """What is wrong with the library of a requirement such as `numpy>=2.2`; None if it is met."""
    name = re.match(r"[\w.-]+", requirement)
    least = re.search(r">=\s*([0-9.]+)", requirement)
    if name is None:
        return None
    try:
        found = metadata.version(name[0])
    except metadata.PackageNotFoundError:
        return f"{name[0]} is missing"
    if least and _version_numbers(found) < _version_numbers(least[1]):
        return f"{name[0]} {found} is older than {least[1]}"
    return None


def _version_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0]))


def _check_threads() -> CheckResult:
    more = [f"{name}={os.environ.get(name, '')}" for name in _THREAD_VARIABLES if os.environ.get(name) != "1"]
    if more:
        return CheckResult(
            "warn", "threads", f"{', '.join(more)}: training is many times slower than with 1; set both to 1"
        )
    return CheckResult("ok", "threads", "one BLAS thread")


def _check_writable(subject: str, folder: Path) -> CheckResult:
    existing = _nearest_existing_folder(folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return CheckResult(
            "fail",
            subject,
            f"{folder.absolute()} can't be written ({error.strerror}): give this user write access, or set "
            "DESKYARD_HOME to another folder",
        )
    return CheckResult("ok", subject, f"{folder.absolute()}{'' if folder.exists() else ' (will be made)'}")


def _nearest_existing_folder(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def _check_private(app_settings: Settings) -> CheckResult:
    """Whether other users of this machine can read what holds texts of tickets, or secrets."""
    state, models = app_settings.state, app_settings.models
    held = [state / "secrets", state / "mlflow.db", state / "mlflow-artifacts", *state.glob("deskyard.db*")]
    held += [entry for entry in models.glob("*") if entry.is_dir()]
    read = [entry for entry in held if entry.exists() and _is_readable_by_others(entry)]
    if not read or os.name != "posix":
        return CheckResult("ok", "privacy", "no other user of this machine can read tickets or secrets here")
    more = f" and {len(read) - 1} more" if len(read) > 1 else ""
    folders = shlex.join(sorted({str(entry.parent.absolute()) for entry in read}))
    return CheckResult(
        "warn", "privacy", f"other users of this machine can read {read[0].absolute()}{more}: `chmod -R go= {folders}`"
    )


def _is_readable_by_others(path: Path) -> bool:
    """Whether the group or others may read `path`, and may enter the folder that holds it."""
    return bool(path.stat().st_mode & 0o044) and bool(path.parent.stat().st_mode & 0o011)


def _check_disk(folder: Path) -> CheckResult:
    free = shutil.disk_usage(_nearest_existing_folder(folder)).free
    shown = f"{free / 1e9:,.1f} GB free"
    if free < _CRITICAL_DISK_BYTES:
        return CheckResult("fail", "disk", f"{shown}: tickets can't be stored safely; free some space")
    if free < _LOW_DISK_BYTES:
        return CheckResult("warn", "disk", f"{shown}: free some space before it is full")
    return CheckResult("ok", "disk", shown)


def _check_database(url: str) -> CheckResult:
    from sqlalchemy.exc import SQLAlchemyError

    from deskyard.db.database import Database

    try:
        database = Database(url)
        if _is_unmade(database):
            return CheckResult("ok", "database", f"{database.url.database} (will be made by `deskyard serve`)")
        try:
            database.check_encoding()
            found, newest = database.revision(), database.head_revision()
        finally:
            database.close()
    except DeskyardError as error:
        return CheckResult("fail", "database", str(error))
    except (SQLAlchemyError, OSError) as error:
        reason = getattr(error, "orig", None) or error
        return CheckResult(
            "fail", "database", f"{database.safe_url} can't be used ({reason}): restore it or start its server"
        )
    if found is None and database.url.get_backend_name() == "postgresql":
        return CheckResult(
            "ok", "database", f"{database.safe_url} answers (its tables will be made by `deskyard serve`)"
        )
    if found != newest:
        return CheckResult(
            "warn",
            "database",
            f"{database.safe_url} is at revision {found}, not {newest}: `deskyard serve` upgrades it",
        )
    return CheckResult("ok", "database", f"{database.safe_url} at revision {found}")


def _is_unmade(database: "Database") -> bool:
    """Whether the database is a file that does not exist yet."""
    return database.url.get_backend_name() == "sqlite" and not Path(database.url.database or "").exists()


def _check_champion(models: Path) -> CheckResult:
    if not (models / "CURRENT").is_file():
        return CheckResult(
            "warn", "model", "none yet, so every ticket goes to triage: `deskyard train HISTORY` makes one"
        )
    from deskyard.registry import bundle  # these libraries take seconds to import, and only a model needs them

    try:
        found = bundle.load_bundle(bundle.champion_folder(models) or models)
    except DeskyardError as error:
        return CheckResult("fail", "model", str(error))
    except Exception as error:  # a damaged folder makes readers raise many kinds
        return CheckResult(
            "fail",
            "model",
            f"{models} can't be read ({type(error).__name__}: {error}): restore the folder or train again",
        )
    return CheckResult("ok", "model", f"{found.name} ({found.digest[:12]}) predicts {', '.join(found.targets)}")


def _check_oidc(app_settings: Settings) -> CheckResult:
    if missing := app_settings.oidc_missing:
        text = f"people can sign in with a password only: {', '.join(missing)} must be set, too"
        return CheckResult("fail", "OpenID Connect", text)
    return CheckResult("ok", "OpenID Connect", app_settings.oidc_issuer)


def _check_label_names(app_settings: Settings) -> Iterator[CheckResult]:
    """Labels of the model in use that may be any of several names of the desk, so that none of these is set."""
    from deskyard.db.database import Database
    from deskyard.desk.catalogue import load_catalogue
    from deskyard.registry import bundle

    found = bundle.load_bundle(bundle.champion_folder(app_settings.models) or app_settings.models)
    database = Database(app_settings.database)
    try:
        if _is_unmade(database) or database.revision() is None:
            return
        with database.reading() as conn:
            catalogue = load_catalogue(conn)
    finally:
        database.close()
    for target in found.targets:
        for label, names in find_ambiguous(found.labels(target), catalogue.names(target)).items():
            yield CheckResult(
                "warn",
                "labels",
                f"{target} {label!r} of the model may be {' or '.join(map(repr, names))}, so none of them is set: "
                "close or rename all but one",
            )


def _check_port(port: int) -> CheckResult:
    try:
        with socket.create_server(("127.0.0.1", port)):
            pass
    except OSError as error:
        if _is_deskyard_serving(port):
            return CheckResult("ok", "port", f"{port}: deskyard is serving there")
        problem = os.strerror(error.errno or 0)
        return CheckResult(
            "fail", "port", f"{port} can't be used ({problem}): choose another with `deskyard serve --port`"
        )
    return CheckResult("ok", "port", f"{port} is free")


def _is_deskyard_serving(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return "model" in json.load(answer)
    except (OSError, ValueError):
        return False
