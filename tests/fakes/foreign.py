"""Starts a deskyard whose processes know the Plaindesk connector of `docs/new-connector.md`."""

import json
import re
import urllib.request
from pathlib import Path

from tests.forked import ForkedCommand, run_command

PAGE = Path(__file__).parents[2] / "docs" / "new-connector.md"

REGISTRATION = """
from deskyard import connectors

connectors.CONNECTORS["plaindesk"] = "plaindesk_store:PlaindeskStore"
connectors.TESTED_AGAINST["plaindesk"] = "made up"
"""


def write_connector(folder: Path) -> Path:
    """Write a folder for PYTHONPATH: a Python that is started with it knows the store of the page by name."""
    folder.mkdir(parents=True, exist_ok=True)
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    (folder / "plaindesk_store.py").write_text(code)
    (folder / "sitecustomize.py").write_text(REGISTRATION)
    return folder


class Deskyard:
    """One installation: its home, its database, and its processes."""

    def __init__(self, home: Path, database: str = "", **settings: str) -> None:
        self.home = home
        self.environment = {
            "PYTHONPATH": str(write_connector(home / "path")),
            "DESKYARD_HOME": str(home),
            "DESKYARD_DATABASE_URL": database,
            **settings,
        }
        self.processes: list[ForkedCommand] = []

    def run(self, *arguments: str, **more: str) -> str:
        """Run a command to its end; returns what it printed."""
        done = run_command(*arguments, env=self.environment | more, timeout=900)
        assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
        return done.stdout

    def start(self, *arguments: str) -> ForkedCommand:
        """Start a command that keeps running, and wait for its first line, which is kept in `first_line`."""
        process = ForkedCommand(*arguments, env=self.environment, stderr=self.home / "log.txt")
        self.processes.append(process)
        process.first_line = process.stdout.readline()
        assert process.first_line, (self.home / "log.txt").read_text()[-3000:]
        return process

    def kill(self, process: ForkedCommand) -> None:
        """Kill a process without warning."""
        process.kill()
        process.wait()
        process.stdout.close()
        self.processes.remove(process)

    def end(self) -> None:
        """Stop the processes that still run."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(30)
            process.stdout.close()


def post(port: int, path: str, headers: dict[str, str], raw: bytes) -> int:
    """Send a webhook; returns the status, or 0 if nobody answered."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", raw, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def get(port: int, path: str) -> dict:
    """Read from the API."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)
