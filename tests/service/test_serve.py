"""`deskyard serve` as a process: what it says, what it loads, and that killing it loses nothing."""

import http.client
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from deskyard.cli import app as commands
from deskyard.errors import BadInput
from service.cli import serve as serve_command


def send(port, body, patience=30.0):
    """Post until an answer comes, as a careful sender does."""
    until = time.monotonic() + patience
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", "/v1/tickets", json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def test_a_killed_server_loses_nothing_it_accepted(serve, tmp_path):
    server = serve(tmp_path)
    port, tickets, answers = server.port, 120, {}
    halfway = threading.Event()

    def sender(start):
        for number in range(start, tickets, 4):
            answers[number] = send(port, {"source": "test", "external_id": str(number), "body": "VPN"})[1]
            if len(answers) >= 40:
                halfway.set()

    senders = [threading.Thread(target=sender, args=(start,)) for start in range(4)]
    for thread in senders:
        thread.start()
    assert halfway.wait(30)
    server.kill()
    again = serve(tmp_path, port)
    for thread in senders:
        thread.join()
    assert len(answers) == tickets
    for number, answer in answers.items():
        assert send(port, {"source": "test", "external_id": str(number), "body": "VPN"}) == (200, answer)
    again.stop()
    database = sqlite3.connect(tmp_path / "deskyard.db")
    assert database.execute("SELECT count(*), count(DISTINCT external_id) FROM desk_tickets").fetchone() == (120, 120)
    assert database.execute("SELECT count(*), count(DISTINCT ticket_id) FROM desk_journey").fetchone() == (120, 120)
    counted = database.execute("SELECT kind, count(*) FROM journal_entries GROUP BY kind ORDER BY kind").fetchall()
    assert counted == [("decided", 120), ("placed", 120), ("seen", 120)]
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_a_server_logs_json_without_a_word_of_the_tickets(server):
    assert (
        send(server.port, {"external_id": "1", "subject": "Пароль от сейфа", "requester": "ann@example.org"})[0] == 201
    )
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", f"/v1/queues/{quote('нет/такой', safe='')}/tickets")
    assert connection.getresponse().status == 404
    connection.close()
    events = {line["event"] for line in server.lines()}
    assert "placed" in events
    text = server.log.read_text()
    assert "сейф" not in text
    assert "ann@" not in text


def test_an_upload_far_over_the_limit_is_cut_off_with_an_answer(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        head = b"POST /v1/tickets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        raw.sendall(head + b"Content-Length: 50000000\r\n\r\n" + b"x" * 10_000)
        assert raw.recv(1000).startswith(b"HTTP/1.1 413")
    assert send(server.port, {"subject": "VPN"})[0] == 201


def test_the_service_needs_no_training_and_no_mlflow(tmp_path):
    code = """
import os, sys
import service.app, service.cli, service.routing
from deskyard.ticket import Ticket
assert os.listdir(os.environ["DESKYARD_HOME"]) == [], "the import alone opens nothing"
assert service.routing.route(service.app.app.state.yard, Ticket(id="1", subject="VPN"))[1]
unwanted = {"mlflow", "training", "optuna", "cleanlab", "sklearn", "nltk", "pandas"} & set(sys.modules)
assert not unwanted, unwanted
"""
    home = {**os.environ, "DESKYARD_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=home)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])
def test_other_machines_are_kept_out_until_there_are_access_keys(host):
    with pytest.raises(BadInput, match="access keys"):
        serve_command(port=0, host=host)


def test_a_port_that_is_taken_is_told_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} .* choose another with --port"):
            serve_command(port=port, host="127.0.0.1")


def test_the_help_shows_an_example():
    shown = CliRunner().invoke(commands, ["serve", "--help"])
    assert shown.exit_code == 0
    assert "Example" in shown.output
