"""Many at once: people against machines, the same ticket from all sides, models exchanged under load."""

import random
import shutil
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from deskyard.db.database import Database
from deskyard.desk import changes, queues, tickets
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import Ticket
from deskyard.errors import StoreConflict
from deskyard.registry import bundle
from deskyard.settings import Settings
from service.app import create_app

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MACHINE = Actor("machine", "model")
PERSON = Actor("person", "ann")
PAUSE = 0.02
"""Seconds that a client or a machine rests between two rounds, so that on two cores the others get their turn."""

VPN = "the vpn client drops the connection and the laptop is offline"


@pytest.fixture
def desk(tmp_path, database_url):
    """A client of a service without a model, on each kind of database."""
    app = create_app(Settings(home=tmp_path, database_url=database_url))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def machines(database_url):
    """The same database, as another process has it."""
    opened = Database(database_url)
    yield opened
    opened.close()


def post(client: TestClient, number: int) -> str:
    answered = client.post("/v1/tickets", json={"source": "mail", "external_id": str(number), "subject": "VPN"})
    assert answered.status_code == 201
    return answered.json()["ticket"]["id"]


def set_by_machine(machines: Database, ticket: str, priority: str) -> bool:
    """Whether the machine was let."""
    try:
        with machines.writing() as conn:
            changes.change_ticket(conn, int(ticket), {"priority": priority}, MACHINE, at=NOW)
    except StoreConflict:
        return False
    return True


def set_by_person(client: TestClient, ticket: str) -> int:
    """Look, then change, as often as it takes; how often somebody was faster."""
    for stale in range(1_000):
        seen = client.get(f"/v1/tickets/{ticket}")
        match = {"If-Match": seen.headers["ETag"]}
        answered = client.patch(f"/v1/tickets/{ticket}", json={"priority": "critical"}, headers=match)
        if answered.status_code == 200:
            assert answered.json()["priority"] == "critical"
            return stale
        assert answered.status_code == 412, answered.text
    raise AssertionError("the person never came through")


@pytest.mark.parametrize("people", [15, pytest.param(50, marks=pytest.mark.scale)])
def test_many_people_against_machines_every_time_the_persons_value_stands(desk, machines, people):
    numbered = [post(desk, number) for number in range(people)]
    assert all(set_by_machine(machines, ticket, "medium") for ticket in numbered)
    start = threading.Barrier(people + 10)

    def person(ticket):
        start.wait()
        return set_by_person(desk, ticket)

    def machine(mine):
        start.wait()
        for priority in ("low", "high", "medium", "low", "high"):
            for ticket in mine:
                set_by_machine(machines, ticket, priority)
            time.sleep(PAUSE)

    with ThreadPoolExecutor(people + 10) as threads:
        done = [threads.submit(person, ticket) for ticket in numbered]
        done += [threads.submit(machine, numbered[first::10]) for first in range(10)]
        for one in done:
            one.result(60)

    for ticket in numbered:
        seen = desk.get(f"/v1/tickets/{ticket}").json()
        assert seen["priority"] == "critical"
        spoke = [event["actor"]["kind"] for event in seen["history"] if event["field"] == "priority"]
        assert spoke == ["machine"] * (len(spoke) - 1) + ["person"]
        assert seen["version"] == len(spoke) + 1
        assert not set_by_machine(machines, ticket, "low")


def test_a_person_who_saw_an_older_version_is_told_to_look_again(desk, machines):
    ticket = post(desk, 1)
    seen = desk.get(f"/v1/tickets/{ticket}").headers["ETag"]
    assert set_by_machine(machines, ticket, "low")
    answered = desk.patch(f"/v1/tickets/{ticket}", json={"priority": "high"}, headers={"If-Match": seen})
    assert (answered.status_code, "look at it again" in answered.json()["detail"]) == (412, True)
    assert desk.get(f"/v1/tickets/{ticket}").json()["priority"] == "low"
    assert set_by_person(desk, ticket) == 0


def test_a_change_that_waited_for_a_move_finds_the_ticket_where_it_is_now(database, database_url):
    with database.writing() as conn:
        queues.ensure_queues(conn, ["IT", "Billing"])
        number = tickets.file_ticket(conn, Ticket(id="1", subject="VPN"), "IT", {}, at=NOW)
    other, begun = Database(database_url), threading.Event()

    def second():
        begun.set()
        with other.writing() as conn:
            return changes.change_ticket(conn, number, {"priority": "high"}, PERSON, at=NOW)

    with ThreadPoolExecutor(1) as thread:
        with database.writing() as conn:
            changes.change_ticket(conn, number, {"queue": "Billing"}, PERSON, at=NOW)
            waiting = thread.submit(second)
            assert begun.wait(10)
            assert threading.Event().wait(0.3) is False
        assert [step.field for step in waiting.result(10)] == ["priority"]
    with database.reading() as conn:
        now = tickets.find_ticket(conn, number)
    other.close()
    assert (now.queue, now.priority, now.version) == ("Billing", "high", 3)


@pytest.mark.parametrize("count", [20, pytest.param(100, marks=pytest.mark.scale)])
def test_the_same_tickets_ten_times_in_any_order_are_filed_once_each(desk, count):
    def deliver(seed):
        answers = {}
        for number in random.Random(seed).sample(range(count), count):
            answered = desk.post("/v1/tickets", json={"source": "mail", "external_id": str(number), "subject": "VPN"})
            answers[number] = (answered.status_code, answered.content)
        return answers

    with ThreadPoolExecutor(10) as threads:
        deliveries = list(threads.map(deliver, range(10)))
    assert Counter(status for answers in deliveries for status, _ in answers.values()) == {201: count, 200: 9 * count}
    for number in range(count):
        assert len({answers[number][1] for answers in deliveries}) == 1
    listed = desk.get("/v1/queues/triage/tickets", params={"limit": 1_000}).json()["items"]
    assert sorted(int(item["external_id"]) for item in listed) == list(range(count))


@pytest.fixture
def models(tmp_path, made) -> dict[str, str]:
    """Two bundles of the home, `red` and `blue`, and one that a byte was changed in; name to digest."""
    folder = tmp_path / "models"
    digests = {}
    for name, precision in (("red", 0.95), ("blue", 0.9)):
        bundle.save_bundle(folder / name, made.scorer, made.evidence, {"asked_precision": precision}, {})
        digests[name] = bundle.load_bundle(folder / name).digest
    shutil.copytree(folder / "red", folder / "flipped")
    harm(folder / "flipped")
    bundle.set_champion(folder, "red")
    return digests


def harm(folder: Path) -> None:
    victim = next(folder.rglob("coef.npy"))
    bytes_ = bytearray(victim.read_bytes())
    bytes_[-1] ^= 1
    victim.write_bytes(bytes_)


@pytest.mark.parametrize("exchanges", [20, pytest.param(100, marks=pytest.mark.scale)])
def test_many_exchanges_of_the_model_under_load_fail_no_request(models, desk, exchanges):
    stop, answers = threading.Event(), []
    posted = iter(range(1_000_000))

    def load(kind):
        while not stop.is_set():
            if kind == "score":
                answered = desk.post("/v1/score", json={"tickets": [{"subject": VPN}]})
            else:
                answered = desk.post("/v1/tickets", json={"external_id": str(next(posted)), "subject": VPN})
            answers.append((answered.status_code, answered.json().get("model")))
            stop.wait(PAUSE)

    def in_use():
        return desk.post("/v1/score", json={"tickets": [{"subject": VPN}]}).json()["model"]

    with ThreadPoolExecutor(4) as threads:
        loads = [threads.submit(load, kind) for kind in ("score", "post", "score", "post")]
        try:
            for name, turn in zip(cycle(["blue", "red"]), range(exchanges), strict=False):
                address = "rollback" if turn % 10 == 9 else f"{name}/activate"
                answered = desk.post(f"/v1/models/{address}")
                assert (answered.status_code, answered.json()["name"]) == (200, name)
                assert in_use() == models[name]
        finally:
            stop.set()
        for one in loads:
            one.result(30)
    assert {status for status, _ in answers} <= {200, 201}
    assert {model for _, model in answers} == set(models.values())
    assert len(answers) > exchanges


def test_a_broken_or_missing_model_is_refused_and_the_present_one_stays(models, desk):
    assert desk.post("/v1/models/red/activate").status_code == 200
    for name, status in (("flipped", 422), ("nowhere", 404), ("..", 404), ("%2e%2e", 404)):
        answered = desk.post(f"/v1/models/{name}/activate")
        assert answered.status_code == status, answered.text
        assert len(answered.json()["detail"].split()) > 4
        assert desk.get("/v1/models/current").json()["digest"] == models["red"]
    assert desk.post("/v1/tickets", json={"subject": VPN}).json()["model"] == models["red"]
