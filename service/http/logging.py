"""Logs: one JSON object a line on standard error, of our own code and of the server alike.

They say what happened to which number, in which request, for whom. An error is told by its kind and place; its message
stays out, as it may quote a ticket. Of an address only the route's pattern is told, never what somebody put into it.
"""

import logging
import re
import sys
import time
import traceback
import uuid
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import EventDict, Processor, WrappedLogger

from service.auth.rate_limit import RateLimiter
from service.http.guard_middleware import ROUTE_KEY

log: Final = structlog.get_logger(__name__)

_SAFE_ID: Final = re.compile("[A-Za-z0-9._-]{1,64}")
_REFUSAL_STATUSES: Final = (401, 403, 429)
_REFUSAL_LOG_LIMIT: Final = (20.0, 200)
"""Refusals a second that are told, and at once: whoever is refused must not be able to fill the disk."""


class RequestLogMiddleware:
    """ASGI middleware: each line that is logged during a request bears the request's id, and so does the answer.

    The id is the sender's X-Request-ID, where it is 1 to 64 letters, digits, dots, dashes and underscores. What writes
    and what is refused gets a line of its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand around `app`."""
        self.app = app
        self._refusals = RateLimiter(*_REFUSAL_LOG_LIMIT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        asked = Headers(scope=scope).get("x-request-id", "")
        name = asked if _SAFE_ID.fullmatch(asked) else uuid.uuid4().hex
        # Never taken back: the server gives every request a context of its own, and its last line may come after us.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=name)

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode())]
                self._log_request(scope, message["status"], began)
            await send(message)

        await self.app(scope, receive, answered)

    def _log_request(self, scope: Scope, status: int, began: float) -> None:
        told = {"method": scope["method"], "route": scope.get(ROUTE_KEY), "status": status}
        if status in _REFUSAL_STATUSES:
            if not self._refusals.wait("", time.monotonic()):
                log.warning("refused", **told, client=(scope.get("client") or (None,))[0])
        elif scope["method"] not in ("GET", "HEAD"):
            log.info("request", **told, ms=round((time.perf_counter() - began) * 1000, 1))


def _redact_errors(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its kind and the places it came through."""
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["where"] = [f"{step.filename}:{step.lineno}" for step in traceback.extract_tb(error.__traceback__)[-8:]]
    return event


_PROCESSORS: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _redact_errors,
]


def configure_logging() -> None:
    """Log like this from now on; for the process of the service."""
    structlog.configure(
        processors=[*_PROCESSORS, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_PROCESSORS,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
