"""When the tickets of a queue change, the circuit breaker opens for it, sends a notice, and leaves the others."""

import json
import shutil
import time
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import select

from deskyard.db.database import open_database
from deskyard.db.tables.notifications import NOTIFICATIONS
from deskyard.simulate.world import SimulatedWorld
from tests.conftest import Server

SENT = 150


@pytest.fixture
def desk(home: Path, learnt: Path, command, monkeypatch):
    """An installation that routes by the contracts of a model of the simulated history, with a notification channel."""
    monkeypatch.setenv("DESKYARD_NOTIFY_ALLOW", '["127.0.0.0/8"]')
    shutil.copytree(learnt, home / "models" / "learnt")

    def deskyard(*words: str) -> str:
        done = command(*words)
        assert done.code == 0, done.out + done.err
        return done.out

    deskyard("promote", "learnt")
    deskyard("policy", "mode", "route", "--target", "queue")
    deskyard("notify", "add", "boss", "webhook:http://127.0.0.1:9/hook", "--secret", "s")
    return home, deskyard


def call(port: int, method: str, path: str, body: dict) -> dict:
    headers = {"Content-Type": "application/json", "If-Match": "*"}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), headers, method=method
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def placed(port: int, tickets) -> list[tuple[str, str]]:
    """(number, queue) of each ticket, as it was placed."""
    answers = [call(port, "POST", "/v1/tickets", {"subject": t.subject, "body": t.body}) for t in tickets]
    return [(one["ticket"]["id"], one["placement"]["queue"]) for one in answers]


def notices(home: Path) -> list[str]:
    """The queues whose opened circuit breakers were told of."""
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.reading() as conn:
        found = conn.execute(select(NOTIFICATIONS).where(NOTIFICATIONS.c.event == "tripped")).all()
    database.close()
    return [row.queue for row in found]


def test_the_queue_whose_tickets_changed_is_only_suggested_and_all_others_still_go(desk, serve) -> None:
    home, deskyard = desk
    server: Server = serve(home)
    stream = [one.ticket for one in SimulatedWorld(seed=5).stream(SENT * 2)]
    first = placed(server.port, stream[:SENT])
    queues = sorted({queue for _, queue in first if queue != "triage"}, key=[queue for _, queue in first].count)
    changed, other = queues[-1], queues[-2]
    for number, queue in first:
        if queue == changed:  # from today on these belong to another team
            call(server.port, "PATCH", f"/v1/tickets/{number}", {"queue": other})

    until = time.monotonic() + 40
    while not notices(home) and time.monotonic() < until:
        time.sleep(0.5)
    output = deskyard("breaker", "show")
    assert f"queue '{changed}'" in output
    assert f"To do: train again (`deskyard train --desk --drift follow`), because of queue '{changed}'." in output
    assert other not in output

    again = [queue for _, queue in placed(server.port, stream[SENT:])]
    assert changed not in again
    assert {queue for _, queue in first} - {changed} <= set(again)
    assert "are the same, byte for byte" in deskyard("verify", "--last", "1000")

    assert notices(home) == [changed]

    deskyard("breaker", "close", "queue", changed)
    time.sleep(1)
    of_it = [ticket for ticket, (_, queue) in zip(stream, first, strict=False) if queue == changed]
    assert changed in {queue for _, queue in placed(server.port, of_it)}
