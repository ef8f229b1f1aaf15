"""Webhooks: proved, kept from coming twice, and only a reason to look."""

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
    """A client of a service that is connected to the help desk and to an RT that is not there, and does no work."""
    with known(home / "path"), served(Faults(desk.app)) as base:
        client = call(Settings(home=home))
        engine = client.app.state.engine
        engine.create_tables()
        monkeypatch.setattr(engine, "_begin", lambda: None)
        connect(client.app.state.context.database, base)
        credentials.save_secret("tracker", "a-token")
        with client.app.state.context.database.writing() as conn:
            since, place = datetime.now(UTC), "http://router@127.0.0.1:1/REST/2.0"
            connections.save_connection(conn, "tracker", "rt", place, since=since, hook_sha256=hash_secret(SECRET))
        yield client


def handed_out(client):
    with client.app.state.context.database.reading() as conn:
        return sorted(conn.scalars(text("SELECT workflow_uuid FROM workflow_status WHERE name = 'fetch'")))


def test_a_true_webhook_hands_out_one_reading_however_often_it_comes(connected, desk):
    ref = desk.file(SUBJECTS["IT"])
    headers, raw = desk.hook(ref)
    for _ in range(3):
        answered = connected.post("/v1/hooks/plain", headers=headers, content=raw)
        assert (answered.status_code, answered.json()) == (202, {"events": 1, "news": 1})
    assert handed_out(connected) == [f"fetch-1-{ref}-1"]


def test_our_own_writing_coming_back_hands_nothing_out(connected, desk):
    ref = desk.file(SUBJECTS["IT"])
    desk.set(ref, {"queue": "IT"}, by="deskyard")
    headers, raw = desk.hook(ref)
    assert connected.post("/v1/hooks/plain", headers=headers, content=raw).json() == {"events": 1, "news": 0}
    assert handed_out(connected) == []


def test_what_is_not_signed_or_is_old_is_refused_and_nothing_in_it_used(connected, desk):
    ref = desk.file(SUBJECTS["IT"])
    headers, raw = desk.hook(ref)
    old_headers, old = desk.hook(ref, datetime.now(UTC) - timedelta(minutes=10))
    for sent, body in [({}, raw), (headers, raw + b" "), ({**headers, "X-Plain-Signature": "0" * 64}, raw)]:
        assert connected.post("/v1/hooks/plain", headers=sent, content=body).status_code == 401
    stale = connected.post("/v1/hooks/plain", headers=old_headers, content=old)
    assert (stale.status_code, "older" in stale.json()["detail"]) == (401, True)
    assert connected.post("/v1/hooks/plain", headers=headers, content=b"x" * 2_000_001).status_code == 413
    assert handed_out(connected) == []


def test_who_signs_nothing_shows_a_secret_in_the_address_or_in_a_header(connected):
    told = {"ticket": 7, "transaction": 12, "by": "alice"}
    for address, headers, status in [
        (f"/v1/hooks/tracker/{SECRET}", {}, 202),
        ("/v1/hooks/tracker", {"X-Deskyard-Secret": SECRET}, 202),
        ("/v1/hooks/tracker/guess", {}, 401),
        ("/v1/hooks/tracker/guess", {"X-Deskyard-Secret": SECRET}, 401),
        ("/v1/hooks/tracker", {}, 401),
    ]:
        answered = connected.post(address, headers=headers, json=told)
        assert answered.status_code == status, (address, answered.text)
    assert len(handed_out(connected)) == 1


def test_the_secret_of_an_address_is_kept_as_a_hash_and_never_logged(connected, caplog):
    connected.post(f"/v1/hooks/tracker/{SECRET}", json={"ticket": 7, "transaction": 12, "by": "alice"})
    with connected.app.state.context.database.reading() as conn:
        rows = str(conn.execute(text("SELECT * FROM store_connections")).all())
    assert hash_secret(SECRET) in rows
    assert SECRET not in rows + caplog.text


def test_stores_and_deliveries_are_told_by_the_api(connected):
    told = connected.get("/v1/stores").json()
    assert [one["name"] for one in told["items"]] == ["plain", "tracker"]
    assert connected.get("/v1/deliveries", params={"state": "parked"}).json() == {"items": [], "next_cursor": None}
    assert connected.get("/v1/deliveries", params={"store": "nope"}).status_code == 404
    assert connected.post("/v1/deliveries/7/retry").status_code == 404
