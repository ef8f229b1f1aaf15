"""What a request must satisfy before anything reads it: a Host we answer to, and a body of bearable size.

The Host header is checked as a web page elsewhere could otherwise point its own name at this machine's loopback
address and talk to the service from a visitor's browser (DNS rebinding).
"""

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import problem

LARGEST: Final = 2_000_000
"""Bytes of one request's body."""

_HOST: Final = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_TOO_LARGE: Final = f"the request is larger than {LARGEST:,} bytes: send less at once, or a shorter text"


class Guard:
    """ASGI middleware; both checks answer with a problem."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for the app, or let it answer with its body counted."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        length = headers.get("content-length", "")
        if not _HOST.fullmatch(host):
            refusal = problem(400, "this service answers to localhost, 127.0.0.1 and [::1] only: call it by that name")
            await refusal(scope, receive, send)
        elif length.isdecimal() and int(length[:20]) > LARGEST:
            await problem(413, _TOO_LARGE, headers={"Connection": "close"})(scope, receive, send)
        else:
            await self.app(scope, _counted(receive), send)


def _counted(receive: Receive) -> Receive:
    """The same body; reading more of it than allowed ends in a 413, whatever its headers said."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > LARGEST:
            raise HTTPException(413, _TOO_LARGE, {"Connection": "close"})
        return message

    return counted
