"""A real help desk on this machine for the tests: started by a script, and changed by its own code, not its API."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deskyard.testing import StoreHarness

SERVERS = Path(__file__).parent / "servers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A help desk as the tests see it.

    `url` opens its store. `file(subject, body, queue)`: a requester's new ticket, its ref; queue None: where new ones
    go. `version`: what it says it is.
    """

    url: str
    version: str
    harness: StoreHarness
    file: Callable[[str, str, str | None], str]


@contextmanager
def running(name: str, *extra: str) -> Iterator[dict[str, str]]:
    """Start `servers/NAME/start.sh FOLDER PORT EXTRA...`; gives the KEY=VALUE words that it prints, FOLDER and PORT."""
    folder = Path(tempfile.mkdtemp(prefix=f"deskyard-{name}-"))
    folder.chmod(0o755)
    port = free_port()
    variables: dict[str, str] = {"FOLDER": str(folder), "PORT": str(port)}
    try:
        script = SERVERS / name / "start.sh"
        done = subprocess.run(["bash", script, folder, str(port), *extra], capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(f"{name} did not start: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        yield variables | dict(re.findall(r"(?:^|\s)([A-Z_]+)=(\S+)", done.stdout))
    finally:
        subprocess.run(["bash", SERVERS / name / "stop.sh", folder], timeout=60, check=False)
        if not os.environ.get("DESKYARD_KEEP_SERVERS"):
            shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens at, nor at the one a thousand above (a help desk's database)."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as one:
            port = one.getsockname()[1]
        if port + 1000 < 65536:
            with socket.socket() as other:
                if other.connect_ex(("127.0.0.1", port + 1000)):
                    return int(port)
