"""Logs as JSON, one object a line on standard error, from our own code and from the server.

A line has the numbers of tickets and decisions, the request and the caller. Errors are logged with their type and where
they were raised; messages are left out because they may quote a ticket. Of an address only the pattern of its route is
logged.
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
"""Refusals a second that are logged, and at once, so that refused requests can't fill the disk."""


class RequestLogMiddleware:
    """ASGI middleware that puts an ID into the response and into each line that is logged during the request.

    The ID is the sender's X-Request-ID if it has 1 to 64 letters, digits, dots, dashes or underscores, otherwise a new
    one. Requests that write and requests that are refused get a line of their own.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Log the requests of `app`."""
        self.app = app
        self._refusals = RateLimiter(*_REFUSAL_LOG_LIMIT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to the app."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        sent_id = Headers(scope=scope).get("x-request-id", "")
        request_id = sent_id if _SAFE_ID.fullmatch(sent_id) else uuid.uuid4().hex
        # Not cleared at the end: each request has a context of its own, and the server may log its last line later.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
                self._log_request(scope, message["status"], started)
            await send(message)

        await self.app(scope, receive, send_with_id)

    def _log_request(self, scope: Scope, status: int, started: float) -> None:
        fields = {"method": scope["method"], "route": scope.get(ROUTE_KEY), "status": status}
        if status in _REFUSAL_STATUSES:
            if not self._refusals.wait("", time.monotonic()):
                log.warning("refused", **fields, client=(scope.get("client") or (None,))[0])
        elif scope["method"] not in ("GET", "HEAD"):
            log.info("request", **fields, ms=round((time.perf_counter() - started) * 1000, 1))


def _redact_errors(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the last lines of its traceback."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["where"] = [
            f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-8:]
        ]
    return event


_PROCESSORS: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _redact_errors,
]


def configure_logging() -> None:
    """Configure structlog and logging of this process; called once by the service."""
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
