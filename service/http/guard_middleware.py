"""ASGI middleware that lets through only requests of limited size, from a known caller, with the permission needed.

The caller is put into the scope; every refusal is a problem response. A route without a line in
`service.auth.authorization.PERMISSIONS` is refused to everybody.
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
"""Most bytes in the body of a request."""

CALLER_KEY: Final = "deskyard.caller"
ROUTE_KEY: Final = "deskyard.route"
"""Keys of the scope: the `Caller`, and the path pattern of the route."""

_TOO_LARGE: Final = (
    f"the request is larger than {MAX_BODY_BYTES:,} bytes: send fewer tickets at once, or a shorter text"
)


class AccessMiddleware:
    """Authenticates and authorizes every request before the app handles it."""

    def __init__(self, app: ASGIApp, access: AccessControl) -> None:
        """Pass requests on to `app` if `access` and the permissions allow it."""
        self.app = app
        self.access = access
        self._routes: list[RouteContext] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on with its body limited."""
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
        """Put the caller and the route into the scope. Raises the error that becomes the response."""
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > MAX_BODY_BYTES:
            raise HTTPException(413, _TOO_LARGE, {"Connection": "close"})
        address = (scope.get("client") or ("", 0))[0]
        path, allowed_methods = self._route(scope)
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
            elif allowed_methods:
                raise HTTPException(405, headers={"Allow": ", ".join(sorted(allowed_methods))})
            else:
                raise HTTPException(404)

    def _route(self, scope: Scope) -> tuple[str, set[str]]:
        """The path pattern of the route that matches and an empty set; or "" and the methods allowed at the address."""
        self._routes = self._routes or [*iter_route_contexts(scope["app"].routes)]
        allowed_methods: set[str] = set()
        for route in self._routes:
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return route.path or "", set()
            if match is Match.PARTIAL:
                allowed_methods |= route.methods or set()
        return "", allowed_methods


async def _error_response(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the app's response to an error. An error without a handler is a bug and is raised again."""
    handlers: Mapping[Any, Any] = cast(FastAPI, scope["app"]).exception_handlers
    kinds = type(error).__mro__[:-3]  # without Exception, BaseException and object
    handler = next((handlers[kind] for kind in kinds if kind in handlers), None)
    if handler is None:
        raise error
    response = await handler(Request(scope, receive), error)
    await response(scope, receive, send)


def _limited(receive: Receive) -> Receive:
    """The same body, but reading more than `MAX_BODY_BYTES` of it raises a 413, whatever the headers say."""
    total = 0

    async def receive_limited() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MAX_BODY_BYTES:
            raise HTTPException(413, _TOO_LARGE, {"Connection": "close"})
        return message

    return receive_limited
