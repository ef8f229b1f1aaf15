"""What a request must satisfy before anything reads it: a body of bearable size, a caller we know, and a right.

ASGI middleware. In come requests; on go those that may, with their caller in the scope; every refusal is a problem.
What no route answers is refused here too, so nothing is reached that `service.auth.authorization.PERMISSIONS` does not
name.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.auth.authorization import PUBLIC_PAGES, UNAUTHENTICATED_ROUTES, AccessControl, require_permission

MAX_BODY_BYTES: Final = 2_000_000
"""Bytes of one request's body."""

CALLER_KEY: Final = "deskyard.caller"
ROUTE_KEY: Final = "deskyard.route"
"""Where the scope holds the `Caller`, and the address as its route writes it."""

_TOO_LARGE: Final = f"the request is larger than {MAX_BODY_BYTES:,} bytes: send less at once, or a shorter text"


class AccessMiddleware:
    """Stands before the app."""

    def __init__(self, app: ASGIApp, access: AccessControl) -> None:
        """Let requests pass to `app` as `access` says."""
        self.app = app
        self.access = access
        self._routes: list[RouteContext] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for the app, or let it answer with its body counted."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        else:
            try:
                await self._authorize(scope)
            except Exception as refusal:
                await _error_response(refusal, scope, receive, send)
            else:
                await self.app(scope, _limited(receive), send)

    async def _authorize(self, scope: Scope) -> None:
        """Put the caller and the route into the scope, or raise what becomes the answer."""
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > MAX_BODY_BYTES:
            raise HTTPException(413, _TOO_LARGE, {"Connection": "close"})
        address = (scope.get("client") or ("", 0))[0]
        path, known = self._route(scope)
        scope[ROUTE_KEY] = path
        if path in UNAUTHENTICATED_ROUTES:
            self.access.count_request(address)
        else:
            scope[CALLER_KEY] = caller = await self.access.authenticate(headers, address, scope["method"], path)
            structlog.contextvars.bind_contextvars(caller=caller.actor.name)
            if path in PUBLIC_PAGES:
                return
            if path:
                require_permission(caller, scope["method"], path)
            elif known:
                raise HTTPException(405, headers={"Allow": ", ".join(sorted(known))})
            else:
                raise HTTPException(404)

    def _route(self, scope: Scope) -> tuple[str, set[str]]:
        """The path of the route that will answer, or "" and the methods that the address knows."""
        self._routes = self._routes or [*iter_route_contexts(scope["app"].routes)]
        known: set[str] = set()
        for route in self._routes:
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return route.path or "", set()
            if match is Match.PARTIAL:
                known |= route.methods or set()
        return "", known


async def _error_response(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """What the app answers to such an error; one that it knows nothing of is a bug, and stays one."""
    handlers: Mapping[Any, Any] = cast(FastAPI, scope["app"]).exception_handlers
    narrow = type(error).__mro__[:-3]  # without Exception, BaseException and object
    handler = next((handlers[kind] for kind in narrow if kind in handlers), None)
    if handler is None:
        raise error
    answer = await handler(Request(scope, receive), error)
    await answer(scope, receive, send)


def _limited(receive: Receive) -> Receive:
    """The same body; reading more of it than allowed ends in a 413, whatever its headers said."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MAX_BODY_BYTES:
            raise HTTPException(413, _TOO_LARGE, {"Connection": "close"})
        return message

    return counted
