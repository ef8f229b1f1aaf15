"""A deskyard beside a Plaindesk: processes that know the store of `docs/new-connector.md`, as tests start them."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "new-connector.md"

KNOWN = """
from deskyard import stores

stores.STORES["plaindesk"] = "plaindesk_store:PlaindeskStore"
stores.PROVED["plaindesk"] = "made up"
"""


def written(folder: Path) -> Path:
    """A folder for PYTHONPATH: whoever starts Python with it knows the page's store by name."""
    folder.mkdir(parents=True, exist_ok=True)
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    (folder / "plaindesk_store.py").write_text(code)
    (folder / "sitecustomize.py").write_text(KNOWN)
    return folder


class Deskyard:
    """One installation: its home, its database, and its processes."""

    def __init__(self, home: Path, database: str = "", **settings: str) -> None:
        self.home = home
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(written(home / "path")),
            "DESKYARD_HOME": str(home),
            "DESKYARD_DATABASE_URL": database,
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        self.processes: list[subprocess.Popen] = []

    def run(self, *arguments: str, **more: str) -> str:
        """A command that ends; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "deskyard", *arguments],
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen:
        """A command that stays; it has said its first line."""
        with (self.home / "log.txt").open("a") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "deskyard", *arguments],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.processes.append(process)
        process.said = process.stdout.readline()
        assert process.said, (self.home / "log.txt").read_text()[-3000:]
        return process

    def kill(self, process: subprocess.Popen) -> None:
        """Take its life without a word."""
        process.kill()
        process.wait()
        process.stdout.close()
        self.processes.remove(process)

    def end(self) -> None:
        """Stop what still runs."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(30)
            process.stdout.close()


def post(port: int, path: str, headers: dict[str, str], raw: bytes) -> int:
    """Send a webhook; the status, 0 where nobody answered."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", raw, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def get(port: int, path: str) -> dict:
    """Ask the API."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)
