"""A notice about a ticket that reaches a queue is sent once, with its number and link and without its text."""

import hashlib
import hmac
import json

import pytest
from fastapi import FastAPI, Request

from deskyard.db.database import open_database
from deskyard.settings import Settings, settings
from deskyard.sync import notifications
from tests.conftest import SUBJECTS
from tests.fakes.serving import served
from tests.service.foreign import wait_for

KEY = "a-key-that-signs"


@pytest.fixture
def received():
    """The requests that a receiver of webhooks got: headers and bodies."""
    return []


@pytest.fixture
def receiver(received):
    app = FastAPI()
    app.state.status = 200

    @app.post("/hook")
    async def hook(request: Request):
        received.append((dict(request.headers), await request.body()))
        from fastapi.responses import Response

        return Response(status_code=app.state.status)

    with served(app) as base:
        app.state.base = base
        yield app


@pytest.fixture
def allowed(home, monkeypatch):
    """Notices may be sent to this machine, and links have a base URL."""
    monkeypatch.setenv("DESKYARD_NOTIFY_ALLOW", '["127.0.0.0/8"]')
    monkeypatch.setenv("DESKYARD_PUBLIC_URL", "https://desk.example.test")
    settings.cache_clear()


def state(home):
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.reading() as conn:
        found = notifications.OUTBOX.count_by_state(conn)
    database.close()
    return found


@pytest.fixture
def routing(home, champion, call, command, allowed):
    """A client of a service that routes, and the command line of the same home."""
    (home / "models").symlink_to(champion / "models")
    assert command("policy", "mode", "route").code == 0
    return lambda: call(Settings())


def test_a_routed_ticket_is_told_of_once_signed_and_without_a_word_of_it(routing, receiver, received, command, home):
    added = command("notify", "add", "team", f"webhook:{receiver.state.base}/hook", "--queue", "IT", "--secret", KEY)
    assert (added.code, added.out) == (0, "'team' is notified of tickets in IT.\n")
    client = routing()
    for name in ("IT", "Billing"):
        client.put(f"/v1/queues/{name}", json={})
    body = {"source": "test", "external_id": "1", "subject": SUBJECTS["IT"]}
    number = client.post("/v1/tickets", json=body).json()["ticket"]["id"]
    client.post("/v1/tickets", json=body)
    client.post("/v1/tickets", json={"subject": SUBJECTS["Billing"]})
    assert wait_for(lambda: state(home) == {"done": 1})
    ((headers, raw),) = received
    notice = json.loads(raw)
    assert (notice["event"], notice["ticket"], notice["queue"]) == ("routed", number, "IT")
    assert notice["link"] == f"https://desk.example.test/tickets/{number}"
    signed = headers["x-deskyard-timestamp"].encode() + b"." + raw
    assert headers["x-deskyard-signature"] == "sha256=" + hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
    assert b"vpn" not in raw


def test_a_channel_that_fails_is_tried_again_and_one_that_refuses_is_parked(routing, receiver, received, command, home):
    command("notify", "add", "team", f"webhook:{receiver.state.base}/hook", "--secret", KEY)
    client = routing()
    client.put("/v1/queues/IT", json={})
    receiver.state.status = 503
    client.post("/v1/tickets", json={"subject": SUBJECTS["IT"]})
    assert wait_for(lambda: received)
    receiver.state.status = 200
    assert wait_for(lambda: state(home) == {"done": 1})
    receiver.state.status = 400
    client.post("/v1/tickets", json={"subject": SUBJECTS["IT"]})
    assert wait_for(lambda: state(home) == {"done": 1, "parked": 1})


def test_who_names_a_queue_hears_of_what_waits_there_too(routing, receiver, received, command, home):
    command("notify", "add", "dispatch", f"webhook:{receiver.state.base}/hook", "--queue", "triage", "--secret", KEY)
    command("notify", "add", "all", f"webhook:{receiver.state.base}/hook", "--secret", KEY)
    client = routing()
    client.put("/v1/queues/IT", json={})
    client.post("/v1/tickets", json={"subject": SUBJECTS["IT"]})
    number = client.post("/v1/tickets", json={"subject": "lorem ipsum"}).json()["ticket"]["id"]
    assert wait_for(lambda: state(home) == {"done": 2})
    notices = {(one["event"], one["queue"]): one["ticket"] for one in (json.loads(raw) for _, raw in received)}
    assert set(notices) == {("routed", "IT"), ("waits", "triage")}
    assert notices["waits", "triage"] == number


def test_a_private_address_is_refused_unless_it_is_allowed(command, home, receiver):
    command("notify", "add", "team", f"webhook:{receiver.state.base}/hook", "--secret", KEY)
    result = command("notify", "test", "team")
    assert result.code == 2
    assert "loopback" in result.err


def test_channels_are_listed_tried_and_removed_without_showing_a_secret(command, allowed, receiver, received):
    assert "There are no channels yet" in command("notify", "list").out
    command("notify", "add", "team", f"webhook:{receiver.state.base}/hook", "--secret", KEY, "--language", "ru")
    listed = command("notify", "list").out
    assert listed.startswith("team ")
    assert KEY not in listed
    assert command("notify", "test", "team").out == "Sent.\n"
    assert len(received) == 1
    assert command("notify", "remove", "team").code == 0
    assert "there is no notification target 'team'" in command("notify", "remove", "team").err
    assert "there is no channel 'pigeon'" in command("notify", "add", "x", "pigeon:roof").err
    assert (
        "can't be the name of a connection"
        in command("notify", "add", "My Team", "slack:https://hooks.slack.com/x").err
    )
