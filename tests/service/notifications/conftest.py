"""A notice, receivers of notices on loopback, and a name server that gives the answers of a test."""

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
    """Keeps the requests it gets and gives `answers` (status, headers, body) in order, afterwards 200."""

    def __init__(self, url, app):
        self.url = url
        self.got = app.state.got
        self.answers = app.state.answers


@pytest.fixture
def receiver():
    """A function that starts receivers; all are stopped at the end."""
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
    """Name → addresses in the order of look-ups, the last one from then on; `asked`: the names that were looked up."""
    known, real = Names(), socket.getaddrinfo

    def look_up(host, port, *rest, **more):
        host = host.decode() if isinstance(host, bytes) else host
        if host not in known:
            return real(host, port, *rest, **more)
        known.asked.append(host)
        addresses = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        return [found for ip in addresses.split() for found in real(ip, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


class Names(dict):
    def __init__(self):
        self.asked = []
