"""`deskyard serve` as a process: what it says, and what it loads."""

import http.client
import os
import socket
import subprocess
import sys
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from deskyard.cli.main import app as commands
from deskyard.errors import BadInput
from service.cli.serve import serve as serve_command
from service.http.uvicorn_protocol import MAX_CONNECTION_BYTES, MAX_HEAD_BYTES


def test_a_server_logs_json_without_a_word_of_the_tickets(server, send):
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


def test_an_upload_far_over_the_limit_is_cut_off_with_an_answer(server, send):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        head = b"POST /v1/tickets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        raw.sendall(head + b"Content-Length: 50000000\r\n\r\n" + b"x" * 10_000)
        assert raw.recv(1000).startswith(b"HTTP/1.1 413")
    assert send(server.port, {"subject": "VPN"})[0] == 201


def test_a_head_without_end_is_cut_off_with_an_answer(server, send):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * (MAX_HEAD_BYTES + 1))
        assert raw.recv(1000).startswith(b"HTTP/1.1 400")
    assert send(server.port, {"subject": "VPN"})[0] == 201


def test_whoever_sends_on_after_the_answer_is_cut_off(server, send):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 200")
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with pytest.raises(ConnectionError):
            raw.sendall(chunk * (2 * MAX_CONNECTION_BYTES // len(chunk)))
    assert send(server.port, {"subject": "VPN"})[0] == 201


def test_the_service_starts_and_files_a_ticket_without_learning_and_language_libraries(tmp_path):
    code = """
import os, sys
import service.app, service.cli, service.tickets.routing
from deskyard.domain.ticket import Ticket
heavy = {"mlflow", "training", "optuna", "cleanlab", "sklearn", "scipy", "nltk", "pandas", "ftfy", "inscriptis", "lxml"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert "deskyard.registry.bundle" not in sys.modules
assert os.listdir(os.environ["DESKYARD_HOME"]) == [], "the import alone opens nothing"
assert service.tickets.routing.route_ticket(service.app.app.state.context, Ticket(id="1", subject="VPN")).is_new
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    home = {**os.environ, "DESKYARD_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=home)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])
def test_other_machines_are_kept_out_until_there_are_access_keys(home, host):
    with pytest.raises(BadInput, match=r"access keys.*deskyard key create"):
        serve_command(port=0, host=host)


def test_once_there_is_a_key_other_machines_may_come_in_with_it(home, command):
    secret = command("key", "create", "ann", "--role", "viewer").out.strip()
    serving = [sys.executable, "-m", "deskyard", "serve", "--host", "0.0.0.0", "--port", "0"]
    with subprocess.Popen(serving, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        port = int(process.stdout.readline().split(":")[2].split("/")[0])
        for sent, status in (({}, 401), ({"Authorization": f"Bearer {secret}", "Host": "desk.example.org"}, 200)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/v1/queues", headers=sent)
            assert connection.getresponse().status == status
            connection.close()
        process.terminate()


def test_a_port_that_is_taken_is_told_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} .* choose another with --port"):
            serve_command(port=port, host="127.0.0.1")


def test_the_help_shows_an_example():
    shown = CliRunner().invoke(commands, ["serve", "--help"])
    assert shown.exit_code == 0
    assert "Example" in shown.output
