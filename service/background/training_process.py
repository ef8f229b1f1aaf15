"""Training runs that the pages and the API start: one at a time, in a child process that outlives the service.

The run writes its progress into the folder `training` of the home and holds the lock of that folder, which tells a
running training from a dead one. The package `training` is not imported here.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, Literal

from deskyard import atomic_files
from deskyard.errors import BadInput, StoreConflict
from deskyard.history.export import default_moves_path
from deskyard.settings import Settings

State = Literal["running", "done", "cancelled", "failed"]

DESK: Final = "desk"
"""The source that stands for the desk's own tickets; no history file has this name."""

HISTORY_SUFFIXES: Final = (".csv", ".csv.gz", ".tsv", ".xlsx", ".jsonl", ".jsonl.gz", ".parquet")
MOVES_SUFFIX: Final = ".moves.csv"
"""Suffix of the ticket history (moves) beside a history; not a history itself."""

MAX_FILES: Final = 100
"""Most files that are offered."""

EFFORTS: Final = ("quick", "normal", "thorough")
NICENESS: Final = 10
"""Niceness that is added to a training run, so that the service goes first."""

_TAIL_BYTES: Final = 20_000
"""Bytes at the end of a file that are read."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """The newest run: its source and who started it; while it runs, its step and progress (`done` of `total`, None if
    unknown); at its end, the name of the bundle, whether it became the champion, and the last message. `retraining`: it
    is compared with the model in use, too."""

    state: State
    source: str
    started_by: str
    started_at: datetime
    step: str = ""
    done: int = 0
    total: int | None = None
    bundle: str = ""
    champion: bool = False
    message: str = ""
    retraining: bool = False


class TrainingProcess:
    """The training runs of one home."""

    def __init__(self, app_settings: Settings) -> None:
        """Reads and writes nothing yet."""
        self._home, self._database = app_settings.home, app_settings.database
        self.home_folder = app_settings.state
        self.folder = app_settings.state / "training"

    def history_files(self) -> list[str]:
        """Paths of the histories in the home, relative to it, newest first."""
        found = [
            path
            for pattern in ("*", "*/*")
            for path in self.home_folder.glob(pattern)
            if path.name.lower().endswith(HISTORY_SUFFIXES) and not path.name.startswith(".") and path.is_file()
            and self.folder not in path.parents and not path.name.endswith(MOVES_SUFFIX)
        ]  # fmt: skip
        found.sort(key=lambda path: -path.stat().st_mtime)
        return [path.relative_to(self.home_folder).as_posix() for path in found[:MAX_FILES]]

    def start(self, source: str, precision: float, effort: str, started_by: str) -> None:
        """Start a training on the desk's own tickets (`DESK`) or on one of `history_files`.

        Raises BadInput for another source, precision or effort, and StoreConflict while a training is running.
        """
        if source != DESK and source not in self.history_files():
            raise BadInput(f"there is no history {source[:100]!r} in {self.home_folder}: put it there first")
        if effort not in EFFORTS or not 0.5 <= precision < 1:
            raise BadInput(f"choose an effort ({', '.join(EFFORTS)}) and a precision of at least 0.5 and below 1")
        self._spawn(
            ["train", *self._source_arguments(source), "--precision", str(precision), "--effort", effort],
            source,
            started_by,
        )

    def retrain(self, started_by: str, *, promote: bool) -> None:
        """Start a retraining on the desk's own tickets, with a comparison with the model in use; `promote`: the result
        becomes the champion if it is better. Raises StoreConflict while a training is running."""
        self._spawn(
            ["retrain", "--desk", "--promote" if promote else "--no-promote"], DESK, started_by, retraining=True
        )

    def _spawn(self, arguments: Sequence[str], source: str, started_by: str, *, retraining: bool = False) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "deskyard", *arguments, "--progress", "json"]
        command += ["--rejected", str((self.folder / "rejected.csv").absolute())]
        with self._locked(fcntl.LOCK_EX) as lock:
            run_state = {"source": source, "by": started_by, "at": datetime.now(UTC).isoformat(), "cancelled": False}
            run_state |= {"retraining": retraining}
            with (self.folder / "progress.jsonl").open("wb") as out, (self.folder / "log.txt").open("wb") as log:
                process = subprocess.Popen(  # noqa: S603 - our own command, without a shell
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=log,
                    env=self._environment(),
                    start_new_session=True,
                    pass_fds=[lock.fileno()],
                )
            os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
            self._write_state(run_state | {"pid": process.pid})
        threading.Thread(target=process.wait, daemon=True).start()  # reaps the process

    def cancel(self) -> None:
        """Cancel the running training, if there is one; its result is lost."""
        run_state = self._read_state()
        if run_state is None or not self._is_running():
            return
        self._write_state(run_state | {"cancelled": True})
        try:
            os.killpg(run_state["pid"], signal.SIGTERM)
        except ProcessLookupError:
            return

    def newest_run(self) -> TrainingRun | None:
        """The newest run; None before the first."""
        run_state = self._read_state()
        if run_state is None:
            return None
        is_running = self._is_running()
        last = self._last_line()
        run = TrainingRun(
            state="running",
            source=run_state["source"],
            started_by=run_state["by"],
            started_at=datetime.fromisoformat(run_state["at"]),
            retraining=run_state.get("retraining", False),
        )
        if "bundle" in last:
            return replace(
                run,
                state="done",
                bundle=last["bundle"],
                champion=last["champion"],
                message=last.get("message", ""),
            )
        if is_running:
            return replace(run, step=last.get("step", ""), done=last.get("done", 0), total=last.get("total"))
        if run_state["cancelled"]:
            return replace(run, state="cancelled")
        lines = [line for line in _tail(self.folder / "log.txt").splitlines() if line.strip()]
        return replace(run, state="failed", message=lines[-1].removeprefix("deskyard: ") if lines else "")

    def _source_arguments(self, source: str) -> list[str]:
        """The arguments for a source; the moves beside a history are read with it."""
        if source == DESK:
            return ["--desk"]
        table = (self.home_folder / source).absolute()
        moves = default_moves_path(table)
        return [str(table), *(["--moves", str(moves)] if moves.is_file() else [])]

    def _environment(self) -> dict[str, str]:
        home = {"DESKYARD_HOME": str(self._home.absolute())} if self._home else {}
        return {**os.environ, **home, "DESKYARD_DATABASE_URL": self._database, "NO_COLOR": "1"}

    @contextmanager
    def _locked(self, mode: int) -> Iterator[IO[bytes]]:
        """The lock that a training holds. Raises StoreConflict while one is running."""
        with (self.folder / "lock").open("ab") as lock:
            until = time.monotonic() + 0.2
            while True:
                try:
                    fcntl.flock(lock, mode | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if mode == fcntl.LOCK_SH or time.monotonic() > until:  # a reader releases it at once
                        raise StoreConflict("a training is running: wait for it, or cancel it") from error
                    time.sleep(0.01)
            yield lock

    def _is_running(self) -> bool:
        if not (self.folder / "lock").exists():
            return False
        try:
            with self._locked(fcntl.LOCK_SH):
                return False
        except StoreConflict:
            return True

    def _read_state(self) -> dict[str, Any] | None:
        try:
            run_state: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return run_state

    def _write_state(self, run_state: dict[str, Any]) -> None:
        atomic_files.write_file(self.folder / "run.json", json.dumps(run_state).encode())

    def _last_line(self) -> dict[str, Any]:
        """The last complete line of progress; {} if there is none."""
        for line in reversed(_tail(self.folder / "progress.jsonl").splitlines()):
            try:
                content = json.loads(line)
            except ValueError:
                continue
            if isinstance(content, dict):
                return content
        return {}


def _tail(path: Path) -> str:
    """The end of a file; "" if it can't be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
