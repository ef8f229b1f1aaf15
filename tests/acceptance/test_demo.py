"""`deskyard demo`, run again, uses its model, shows the queues of new tickets, and stops its server at the end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from deskyard.registry import bundle
from tests.fresh.run import READY

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "history.csv.gz"


@pytest.fixture
def home(learnt: Path, tmp_path: Path) -> Path:
    """The home folder of a demo, with its history and a champion."""
    (tmp_path / "models").mkdir()
    shutil.copytree(learnt, tmp_path / "models" / "learnt")
    bundle.set_champion(tmp_path / "models", "learnt")
    shutil.copy(SAMPLE, tmp_path / "history.csv.gz")
    return tmp_path


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda ending: ending.name)
def test_new_tickets_are_shown_in_their_queues_until_it_is_ended(home, ending):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {"DESKYARD_HOME": str(home), "DESKYARD_DATABASE_URL": "", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    arguments = ["demo", "--port", str(port), "--tickets", "3", "--every", "0.2"]
    output = home / "output.txt"
    with output.open("wb") as out:
        demo = subprocess.Popen(
            [sys.executable, "-m", "deskyard", *arguments], env={**os.environ, **environment}, stdout=out, stderr=out
        )
    try:
        until = time.monotonic() + 120
        while output.read_text(encoding="utf-8").count("→") < 5:
            assert demo.poll() is None, output.read_text(encoding="utf-8")
            assert time.monotonic() < until, output.read_text(encoding="utf-8")
            time.sleep(0.2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/tickets/5", timeout=10) as answer:
            queue = json.load(answer)["queue"]
    finally:
        demo.send_signal(ending)
        demo.wait(60)
    text = output.read_text(encoding="utf-8")
    assert "$ deskyard serve" in text
    assert READY in text
    assert "curl" in text
    assert f"→  {queue}" in text
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
