"""Serves a fake help desk over real HTTP on loopback, with faults.

A fault affects one request. Each fake adds the hazards of its own vendor as switches.
"""

import asyncio
import socket
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


class Present:
    """Stands for the fake help desk that has an app now."""

    def __init__(self, desk: object) -> None:
        object.__setattr__(self, "found", weakref.ref(desk))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.found(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.found(), name, value)


def lent(make: Callable[[Any], Any]) -> Callable[[object], Any]:
    """Make the app of a fake help desk once, and give it to the next desk when this one is gone.

    FastAPI takes 0.1 s to make one, and each test has a desk of its own.
    """
    made: list[tuple[Present, Any]] = []

    def app_of(desk: object) -> Any:
        for present, app in made:
            if present.found() is None:
                object.__setattr__(present, "found", weakref.ref(desk))
                return app
        present = Present(desk)
        made.append((present, make(present)))
        return made[-1][1]

    return app_of


class Faults:
    """ASGI middleware: faults wait in a list, and each request that may change something (or any, with `reads`) takes
    the first. `too many`: 429; `broken`: 500, nothing done; `hang`: done, and no answer for `patience` seconds; `cut`:
    done, and the line is cut in the middle of the answer.
    """

    def __init__(self, app, headers=None):
        self.app = app
        self.waiting = []
        self.reads = False
        self.patience = 3.0
        self.headers = headers or {"Retry-After": "1"}
        self.met = Counter()

    async def __call__(self, scope, receive, send):
        may = scope["type"] == "http" and (self.reads or scope["method"] not in ("GET", "HEAD"))
        fault = self.waiting.pop(0) if may and self.waiting else None
        if fault is None:
            return await self.app(scope, receive, send)
        self.met[fault] += 1
        if fault == "too many":
            return await _answer(send, 429, self.headers, b'{"error": "too many requests"}')
        if fault == "broken":
            return await _answer(send, 500, {}, b'{"error": "something went wrong"}')
        result = []

        async def keep(message):
            result.append(message)

        await self.app(scope, receive, keep)
        if fault == "hang":
            await asyncio.sleep(self.patience)
            for message in result:
                await send(message)
            return None
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b'{"id": ', "more_body": False})
        return None


async def _answer(send, status, headers, body):
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def served(app, **options) -> Iterator[str]:
    """The base URL of an app that a thread serves; `options` are uvicorn's."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=1, **options
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
