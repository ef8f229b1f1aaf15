"""Headers of every response that has none of its own: no guessing of types, no copies, and TLS from now on."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskyard.settings import settings

DEFAULTS: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
"""A browser obeys the declared type, and keeps no answer: answers hold tickets, and pages depend on who asks."""

TRANSPORT_SECURITY: Final = (b"strict-transport-security", b"max-age=31536000")
"""For a year, browsers that came by TLS come by TLS only."""


def is_behind_tls(scheme: str) -> bool:
    """Whether people reach the service by TLS: `scheme` is that of the request, as a trusted proxy says it."""
    return scheme == "https" or settings().public_url.startswith("https:")


class ResponseHeadersMiddleware:
    """ASGI middleware that adds the headers of this module to each response without them."""

    def __init__(self, app: ASGIApp) -> None:
        """Add headers to the responses of `app`."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to the app."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        wanted = (*DEFAULTS, TRANSPORT_SECURITY) if is_behind_tls(scope["scheme"]) else DEFAULTS

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower() for name, _value in headers}
                message["headers"] = headers + [header for header in wanted if header[0] not in present]
            await send(message)

        await self.app(scope, receive, send_with_headers)
