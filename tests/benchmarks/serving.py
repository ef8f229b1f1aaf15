"""Costs of a request over HTTP, compared with an empty endpoint of the same app and a tutorial's pipeline behind
`mlflow models serve`: `make bench`.

All in one run on a simulated desk (synthetic tickets of about 300 characters, four targets); prints Markdown tables
for docs/performance.md. The clients share the machine's cores with the server.
"""

import csv
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deskyard.simulate.world import SimulatedWorld

CLIENTS = (1, 8, 32)
SECONDS = 6.0
WARM = 1.5
HISTORY = 3_000
LENGTH = range(220, 400)
HEADINGS = ("address", "clients", "requests/s", "p50 ms", "p99 ms", "CPU ms a request", "not 2xx")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A process under test and its address."""

    process: "subprocess.Popen[bytes]"
    port: int

    def cpu(self) -> float:
        """Seconds of CPU that it and its children have used."""
        return sum(_cpu(pid) for pid in _family(self.process.pid))

    def memory(self) -> float:
        """Megabytes that it and its children hold alone (proportional set size)."""
        return sum(_pss(pid) for pid in _family(self.process.pid)) / 1024


def main() -> None:
    """Train, serve, measure; print a row for each address and number of clients."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, {time.strftime('%Y-%m-%d')}\n")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        history = home / "history.csv"
        _deskyard(home, "simulate", "--tickets", str(HISTORY), "--seed", "3", "--out", str(history))
        _deskyard(home, "train", str(history), "--precision", "0.9", "--no-mlflow")
        _deskyard(home, "policy", "mode", "route")
        bodies = _bodies()
        print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}")
        with _ready(_serve(home), "/readyz") as (server, seconds):
            ours = f"deskyard: ready after {seconds:.1f} s"
            _rows("`GET /livez` (empty endpoint)", server, lambda _n: _request("GET", "/livez"))
            score = [_request("POST", "/v1/score", {"tickets": [body]}) for body in bodies]
            _rows("`POST /v1/score`, all targets", server, lambda n: score[n % len(score)])
            _rows(
                "`POST /v1/tickets`, stored",
                server,
                lambda n: _request(
                    "POST", "/v1/tickets", bodies[n % len(bodies)] | {"external_id": f"{time.time_ns()}"}
                ),
            )
            ours += f", {server.memory():.0f} MB at the end"
        with _ready(_mlflow(home, history), "/ping") as (server, seconds):
            peers = f"mlflow: ready after {seconds:.1f} s"
            texts = [_request("POST", "/invocations", {"inputs": [_text(body)]}) for body in bodies]
            _rows("`mlflow models serve`, the peer's one target", server, lambda n: texts[n % len(texts)])
            peers += f", {server.memory():.0f} MB at the end"
        print(f"\n{ours}; {peers}.")


def _bodies() -> list[dict[str, Any]]:
    bodies = []
    for new in SimulatedWorld(seed=3).stream(20_000):
        if len(new.ticket.subject) + len(new.ticket.body) in LENGTH:
            bodies.append({"source": "bench", "subject": new.ticket.subject, "body": new.ticket.body})
        if len(bodies) == 2_000:
            break
    return bodies


def _text(body: dict[str, Any]) -> str:
    return f"{body['subject']}\n{body['body']}"


def _request(method: str, address: str, body: Any = None) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def _rows(name: str, server: Server, request: Callable[[int], bytes]) -> None:
    for clients in CLIENTS:
        _ask(server.port, clients, WARM, request)
        before, start = server.cpu(), time.perf_counter()
        took, failed = _ask(server.port, clients, SECONDS, request)
        seconds, cpu = time.perf_counter() - start, server.cpu() - before
        took.sort()
        p50, p99 = (1000 * took[int(len(took) * share)] for share in (0.5, 0.99))
        cells = (
            name,
            clients,
            f"{len(took) / seconds:,.0f}",
            f"{p50:.1f}",
            f"{p99:.1f}",
            f"{1000 * cpu / len(took):.2f}",
            failed,
        )
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def _ask(port: int, clients: int, seconds: float, request: Callable[[int], bytes]) -> tuple[list[float], int]:
    """Send requests from `clients` clients: the seconds of each answer, and how many were not 2xx."""
    took: list[float] = []
    failed = [0]
    end = time.perf_counter() + seconds

    def client(first: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as wire:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            n = first
            while (start := time.perf_counter()) < end:
                wire.sendall(request(n))
                failed[0] += not _answer(wire).startswith(b"HTTP/1.1 2")
                took.append(time.perf_counter() - start)
                n += clients

    threads = [threading.Thread(target=client, args=(first,)) for first in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took, failed[0]


def _answer(wire: socket.socket) -> bytes:
    """Read one answer, whose length is in its header."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += wire.recv(65_536)
    head, rest = got.split(b"\r\n\r\n", 1)
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(rest) < length:
        rest += wire.recv(65_536)
    return head


def _deskyard(home: Path, *words: str) -> None:
    command = [sys.executable, "-m", "deskyard", *words]
    subprocess.run(command, check=True, cwd=home, capture_output=True, env=os.environ | {"DESKYARD_HOME": str(home)})


def _serve(home: Path) -> Server:
    port = _free_port()
    command = [sys.executable, "-m", "deskyard", "serve", "--port", str(port)]
    return Server(_started(home, command, os.environ | {"DESKYARD_HOME": str(home)}), port)


def _mlflow(home: Path, history: Path) -> Server:
    """The pipeline of a typical tutorial, served as the tutorial does."""
    import mlflow
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    with history.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["queue"]]
    peer = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LogisticRegression(max_iter=200)
    )
    peer.fit([f"{row['subject']}\n{row['body']}" for row in rows], [row["queue"] for row in rows])
    mlflow.sklearn.save_model(peer, str(home / "peer"), pip_requirements=[], serialization_format="cloudpickle")
    port = _free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(home / "peer"), "-p", str(port)]
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls uvicorn by its name
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": beside}
    return Server(_started(home, [*command, "--env-manager", "local", "--host", "127.0.0.1"], environment), port)


def _started(home: Path, command: Sequence[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)


@contextmanager
def _ready(server: Server, address: str) -> Iterator[tuple[Server, float]]:
    """The server once it answers, and the seconds until then; stopped at the end of the block."""
    start = time.perf_counter()
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{server.port}{address}", timeout=60).read()
                break
            except OSError:
                if server.process.poll() is not None or time.perf_counter() - start > 120:
                    raise
                time.sleep(0.02)
        yield server, time.perf_counter() - start
    finally:
        server.process.terminate()
        server.process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
