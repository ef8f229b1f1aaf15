"""What a ticket says, and what opens the service, is in no log, no audit note and no journal entry."""

import http.client
import json
import socket
import sqlite3
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from deskyard.auth import api_keys
from deskyard.db.database import open_database

MARK = "zq7"
"""Begins every word that must not be found again."""

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def word(what):
    return f"{MARK}{what}"


class Desk:
    """A running service, and a careless client of it."""

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
        """What a client sends that speaks no proper HTTP, or more than is read; the status."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as raw:
            raw.sendall(text.encode())
            return int(raw.recv(1000).split()[1])

    def damage(self, statement):
        database = sqlite3.connect(self.home / "deskyard.db", timeout=20)
        with database:
            database.execute(statement)
        database.close()

    def kept(self, table):
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
    """Everything that can be done with marked words, well and badly; what was answered to each."""
    ticket = {
        "external_id": "1",
        "subject": word("subject"),
        "body": f"my password is {word('password')}",
        "requester": f"{word('requester')}@example.org",
        "organisation": word("organisation"),
        "created_at": word("when"),
        "fields": {word("name"): word("value")},
        word("member"): {"deep": word("deep")},
    }
    seen = {}
    seen["taken"], text = desk.send("POST", "/v1/tickets", ticket)
    number = json.loads(text)["ticket"]["id"]
    at = f"/v1/tickets/{number}"
    patch = {"priority": "high", "category": "Access", "why": word("why")}
    wrong = "dy_" + MARK + "x" * 40
    seen["again"], _ = desk.send("POST", "/v1/tickets", {**ticket, "body": word("changed")})
    seen["scored"], _ = desk.send("POST", "/v1/score", {"tickets": [{"body": word("scored")}]})
    seen["commented"], _ = desk.send("POST", f"{at}/comments", {"text": word("comment"), "public": True})
    seen["changed"], _ = desk.send("PATCH", at, patch, **{"If-Match": "*"})
    seen["queue"], _ = desk.send("PUT", "/v1/queues/IT", {"description": word("description")})
    seen["policy"], _ = desk.send("PUT", "/v1/policy", b"halted = true", kind="application/toml")
    seen["not text"], _ = desk.send("PUT", "/v1/policy", word("toml").encode(), kind="application/toml")
    seen["no such priority"], _ = desk.send("PATCH", at, {"priority": word("priority")}, **{"If-Match": "*"})
    seen["no such queue"], _ = desk.send("PATCH", at, {"queue": word("queue")}, **{"If-Match": "*"})
    seen["no such ticket"], _ = desk.send("GET", f"/v1/tickets/{word('number')}")
    seen["no such place"], _ = desk.send("GET", f"/v1/queues/{quote(word('place'))}")
    seen["nowhere"], _ = desk.send("GET", f"/{word('path')}?q={word('query')}")
    seen["wrong method"], _ = desk.send("DELETE", at, {"body": word("deleted")})
    seen["broken"], _ = desk.send("POST", "/v1/tickets", b'{"body": "%s' % word("broken").encode())
    seen["not utf-8"], _ = desk.send("POST", "/v1/tickets", b'{"body": "%s\xff"}' % word("bytes").encode())
    seen["wrong kind"], _ = desk.send("POST", "/v1/tickets", {"body": word("kind")}, kind="text/plain")
    seen["wrong type"], _ = desk.send("POST", "/v1/tickets", {"body": [word("list")]})
    head = f"POST /v1/tickets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {desk.secret}\r\n"
    seen["too large"] = desk.send_raw(f"{head}Content-Length: 50000000\r\n\r\n" + word("large") * 1_000)
    seen["no http"] = desk.send_raw(f"{word('garbage')} {desk.secret}\r\n\r\n")
    seen["wrong key"], _ = desk.send("GET", "/v1/queues", key=wrong)
    seen["key in the address"], _ = desk.send("GET", f"/v1/queues?key={desk.secret}", key=wrong)
    seen["key in the path"], _ = desk.send("GET", f"/v1/queues/{desk.secret}")
    seen["wrong scheme"], _ = desk.send("GET", "/v1/queues", Authorization=f"Basic {desk.secret}")
    seen["wrong host"], _ = desk.send("GET", "/v1/queues", Host=word("host"))
    seen["strange id"], _ = desk.send("GET", "/nope", **{"X-Request-ID": f"{word('id')} {desk.secret}"})
    desk.damage(f"UPDATE desk_tickets SET created_at = '{word('bug')}'")
    seen["bug"], _ = desk.send("GET", at)
    desk.damage("ALTER TABLE journal_entries RENAME TO journal_hidden")
    seen["no database"], _ = desk.send("POST", "/v1/tickets", {"body": word("lost"), "external_id": word("lost")})
    desk.damage("ALTER TABLE journal_hidden RENAME TO journal_entries")
    for _ in range(10):
        seen["too many"], _ = desk.send("GET", "/v1/queues", key=wrong)
    return seen


def test_every_road_was_gone(statuses):
    assert statuses == {
        "taken": 201, "again": 200, "scored": 200, "commented": 201, "changed": 200, "queue": 200, "policy": 200,
        "not text": 422, "no such priority": 422, "no such queue": 422, "no such ticket": 404, "no such place": 404,
        "nowhere": 404, "wrong method": 405, "broken": 400, "not utf-8": 400, "wrong kind": 415, "wrong type": 422,
        "too large": 413, "wrong key": 401, "key in the address": 401, "key in the path": 404, "wrong scheme": 401,
        "wrong host": 200, "strange id": 404, "no http": 400, "bug": 500, "no database": 503, "too many": 429,
    }  # fmt: skip


def test_no_word_of_a_ticket_and_no_secret_is_in_the_log(desk, statuses):
    text = desk.server.log.read_text()
    assert MARK not in text
    assert desk.secret not in text
    assert desk.secret.removeprefix("dy_") not in text
    assert "Bearer" not in text


def test_the_log_tells_what_happened_to_which_request(desk, statuses):
    lines = desk.server.lines()
    events = {line["event"] for line in lines}
    assert {"placed", "request", "refused", "bug", "database_failed"} <= events
    about = [line for line in lines if line["event"] in ("placed", "request", "refused", "bug", "database_failed")]
    assert all(len(line["request"]) == 32 for line in about)
    assert {line["caller"] for line in about if line["event"] in ("placed", "bug", "database_failed")} == {"ann"}
    placed = next(line for line in about if line["event"] == "placed")
    assert {line["event"] for line in about if line["request"] == placed["request"]} == {"placed", "request"}


def test_no_word_of_a_ticket_and_no_secret_is_in_the_audit_log(desk, statuses):
    kept = desk.kept("access_audit")
    assert "policy.put" in kept
    assert "queue.put" in kept
    assert MARK not in kept
    assert desk.secret not in kept


def test_no_word_of_a_ticket_and_no_secret_is_in_the_journal(desk, statuses):
    kept = desk.kept("journal_entries")
    assert "commented" in kept
    assert "corrected" in kept
    assert MARK not in kept
    assert desk.secret not in kept


def test_the_secret_is_nowhere_in_the_database(desk, statuses):
    files = [file for file in desk.home.iterdir() if file.name.startswith("deskyard.db")]
    assert any(word("subject").encode() in file.read_bytes() for file in files)
    assert not any(desk.secret.encode() in file.read_bytes() for file in files)
