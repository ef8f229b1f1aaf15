"""Queues are renamed, merged, split and retired from the command line, and the next ticket is routed accordingly."""

import json
import re
import shutil
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest

from deskyard.simulate.world import SimulatedWorld

SENT = 120


@pytest.fixture
def desk(home: Path, learnt: Path, command):
    """An installation with a model of the simulated history, which routes all labels with a contract."""
    shutil.copytree(learnt, home / "models" / "learnt")

    def deskyard(*words: str) -> str:
        done = command(*words)
        assert done.code == 0, done.out + done.err
        return done.out

    deskyard("promote", "learnt")
    deskyard("policy", "mode", "route", "--target", "queue")
    return home, deskyard


def placed(port: int, tickets) -> list[tuple[str, dict]]:
    """The queue in which each ticket was placed, and the decision on its queue."""
    found = []
    for ticket in tickets:
        body = json.dumps({"subject": ticket.subject, "body": ticket.body}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/tickets", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = json.load(answer)
        found.append((content["placement"]["queue"], content["decisions"]["queue"]))
    return found


def share(decision: dict, *labels: str) -> float:
    return sum(one["confidence"] for one in decision["top"] if one["label"] in labels)


def test_the_next_ticket_lands_where_the_taxonomy_of_today_says(desk, serve) -> None:
    home, deskyard = desk
    port = serve(home).port
    stream = [one.ticket for one in SimulatedWorld(seed=5).stream(SENT)]
    before = placed(port, stream)
    fullest = [queue for queue, _ in Counter(queue for queue, _ in before if queue != "triage").most_common()]
    renamed, merged, other, split, retired = fullest[:5]

    deskyard("taxonomy", "rename", "queue", renamed, "Новое имя")
    deskyard("taxonomy", "merge", "queue", merged, other, "--to", "Both")
    deskyard("taxonomy", "split", "queue", split, "--to", "Here", "--to", "There")
    deskyard("taxonomy", "retire", "queue", retired, "--reason", "nobody is there any more")
    after = placed(port, stream)

    for (was, then), (now, today) in zip(before, after, strict=True):
        if was == renamed:
            assert now == "Новое имя"
            assert today["confidence"] == pytest.approx(share(then, renamed))
        elif was in (merged, other):
            assert now == "Both"
            assert today["confidence"] >= share(then, merged, other) - 1e-9 > 0
            assert today["confidence"] <= 1
        elif was == split:
            assert (now, today["action"], today["label"]) == ("triage", "suggest", split)
        elif was == retired:
            assert (now, today["action"]) == ("triage", "suggest")
            assert today["label"] not in (retired, renamed, merged, other)
        elif was != "triage":
            assert now == was
        assert retired not in [today["label"], *(one["label"] for one in today["top"])]
    gone = {renamed, merged, other, split, retired}
    assert not gone & {queue for queue, _ in after}
    assert {"Новое имя", "Both"} <= {queue for queue, _ in after}

    task = deskyard("taxonomy", "tasks").splitlines()
    assert f"queue '{split}' split into 'Here' and 'There'" in task[0]
    assert task[0].endswith(f"{[queue for queue, _ in before].count(split)} waiting")
    assert f"{2 * SENT} of {2 * SENT} decisions are the same, byte for byte." in deskyard("verify", "--last", "1000")

    routed = Counter(queue for queue, _ in (*before, *after) if queue != "triage")
    of_today = {renamed: "Новое имя", merged: "Both", other: "Both"}
    for taxonomy, name in (("original", {}), ("current", of_today)):
        page = home / f"{taxonomy}.html"
        today = datetime.now(UTC).date().isoformat()
        deskyard("report", "--week", "--day", today, "--taxonomy", taxonomy, "--lang", "en", "--out", str(page))
        expected = Counter[str]()
        for queue, n in routed.items():
            expected[name.get(queue, queue)] += n
        reported = routed_by_queue(page.read_text(encoding="utf-8"))
        assert {queue: reported.get(queue, 0) for queue in (*of_today, *of_today.values())} == {
            queue: expected[queue] for queue in (*of_today, *of_today.values())
        }


def routed_by_queue(page: str) -> dict[str, int]:
    """How many tickets were routed to each queue, by the weekly report's table of contracts."""
    section = page.partition('<section id="contracts"')[2].partition("</section>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in section.split("<tr>")]
    plain = [[" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in row] for row in rows]
    return {row[0]: int(row[1].replace(",", "")) for row in plain if len(row) > 1 and row[1].replace(",", "").isdigit()}
