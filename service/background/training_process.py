"""Training from the page: one run at a time, in a process of its own that outlives the page and the service.

In comes what to learn from, out goes how far it is and what came of it. The run writes its progress into the folder
`training` of the home; whoever holds that folder's lock is the run itself, so nobody mistakes a dead one for a living.
Nothing of `training` is imported here.
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
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, Literal

from deskyard import atomic_files
from deskyard.errors import BadInput, StoreConflict
from deskyard.history.export import default_moves_path
from deskyard.settings import Settings

State = Literal["running", "done", "cancelled", "failed"]

DESK: Final = "desk"
"""The source that stands for the desk's own tickets; no readable file is called so."""

HISTORY_SUFFIXES: Final = (".csv", ".csv.gz", ".tsv", ".xlsx", ".jsonl", ".jsonl.gz", ".parquet")
MOVES_SUFFIX: Final = ".moves.csv"
"""Not a history, but what became of one."""

MAX_FILES: Final = 100
"""Files that are offered."""

EFFORTS: Final = ("quick", "normal", "thorough")
NICENESS: Final = 10
"""How much a run gives way to the service: steps of niceness."""

_TAIL_BYTES: Final = 20_000
"""Bytes at the end of a file that are looked at."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """The newest run: what it learns from and who asked for it; what it does now (`what`, `done` of `of`); what came of
    it: a bundle's name, and the last line that it said. `retraining`: it compares as well, and may take the place."""

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
    """The runs of one home."""

    def __init__(self, chosen: Settings) -> None:
        """Nothing is read or written until somebody asks."""
        self._home, self._database = chosen.home, chosen.database
        self.home_folder = chosen.state
        self.folder = chosen.state / "training"

    def history_files(self) -> list[str]:
        """The histories that lie in the home, newest first, by their path there."""
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
        """Begin to learn from the desk's own tickets (`DESK`) or one of `files`.

        Raises BadInput for anything else, StoreConflict while another run is under way.
        """
        if source != DESK and source not in self.history_files():
            raise BadInput(f"{source[:100]!r} is no history in {self.home_folder}: put it there, then choose it")
        if effort not in EFFORTS or not 0.5 <= precision < 1:
            raise BadInput("choose an effort, and a precision from 50 % to below 100 %")
        self._spawn(
            ["train", *self._source_arguments(source), "--precision", str(precision), "--effort", effort],
            source,
            started_by,
        )

    def retrain(self, started_by: str, *, promote: bool) -> None:
        """Begin to learn anew from the desk's own tickets and to compare; `promote`: take the champion's place where
        that is earned. Raises StoreConflict while another run is under way."""
        self._spawn(
            ["retrain", "--desk", "--promote" if promote else "--no-promote"], DESK, started_by, retraining=True
        )

    def _spawn(self, arguments: Sequence[str], source: str, started_by: str, *, retraining: bool = False) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "deskyard", *arguments, "--progress", "json"]
        command += ["--rejected", str((self.folder / "rejected.csv").absolute())]
        with self._locked(fcntl.LOCK_EX) as lock:
            told = {"source": source, "by": started_by, "at": datetime.now(UTC).isoformat(), "cancelled": False}
            told |= {"retraining": retraining}
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
            self._write_state(told | {"pid": process.pid})
        threading.Thread(target=process.wait, daemon=True).start()  # so that it leaves no zombie

    def cancel(self) -> None:
        """End the run that is under way, if one is; what it has learnt is lost."""
        told = self._read_state()
        if told is None or not self._is_running():
            return
        self._write_state(told | {"cancelled": True})
        try:
            os.killpg(told["pid"], signal.SIGTERM)
        except ProcessLookupError:
            return

    def newest_run(self) -> TrainingRun | None:
        """The newest run; None before the first."""
        told = self._read_state()
        if told is None:
            return None
        runs = self._is_running()
        last = self._last_line()
        known = {"source": told["source"], "by": told["by"], "at": datetime.fromisoformat(told["at"])}
        known |= {"retraining": told.get("retraining", False)}
        if "bundle" in last:
            told_at_last = {"champion": last["champion"], "said": last.get("told", "")}
            return TrainingRun("done", **known, bundle=last["bundle"], **told_at_last)
        if runs:
            return TrainingRun(
                "running", **known, step=last.get("what", ""), done=last.get("done", 0), total=last.get("of")
            )
        if told["cancelled"]:
            return TrainingRun("cancelled", **known)
        lines = [line for line in _tail(self.folder / "log.txt").splitlines() if line.strip()]
        return TrainingRun("failed", **known, message=lines[-1].removeprefix("deskyard: ") if lines else "")

    def _source_arguments(self, source: str) -> list[str]:
        """What to learn from; the moves that lie beside a history are read with it."""
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
        """The lock that a living run holds. Raises StoreConflict where one does."""
        with (self.folder / "lock").open("ab") as lock:
            until = time.monotonic() + 0.2
            while True:
                try:
                    fcntl.flock(lock, mode | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if mode == fcntl.LOCK_SH or time.monotonic() > until:  # whoever only looks is gone in a moment
                        raise StoreConflict("a training is under way: wait for it, or cancel it") from error
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
            told: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return told

    def _write_state(self, run_state: dict[str, Any]) -> None:
        atomic_files.write_file(self.folder / "run.json", json.dumps(run_state).encode())

    def _last_line(self) -> dict[str, Any]:
        """The last thing the run told; a line under way is left out."""
        for line in reversed(_tail(self.folder / "progress.jsonl").splitlines()):
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict):
                return told
        return {}


def _tail(path: Path) -> str:
    """The end of a file; "" where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
