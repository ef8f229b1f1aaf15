"""Webhooks are verified, counted once, and only cause a fetch."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from deskyard.connectors.base.webhooks import hash_secret
from deskyard.settings import Settings
from deskyard.sync import connections, credentials
from tests.conftest import SUBJECTS
from tests.fakes.serving import Faults, served
from tests.service.foreign import connect, known, plaindesk

SECRET = "a-secret-path-of-the-tests"


@pytest.fixture
def desk():
    return plaindesk()


@pytest.fixture
def connected(home, call, desk, monkeypatch):
    """A client of a service that is connected to the help desk and to an RT that does not exist; no worker runs."""
    with known(home / "path"), served(Faults(desk.app)) as base:
        client = call(Settings(home=home))
        engine = client.app.state.engine
        engine.create_tables()
        monkeypatch.setattr(engine, "_launch", lambda: None)
        connect(client.app.state.context.database, base)
        credentials.save_secret("tracker", "a-token")
        with client.app.state.context.database.writing() as conn:
            since, url = datetime.now(UTC), "http://router@127.0.0.1:1/REST/2.0"
            connections.save_connection(conn, "tracker", "rt", url, since=since, hook_sha256=hash_secret(SECRET))
        yield client


def fetches(client):
    with client.app.state.context.database.reading() as conn:
        return sorted(conn.scalars(text("SELECT workflow_uuid FROM workflow_status WHERE name = 'fetch'")))


def test_a_valid_webhook_causes_one_fetch_however_often_it_comes(connected, desk):
    ref = desk.file(SUBJECTS["IT"])
    headers, raw = desk.hook(ref)
    for _ in range(3):
        answered = connected.post("/v1/hooks/plain", headers=headers, content=raw)
        assert (answered.status_code, answered.json()) == (202, {"events": 1, "new_events": 1})
    assert fetches(connected) == [f"fetch-1-{ref}-1"]


def test_a_webhook_about_our_own_change_causes_no_fetch(connected, desk):
    ref = desk.file(SUBJECTS["IT"])
    desk.set(ref, {"queue": "IT"}, by="deskyard")
    headers, raw = desk.hook(ref)
    assert connected.post("/v1/hooks/plain", headers=headers, content=raw).json() == {"events": 1, "new_events": 0}
    assert fetches(connected) == []


def test_an_unsigned_or_old_webhook_is_refused_and_not_used(connected, desk):
    ref = desk.file(SUBJECTS["IT"])
    headers, raw = desk.hook(ref)
    old_headers, old = desk.hook(ref, datetime.now(UTC) - timedelta(minutes=10))
    for sent, body in [({}, raw), (headers, raw + b" "), ({**headers, "X-Plain-Signature": "0" * 64}, raw)]:
        assert connected.post("/v1/hooks/plain", headers=sent, content=body).status_code == 401
    stale = connected.post("/v1/hooks/plain", headers=old_headers, content=old)
    assert (stale.status_code, "older" in stale.json()["detail"]) == (401, True)
    assert connected.post("/v1/hooks/plain", headers=headers, content=b"x" * 2_000_001).status_code == 413
    assert fetches(connected) == []


def test_a_help_desk_that_does_not_sign_sends_a_secret_in_the_address_or_in_a_header(connected):
    event = {"ticket": 7, "transaction": 12, "by": "alice"}
    for address, headers, status in [
        (f"/v1/hooks/tracker/{SECRET}", {}, 202),
        ("/v1/hooks/tracker", {"X-Deskyard-Secret": SECRET}, 202),
        ("/v1/hooks/tracker/guess", {}, 401),
        ("/v1/hooks/tracker/guess", {"X-Deskyard-Secret": SECRET}, 401),
        ("/v1/hooks/tracker", {}, 401),
    ]:
        answered = connected.post(address, headers=headers, json=event)
        assert answered.status_code == status, (address, answered.text)
    assert len(fetches(connected)) == 1


def test_the_secret_of_an_address_is_stored_as_a_hash_and_never_logged(connected, caplog):
    connected.post(f"/v1/hooks/tracker/{SECRET}", json={"ticket": 7, "transaction": 12, "by": "alice"})
    with connected.app.state.context.database.reading() as conn:
        rows = str(conn.execute(text("SELECT * FROM store_connections")).all())
    assert hash_secret(SECRET) in rows
    assert SECRET not in rows + caplog.text


def test_connections_and_deliveries_are_listed(connected):
    listed = connected.get("/v1/connections").json()
    assert [one["name"] for one in listed["items"]] == ["plain", "tracker"]
    assert connected.get("/v1/deliveries", params={"state": "parked"}).json() == {"items": [], "next_cursor": None}
    assert connected.get("/v1/deliveries", params={"connection": "nope"}).status_code == 404
    assert connected.post("/v1/deliveries/7/retry").status_code == 404
