"""The main job from the command line: a history goes in, and new tickets stand in their queues."""

import csv
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from deskyard.guarantees.intervals import lower_bound
from deskyard.simulate.world import SimulatedTicket, SimulatedWorld

ASKED = 0.9
SENT = 240
TWICE = 60


def deskyard(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "deskyard", *words],
        env={**os.environ, "DESKYARD_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("road")
    history = str(folder / "history.csv")
    noise = ("--label-noise", "0.02", "--misroutes", "0.02")
    deskyard(folder, "simulate", "--tickets", "1500", "--seed", "5", *noise, "--out", history)
    asked = ("--precision", str(ASKED), "--targets", "queue,priority", "--effort", "quick")
    trained = deskyard(folder, "train", history, *asked, "--json")
    assert json.loads(trained.stdout)["targets"]["queue"]["score"]["n"] == 300
    deskyard(folder, "policy", "mode", "route")
    return folder


def first_rows(home: Path, n: int) -> str:
    """A file of the first tickets of the history."""
    short = home / f"first-{n}.csv"
    with (
        (home / "history.csv").open(encoding="utf-8", newline="") as file,
        short.open("w", encoding="utf-8", newline="") as out,
    ):
        csv.writer(out).writerows(islice(csv.reader(file), n + 1))
    return str(short)


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "deskyard", "serve", "--port", "0"]
    environment = {**os.environ, "DESKYARD_HOME": str(home)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().split()[-1].removesuffix("/v1/tickets")
        server.terminate()


def call(url: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, json.load(answer)


def listed(address: str) -> Iterator[tuple[str, str]]:
    """Every (queue, external id) that the service lists."""
    for queue in call(f"{address}/v1/queues?limit=1000")[1]["items"]:
        cursor = ""
        while cursor is not None:
            page = call(f"{address}/v1/queues/{quote(queue['name'], safe='')}/tickets?limit=50{cursor}")[1]
            yield from ((queue["name"], ticket["external_id"]) for ticket in page["items"])
            cursor = f"&cursor={quote(page['next_cursor'])}" if page["next_cursor"] else None


@pytest.fixture(scope="module")
def new() -> Sequence[SimulatedTicket]:
    return list(SimulatedWorld(seed=5, label_noise=0.02, misroutes=0.02).stream(SENT))


def test_new_tickets_stand_in_one_queue_each_and_the_routed_are_right(
    address: str, new: Sequence[SimulatedTicket]
) -> None:
    bodies = [
        {"source": "mail", "external_id": t.ticket.id, "subject": t.ticket.subject, "body": t.ticket.body} for t in new
    ]
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda body: call(f"{address}/v1/tickets", body), bodies + bodies[:TWICE]))
    first, again = answers[:SENT], answers[SENT:]
    assert Counter(status for status, _ in answers) == {201: SENT, 200: TWICE}
    assert [answer for _, answer in again] == [answer for _, answer in first[:TWICE]]

    placements = list(listed(address))
    assert sorted(ident for _, ident in placements) == sorted(t.ticket.id for t in new)

    placed = {ident: queue for queue, ident in placements}
    routed = [t for t in new if placed[t.ticket.id] != "triage"]
    right = sum(placed[t.ticket.id] == t.truth.labels["queue"] for t in routed)
    assert len(routed) >= 0.4 * SENT
    assert 1 - lower_bound(len(routed) - right, len(routed)) >= ASKED, f"{right} of {len(routed)} routed were right"


def test_the_same_history_gives_the_same_bundle(home: Path) -> None:
    history, digests = first_rows(home, 150), set()
    for name in ("first", "second"):
        words = ("train", history, "--targets", "queue", "--effort", "quick", "--out", str(home / name), "--json")
        digests.add(json.loads(deskyard(home, *words).stdout)["digest"])
    assert len(digests) == 1


def test_predictions_have_a_line_for_each_row_in_the_same_order(home: Path) -> None:
    champion = (home / "models" / "CURRENT").read_text().strip()
    asked, some = first_rows(home, 300), home / "some.jsonl"
    deskyard(home, "predict", champion, asked, "--out", str(some))
    answered = [json.loads(line)["id"] for line in some.read_text(encoding="utf-8").splitlines()]
    with open(asked, encoding="utf-8", newline="") as file:
        assert answered == [row["id"] for row in csv.DictReader(file)]
    assert len(answered) == 300
