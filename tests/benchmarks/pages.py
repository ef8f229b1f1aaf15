"""Response times of the pages with 100,000 tickets, over HTTP: `make bench`.

The desk is simulated once (a quarter of an hour) and kept in the folder of temporary files, or in
DESKYARD_BENCH_HOME. Each address is requested once to warm up and nine times more, one at a time. Prints a Markdown
table for docs/performance.md, and fails if a page takes 150 ms or more, or a panel 500 ms.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deskyard.analytics import rollups
from deskyard.analytics.panels import PANELS
from deskyard.db.database import open_database
from deskyard.domain.actors import Actor
from deskyard.registry import bundle, promotion
from deskyard.settings import settings
from tests.conftest import Server
from tests.fakes.lived import live

TICKETS = 100_000
TIMES = 9
SHELL, PANEL = 0.150, 0.500
ROOT = Path(__file__).parents[2]


def main() -> None:
    """Build the desk, update the rollups, serve, and measure."""
    home = Path(os.environ.get("DESKYARD_BENCH_HOME", f"{tempfile.gettempdir()}/deskyard-pages-{TICKETS}"))
    home.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{home}/deskyard.db"
    if not (home / "built").exists():
        _build(home, url)
    database = open_database(url)
    began = time.perf_counter()
    state = rollups.refresh_rollups(database, settings().time_zone)
    counted = time.perf_counter() - began
    database.close()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {TICKETS:,} tickets")
    print(f"{state.read_to:,} entries of the journal; counting what was not counted yet took {counted:.0f} s\n")
    server = Server(home)
    try:
        slow = _measure(f"http://127.0.0.1:{server.port}")
    finally:
        server.stop()
    sys.exit(f"too slow: {', '.join(slow)}" if slow else 0)


def _build(home: Path, url: str) -> None:
    command = ["train", "data/sample/history.csv.gz", "--effort", "quick", "--no-mlflow", "--precision", "0.9"]
    environment = {**os.environ, "DESKYARD_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "deskyard", *command], cwd=ROOT, env=environment, check=True)
    (home / "deskyard.db").unlink(missing_ok=True)
    database = open_database(url)
    promotion.promote(database, home / "models", bundle.champion_folder(home / "models").name, Actor("person", "ann"))
    database.close()
    live(home, url, TICKETS)
    (home / "built").touch()


def _measure(base: str) -> list[str]:
    today = datetime.now(UTC).date()
    quarter = f"from={today - timedelta(days=89)}&to={today}"
    queue = "/queues/Network%20%2F%20VPN"
    rows = [("/", SHELL), ("/overview", PANEL), ("/review", SHELL), (f"/tickets/{TICKETS // 2}", SHELL), (queue, SHELL)]
    rows += [(f"{queue}?status=all&text=vpn", PANEL), ("/reports", SHELL), (f"/reports?{quarter}", SHELL)]
    for name in PANELS:
        rows += [(f"/reports/{name}", PANEL), (f"/reports/{name}?{quarter}&target=category", PANEL)]
    rows += [("/models", SHELL), ("/models/what-if?precision=88", PANEL), ("/models/policy", SHELL)]
    rows += [("/models/training", SHELL), ("/submit", SHELL)]
    rows += [("/reports/tickets?outcome=routed", PANEL), ("/reports/tickets?outcome=routed&rank=wrong", PANEL)]
    print("| address | median ms | slowest ms | allowed ms |\n|---|---:|---:|---:|")
    slow = []
    for path, allowed in rows:
        times = [_seconds(base + path, path.startswith("/reports/")) for _ in range(TIMES + 1)][1:]
        middle = statistics.median(times)
        print(f"| `{path}` | {1000 * middle:.0f} | {1000 * max(times):.0f} | {1000 * allowed:.0f} |", flush=True)
        slow += [path] if middle >= allowed else []
    return slow


def _seconds(address: str, part: bool) -> float:
    request = urllib.request.Request(address, headers={"HX-Request": "true"} if part else {})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
