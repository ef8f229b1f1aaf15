"""Texts of tickets and secrets are in no log, no audit log and no journal entry."""

import http.client
import json
import socket
import sqlite3
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from deskyard.auth import api_keys
from deskyard.db.database import open_database

PREFIX = "zq7"
"""Prefix of every word that must not be found again."""

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def secret_word(name):
    return f"{PREFIX}{name}"


class Desk:
    """A running service, and a client that sends texts everywhere."""

    def __init__(self, server, home, secret):
        self.server, self.home, self.secret = server, home, secret

    def send(self, method, address, body=None, key=None, kind="application/json", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key or self.secret}", "Content-Type": kind, **headers}
        connection.request(method, address, data, headers)
        answered = connection.getresponse()
        text = answered.read().decode()
        connection.close()
        return answered.status, text

    def send_raw(self, text):
        """Send text that is no valid HTTP, or more than the service reads; return the status."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as raw:
            raw.sendall(text.encode())
            return int(raw.recv(1000).split()[1])

    def damage(self, statement):
        database = sqlite3.connect(self.home / "deskyard.db", timeout=20)
        with database:
            database.execute(statement)
        database.close()

    def stored(self, table):
        database = sqlite3.connect(self.home / "deskyard.db", timeout=20)
        rows = database.execute(f"SELECT * FROM {table}").fetchall()
        database.close()
        return json.dumps(rows, ensure_ascii=False)


@pytest.fixture(scope="module")
def desk(serve, tmp_path_factory):
    home = tmp_path_factory.mktemp("redacted")
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.writing() as conn:
        secret = api_keys.create_key(conn, "ann", "admin", "ann", NOW)
    database.close()
    return Desk(serve(home), home, secret)


@pytest.fixture(scope="module")
def statuses(desk):
    """Every kind of valid and invalid request with such words; returns the status of each."""
    ticket = {
        "external_id": "1",
        "subject": secret_word("subject"),
        "body": f"my password is {secret_word('password')}",
        "requester": f"{secret_word('requester')}@example.org",
        "organisation": secret_word("organisation"),
        "created_at": secret_word("when"),
        "fields": {secret_word("name"): secret_word("value")},
        secret_word("member"): {"deep": secret_word("deep")},
    }
    seen = {}
    seen["taken"], text = desk.send("POST", "/v1/tickets", ticket)
    number = json.loads(text)["ticket"]["id"]
    at = f"/v1/tickets/{number}"
    patch = {"priority": "high", "category": "Access", "reason": secret_word("reason")}
    wrong = "dy_" + PREFIX + "x" * 40
    seen["again"], _ = desk.send("POST", "/v1/tickets", {**ticket, "body": secret_word("changed")})
    seen["scored"], _ = desk.send("POST", "/v1/score", {"tickets": [{"body": secret_word("scored")}]})
    seen["commented"], _ = desk.send("POST", f"{at}/comments", {"text": secret_word("comment"), "public": True})
    seen["changed"], _ = desk.send("PATCH", at, patch, **{"If-Match": "*"})
    seen["queue"], _ = desk.send("PUT", "/v1/queues/IT", {"description": secret_word("description")})
    seen["policy"], _ = desk.send("PUT", "/v1/policy", b"halted = true", kind="application/toml")
    seen["not text"], _ = desk.send("PUT", "/v1/policy", secret_word("toml").encode(), kind="application/toml")
    seen["no such priority"], _ = desk.send("PATCH", at, {"priority": secret_word("priority")}, **{"If-Match": "*"})
    seen["no such queue"], _ = desk.send("PATCH", at, {"queue": secret_word("queue")}, **{"If-Match": "*"})
    seen["no such ticket"], _ = desk.send("GET", f"/v1/tickets/{secret_word('number')}")
    seen["no such place"], _ = desk.send("GET", f"/v1/queues/{quote(secret_word('place'))}")
    seen["nowhere"], _ = desk.send("GET", f"/{secret_word('path')}?q={secret_word('query')}")
    seen["wrong method"], _ = desk.send("DELETE", at, {"body": secret_word("deleted")})
    seen["broken"], _ = desk.send("POST", "/v1/tickets", b'{"body": "%s' % secret_word("broken").encode())
    seen["not utf-8"], _ = desk.send("POST", "/v1/tickets", b'{"body": "%s\xff"}' % secret_word("bytes").encode())
    seen["wrong kind"], _ = desk.send("POST", "/v1/tickets", {"body": secret_word("kind")}, kind="text/plain")
    seen["wrong type"], _ = desk.send("POST", "/v1/tickets", {"body": [secret_word("list")]})
    head = f"POST /v1/tickets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {desk.secret}\r\n"
    seen["too large"] = desk.send_raw(f"{head}Content-Length: 50000000\r\n\r\n" + secret_word("large") * 1_000)
    seen["no http"] = desk.send_raw(f"{secret_word('garbage')} {desk.secret}\r\n\r\n")
    seen["wrong key"], _ = desk.send("GET", "/v1/queues", key=wrong)
    seen["key in the address"], _ = desk.send("GET", f"/v1/queues?key={desk.secret}", key=wrong)
    seen["key in the path"], _ = desk.send("GET", f"/v1/queues/{desk.secret}")
    seen["wrong scheme"], _ = desk.send("GET", "/v1/queues", Authorization=f"Basic {desk.secret}")
    seen["wrong host"], _ = desk.send("GET", "/v1/queues", Host=secret_word("host"))
    seen["strange id"], _ = desk.send("GET", "/nope", **{"X-Request-ID": f"{secret_word('id')} {desk.secret}"})
    desk.damage(f"UPDATE desk_tickets SET created_at = '{secret_word('bug')}'")
    seen["bug"], _ = desk.send("GET", at)
    desk.damage("ALTER TABLE journal_entries RENAME TO journal_hidden")
    seen["no database"], _ = desk.send(
        "POST", "/v1/tickets", {"body": secret_word("lost"), "external_id": secret_word("lost")}
    )
    desk.damage("ALTER TABLE journal_hidden RENAME TO journal_entries")
    for _ in range(10):
        seen["too many"], _ = desk.send("GET", "/v1/queues", key=wrong)
    return seen


def test_every_kind_of_request_was_answered(statuses):
    assert statuses == {
        "taken": 201, "again": 200, "scored": 200, "commented": 201, "changed": 200, "queue": 200, "policy": 200,
        "not text": 422, "no such priority": 422, "no such queue": 422, "no such ticket": 404, "no such place": 404,
        "nowhere": 404, "wrong method": 405, "broken": 400, "not utf-8": 400, "wrong kind": 415, "wrong type": 422,
        "too large": 413, "wrong key": 401, "key in the address": 401, "key in the path": 404, "wrong scheme": 401,
        "wrong host": 200, "strange id": 404, "no http": 400, "bug": 500, "no database": 503, "too many": 429,
    }  # fmt: skip


def test_no_word_of_a_ticket_and_no_secret_is_in_the_log(desk, statuses):
    text = desk.server.log.read_text()
    assert PREFIX not in text
    assert desk.secret not in text
    assert desk.secret.removeprefix("dy_") not in text
    assert "Bearer" not in text


def test_the_log_shows_what_happened_to_which_request(desk, statuses):
    lines = desk.server.lines()
    events = {line["event"] for line in lines}
    assert {"placed", "request", "refused", "bug", "database_failed"} <= events
    about = [line for line in lines if line["event"] in ("placed", "request", "refused", "bug", "database_failed")]
    assert all(len(line["request"]) == 32 for line in about)
    assert {line["caller"] for line in about if line["event"] in ("placed", "bug", "database_failed")} == {"ann"}
    placed = next(line for line in about if line["event"] == "placed")
    assert {line["event"] for line in about if line["request"] == placed["request"]} == {"placed", "request"}


def test_no_word_of_a_ticket_and_no_secret_is_in_the_audit_log(desk, statuses):
    stored = desk.stored("access_audit")
    assert "policy.put" in stored
    assert "queue.put" in stored
    assert PREFIX not in stored
    assert desk.secret not in stored


def test_no_word_of_a_ticket_and_no_secret_is_in_the_journal(desk, statuses):
    stored = desk.stored("journal_entries")
    assert "commented" in stored
    assert "corrected" in stored
    assert PREFIX not in stored
    assert desk.secret not in stored


def test_the_secret_is_nowhere_in_the_database(desk, statuses):
    files = [file for file in desk.home.iterdir() if file.name.startswith("deskyard.db")]
    assert any(secret_word("subject").encode() in file.read_bytes() for file in files)
    assert not any(desk.secret.encode() in file.read_bytes() for file in files)
