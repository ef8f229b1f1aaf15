"""`deskyard ...` in a process of its own that is forked from one with everything imported.

Starting Python and importing the service takes four to six seconds of a core, and the tests start a hundred servers and
commands. That a new interpreter can do it is shown by tests/acceptance/test_demo.py and tests/service/cli.
"""

import atexit
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.preloaded"])


class ForkedCommand:
    """One running command, with the methods of `subprocess.Popen` that tests use. `stdout` is text, line by line."""

    def __init__(self, *arguments: object, env: Mapping[str, str] | None = None, stderr: Path | None = None) -> None:
        """`stderr` is a file that is appended to (None: that of the tests)."""
        receiving, sending = _CONTEXT.Pipe(duplex=False)
        own = {**os.environ, **(env or {})}
        asked = (list(map(str, arguments)), own, str(Path.cwd()), sending, str(stderr or ""))
        self._process = _CONTEXT.Process(target=_run_command, args=asked, daemon=False)
        self._process.start()
        sending.close()
        self.stdout: IO[str] = os.fdopen(os.dup(receiving.fileno()), encoding="utf-8")
        receiving.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout)
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def run_command(
    *arguments: object, env: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """The result of a command that ends by itself."""
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "stderr.txt"
        command = ForkedCommand(*arguments, env=env, stderr=errors)
        try:
            output = command.stdout.read()
            code = command.wait(timeout)
        finally:
            command.kill()
            command.stdout.close()
        return subprocess.CompletedProcess(arguments, code, output, errors.read_text(encoding="utf-8"))


def _run_command(arguments: list[str], env: dict[str, str], folder: str, stdout: Connection, stderr: str) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    os.dup2(stdout.fileno(), 1)
    if stderr:
        os.dup2(os.open(stderr, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    for customized in env.get("PYTHONPATH", "").split(os.pathsep):
        if customized and customized not in sys.path:
            sys.path.insert(0, customized)
            if (Path(customized) / "sitecustomize.py").exists():
                runpy.run_path(f"{customized}/sitecustomize.py")
    sys.argv = ["deskyard", *arguments]
    from deskyard.cli.main import main
    from deskyard.settings import settings

    settings.cache_clear()
    code: object = 1
    try:
        code = main() or 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    if isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()  # ends pools of processes, as the end of an interpreter does
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)
