"""Clients that send slowly or nothing, over real sockets: they lose their connection, and nobody else does."""

import asyncio
import contextlib
import select
import socket
import threading
import time

import pytest
import uvicorn

from service.http.uvicorn_protocol import LimitedHttpProtocol

LINE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


class Small(LimitedHttpProtocol):
    """Room for few."""

    max_connections = 12


@pytest.fixture
def hasty(monkeypatch):
    """So little time that a test need not wait."""
    monkeypatch.setattr(Small, "head_seconds", 0.4)
    monkeypatch.setattr(Small, "body_seconds", 0.6)


async def answer(scope, receive, send):
    """200 once the whole body is there; /slow a second later; /early at once."""
    more = scope["path"] != "/early"
    while more:
        body = await receive()
        more = body.get("more_body")
        if body["type"] == "http.disconnect":
            return
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class Serving:
    """A server in a thread; `stop` waits until it has ended."""

    def __init__(self, listener):
        config = uvicorn.Config(answer, http=Small, log_config=None, lifespan="off", timeout_graceful_shutdown=20)
        self.port, self.server = listener.getsockname()[1], uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self.thread.start()

    def stop(self):
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def serving():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = Serving(listener)
        yield one
        one.stop()


@pytest.fixture
def connect(serving):
    with contextlib.ExitStack() as opened:
        yield lambda: opened.enter_context(socket.create_connection(("127.0.0.1", serving.port), timeout=5))


def answered(one):
    """Whether one whole answer comes."""
    said = b""
    while not said.endswith(b"ok"):
        part = one.recv(1000)
        if not part:
            return False
        said += part
    return True


def rest(one):
    """All that the server still sends until it ends the connection."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := one.recv(10_000):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nX: y\r\n", POST, POST + b"abc", b"\r\n"],
    ids=["nothing", "a word", "no end of the head", "no body", "half a body", "an empty line"],
)
def test_what_does_not_arrive_in_time_is_ended(connect, sent):
    one = connect()
    began = time.monotonic()
    one.sendall(sent)
    assert rest(one).startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < 3


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("drop", [b"X: y\r\n", b"x"], ids=["head", "body"])
def test_a_drop_at_a_time_gains_no_time(connect, drop):
    one = connect()
    one.sendall(POST if drop == b"x" else b"GET / HTTP/1.1\r\n")
    began = time.monotonic()
    with contextlib.suppress(OSError):  # reset, or a broken pipe
        while time.monotonic() - began < 3 and not select.select([one], [], [], 0)[0]:
            one.sendall(drop)
            time.sleep(0.09)
    assert time.monotonic() - began < 2


@pytest.mark.usefixtures("hasty")
def test_empty_lines_after_an_answer_gain_no_time(connect):
    one = connect()
    one.sendall(LINE)
    assert answered(one)
    began = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() - began < 3:
            one.sendall(b"\r\n")
            time.sleep(0.1)
    assert time.monotonic() - began < 2


def test_a_slow_answer_is_not_cut(connect):
    one = connect()
    one.sendall(LINE.replace(b"/", b"/slow", 1))
    assert answered(one)


def test_requests_sent_together_are_all_answered(connect):
    one = connect()
    one.sendall(LINE.replace(b"/", b"/slow", 1) + POST + b"0123456789" + LINE)
    said = b""
    while said.count(b"ok") < 3:
        said += one.recv(1000)
    assert said.count(b"200 OK") == 3


@pytest.mark.usefixtures("hasty")
def test_a_body_that_was_answered_early_is_not_awaited_for_ever(connect):
    one = connect()
    one.sendall(POST.replace(b"/", b"/early", 1))
    assert answered(one)
    one.sendall(b"x")
    began = time.monotonic()
    rest(one)
    assert time.monotonic() - began < 3


def test_whoever_sends_nothing_makes_room_for_who_does(connect):
    crowd = [connect() for _ in range(40)]
    for one in crowd[::2]:
        with contextlib.suppress(OSError):
            one.sendall(POST)
    one = connect()
    one.sendall(LINE)
    assert answered(one)


def test_where_all_are_being_answered_a_new_one_is_told_to_come_again(connect):
    busy = [connect() for _ in range(Small.max_connections)]
    for one in busy:
        one.sendall(LINE.replace(b"/", b"/slow", 1))
    time.sleep(0.2)
    assert rest(connect()).startswith(b"HTTP/1.1 503")
    assert all(map(answered, busy))


def test_one_address_may_not_take_all(monkeypatch, connect):
    monkeypatch.setattr(Small, "max_client_connections", 3)
    monkeypatch.setattr(Small, "_may_be_proxy", lambda self, address: False)
    first = connect()
    others = [connect() for _ in range(3)]
    assert rest(first) == b""
    others[0].sendall(LINE)
    assert answered(others[0])


def test_a_signal_to_stop_waits_for_answers_and_not_for_clients(serving, connect):
    silent, half, slow = connect(), connect(), connect()
    half.sendall(POST + b"abc")
    slow.sendall(LINE.replace(b"/", b"/slow", 1))
    time.sleep(0.3)
    began = time.monotonic()
    serving.stop()
    assert time.monotonic() - began < 8
    assert answered(slow)
    assert rest(silent) == rest(half) == b""


@pytest.mark.parametrize(
    ("address", "trusted", "may"),
    [("127.0.0.1", "", True), ("::1", "", True), ("10.0.0.5", "10.0.0.4, 10.0.0.5", True), ("10.0.0.5", "*", True),
     ("10.0.0.6", "10.0.0.5", False), ("", "", True)],
)  # fmt: skip
def test_a_proxy_stands_for_many_clients(address, trusted, may):
    config = uvicorn.Config(answer, forwarded_allow_ips=trusted, log_config=None)
    config.load()
    protocol = LimitedHttpProtocol(config, uvicorn.server.ServerState(), {}, asyncio.new_event_loop())
    try:
        assert protocol._may_be_proxy(address) is may
    finally:
        protocol.loop.close()
