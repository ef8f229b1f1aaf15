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
from deskyard.history.export import beside
from deskyard.settings import Settings

State = Literal["running", "done", "cancelled", "failed"]

DESK: Final = "desk"
"""The source that stands for the desk's own tickets; no readable file is called so."""

READABLE: Final = (".csv", ".csv.gz", ".tsv", ".xlsx", ".jsonl", ".jsonl.gz", ".parquet")
MOVES: Final = ".moves.csv"
"""Not a history, but what became of one."""

MOST: Final = 100
"""Files that are offered."""

EFFORTS: Final = ("quick", "normal", "thorough")
NICER: Final = 10
"""How much a run gives way to the service: steps of niceness."""

_TAIL: Final = 20_000
"""Bytes at the end of a file that are looked at."""


@dataclass(frozen=True, slots=True)
class Run:
    """The newest run: what it learns from and who asked for it; what it does now (`what`, `done` of `of`); what came of
    it: a bundle's name, and the last line that it said. `retraining`: it compares as well, and may take the place."""

    state: State
    source: str
    by: str
    at: datetime
    what: str = ""
    done: int = 0
    of: int | None = None
    bundle: str = ""
    champion: bool = False
    said: str = ""
    retraining: bool = False


class Learning:
    """The runs of one home."""

    def __init__(self, chosen: Settings) -> None:
        """Nothing is read or written until somebody asks."""
        self._home, self._database = chosen.home, chosen.database
        self.files_in = chosen.state
        self.folder = chosen.state / "training"

    def files(self) -> list[str]:
        """The histories that lie in the home, newest first, by their path there."""
        found = [
            path
            for pattern in ("*", "*/*")
            for path in self.files_in.glob(pattern)
            if path.name.lower().endswith(READABLE) and not path.name.startswith(".") and path.is_file()
            and self.folder not in path.parents and not path.name.endswith(MOVES)
        ]  # fmt: skip
        found.sort(key=lambda path: -path.stat().st_mtime)
        return [path.relative_to(self.files_in).as_posix() for path in found[:MOST]]

    def start(self, source: str, precision: float, effort: str, by: str) -> None:
        """Begin to learn from the desk's own tickets (`DESK`) or one of `files`.

        Raises BadInput for anything else, StoreConflict while another run is under way.
        """
        if source != DESK and source not in self.files():
            raise BadInput(f"{source[:100]!r} is no history in {self.files_in}: put it there, then choose it")
        if effort not in EFFORTS or not 0.5 <= precision < 1:
            raise BadInput("choose an effort, and a precision from 50 % to below 100 %")
        self._begin(["train", *self._what(source), "--precision", str(precision), "--effort", effort], source, by)

    def retrain(self, by: str, *, promote: bool) -> None:
        """Begin to learn anew from the desk's own tickets and to compare; `promote`: take the champion's place where
        that is earned. Raises StoreConflict while another run is under way."""
        self._begin(["retrain", "--desk", "--promote" if promote else "--no-promote"], DESK, by, retraining=True)

    def _begin(self, what: Sequence[str], source: str, by: str, *, retraining: bool = False) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "deskyard", *what, "--progress", "json"]
        command += ["--rejected", str((self.folder / "rejected.csv").absolute())]
        with self._locked(fcntl.LOCK_EX) as lock:
            told = {"source": source, "by": by, "at": datetime.now(UTC).isoformat(), "cancelled": False}
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
            os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICER)
            self._keep(told | {"pid": process.pid})
        threading.Thread(target=process.wait, daemon=True).start()  # so that it leaves no zombie

    def cancel(self) -> None:
        """End the run that is under way, if one is; what it has learnt is lost."""
        told = self._told()
        if told is None or not self._runs():
            return
        self._keep(told | {"cancelled": True})
        try:
            os.killpg(told["pid"], signal.SIGTERM)
        except ProcessLookupError:
            return

    def look(self) -> Run | None:
        """The newest run; None before the first."""
        told = self._told()
        if told is None:
            return None
        runs = self._runs()
        last = self._last_line()
        known = {"source": told["source"], "by": told["by"], "at": datetime.fromisoformat(told["at"])}
        known |= {"retraining": told.get("retraining", False)}
        if "bundle" in last:
            told_at_last = {"champion": last["champion"], "said": last.get("told", "")}
            return Run("done", **known, bundle=last["bundle"], **told_at_last)
        if runs:
            return Run("running", **known, what=last.get("what", ""), done=last.get("done", 0), of=last.get("of"))
        if told["cancelled"]:
            return Run("cancelled", **known)
        lines = [line for line in _end(self.folder / "log.txt").splitlines() if line.strip()]
        return Run("failed", **known, said=lines[-1].removeprefix("deskyard: ") if lines else "")

    def _what(self, source: str) -> list[str]:
        """What to learn from; the moves that lie beside a history are read with it."""
        if source == DESK:
            return ["--desk"]
        table = (self.files_in / source).absolute()
        moves = beside(table)
        return [str(table), *(["--moves", str(moves)] if moves.is_file() else [])]

    def _environment(self) -> dict[str, str]:
        home = {"DESKYARD_HOME": str(self._home.absolute())} if self._home else {}
        return {**os.environ, **home, "DESKYARD_DATABASE_URL": self._database, "NO_COLOR": "1"}

    @contextmanager
    def _locked(self, how: int) -> Iterator[IO[bytes]]:
        """The lock that a living run holds. Raises StoreConflict where one does."""
        with (self.folder / "lock").open("ab") as lock:
            until = time.monotonic() + 0.2
            while True:
                try:
                    fcntl.flock(lock, how | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if how == fcntl.LOCK_SH or time.monotonic() > until:  # whoever only looks is gone in a moment
                        raise StoreConflict("a training is under way: wait for it, or cancel it") from error
                    time.sleep(0.01)
            yield lock

    def _runs(self) -> bool:
        if not (self.folder / "lock").exists():
            return False
        try:
            with self._locked(fcntl.LOCK_SH):
                return False
        except StoreConflict:
            return True

    def _told(self) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return told

    def _keep(self, told: dict[str, Any]) -> None:
        atomic_files.write(self.folder / "run.json", json.dumps(told).encode())

    def _last_line(self) -> dict[str, Any]:
        """The last thing the run told; a line under way is left out."""
        for line in reversed(_end(self.folder / "progress.jsonl").splitlines()):
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict):
                return told
        return {}


def _end(path: Path) -> str:
    """The end of a file; "" where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL, 0))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
