"""A notice, receivers of it on loopback, and a name server that answers what a test wants."""

import socket
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI, Request, Response

from service.notifications import Notice
from tests.fakes.serving import served

LOOPBACK = ["127.0.0.0/8"]


@pytest.fixture
def notice():
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    return Notice(
        id="n7", event="routed", ticket="12", queue="IT & <Co>", link="https://desk.example/tickets/12", at=at
    )


class Receiver:
    """Keeps what it gets, at whatever path, and answers as it is told: (status, headers, body), then yes for ever."""

    def __init__(self, url, app):
        self.url = url
        self.got = app.state.got
        self.answers = app.state.answers


@pytest.fixture
def receiver():
    """Start receivers; all are stopped at the end."""
    with ExitStack() as opened:

        def make(**options):
            app = FastAPI()
            app.state.got, app.state.answers = [], []

            @app.api_route("/{path:path}", methods=["GET", "POST"])
            async def take(request: Request):
                app.state.got.append(
                    (request.method, str(request.url.path), dict(request.headers), await request.body())
                )
                status, headers, body = app.state.answers.pop(0) if app.state.answers else (200, {}, b'{"ok": true}')
                return Response(body, status, headers)

            return Receiver(opened.enter_context(served(app, **options)), app)

        yield make


@pytest.fixture
def names(monkeypatch):
    """A table, name → addresses in the order in which they are told, the last for ever; `names.asked` counts."""
    known, real = Names(), socket.getaddrinfo

    def look_up(host, port, *rest, **more):
        host = host.decode() if isinstance(host, bytes) else host
        if host not in known:
            return real(host, port, *rest, **more)
        known.asked.append(host)
        told = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        return [found for ip in told.split() for found in real(ip, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


class Names(dict):
    def __init__(self):
        self.asked = []
