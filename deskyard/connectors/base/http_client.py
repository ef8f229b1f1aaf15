"""An HTTP client for the API of a help desk: rate limits, retries of reads, typed errors, no secrets in messages.

Requests return responses with a 2xx status, or one that the caller accepts; everything else raises the error that says
what to do next. Reads are retried, writes never: after a missing answer the caller must look first. Redirects are not
followed, since they would send the credentials elsewhere.
"""

import json
import logging
import os
import random
import re
import ssl
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final

import httpx2
import stamina

from deskyard.errors import AccessDenied, BadInput, NotFound, StoreConflict, StoreRefused, StoreUnreachable
from deskyard.settings import settings

CONNECT_TIMEOUT: Final = 5.0
"""Seconds within which a connection must be made; the time for an answer is in the settings."""

MAX_ATTEMPTS: Final = 3
"""How often a read is tried."""

MAX_RESPONSE_BYTES: Final = 100_000_000
"""The largest response that is read, in bytes."""

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs the URL of every request, including secrets

_MAX_WAIT: Final = 3600.0
_MAX_QUOTED: Final = 200


@cache
def _trusted_authorities(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """The certificate authorities of the system or of these variables, which take 0.05 s to read."""
    return httpx2.create_ssl_context()


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response: its status, its headers (names in lower case), and its JSON, or its text if it is not JSON."""

    status: int
    headers: Mapping[str, str]
    data: Any


class HttpClient:
    """A client for one account at one help desk; safe to share between threads."""

    def __init__(
        self,
        base: str,
        *,
        auth: httpx2.Auth | tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Collection[str] = (),
        per_minute: float | None = None,
        timeout: float | None = None,
    ) -> None:
        """`secrets` are texts that messages must not show. `per_minute` limits the requests of this process, for reads
        and for writes each; None: no limit but the help desk's own."""
        self.base = base.rstrip("/")
        self.skew: float | None = None
        self._secrets = [secret for secret in secrets if secret]
        self._budgets = {kind: _RateBudget(per_minute) for kind in ("read", "write")}
        self._client = httpx2.Client(
            auth=auth,
            headers={"Accept": "application/json", **(headers or {})},
            timeout=httpx2.Timeout(timeout or settings().store_timeout, connect=CONNECT_TIMEOUT),
            follow_redirects=False,
            verify=_trusted_authorities(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
        )

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> ApiResponse:
        """GET a path; tried again if no answer came. Raises the errors of `send`."""
        return self.query("GET", path, params=params, **options)

    def query(self, method: str, path: str, **options: Any) -> ApiResponse:
        """Read by another method than GET; tried again if no answer came. Raises the errors of `send`."""
        for attempt in stamina.retry_context(
            on=_NoResponse, attempts=MAX_ATTEMPTS, timeout=30, wait_initial=0.2, wait_max=2
        ):
            with attempt:
                return self._request(method, path, "read", **options)
        raise AssertionError("unreachable")

    def send(self, method: str, path: str, **options: Any) -> ApiResponse:
        """Write, once. `accept`: statuses beside 2xx that are returned.

        Raises StoreUnreachable (no answer, 429, 5xx: it may or may not have been done), AccessDenied (401, 403),
        NotFound (404, 410), StoreConflict (409, 412), StoreRefused (any other 4xx).
        """
        return self._request(method, path, "write", **options)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _request(self, method: str, path: str, kind: str, accept: Collection[int] = (), **options: Any) -> ApiResponse:
        self._budgets[kind].acquire()
        where = f"{method} {self.base}{path.partition('?')[0]}"
        try:
            with self._client.stream(method, self.base + path, **options) as response:
                raw = b"".join(_read_limited(response))
        except httpx2.InvalidURL as error:
            raise BadInput(f"{self.base} is not a valid address") from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise _NoResponse(f"{where}: {_describe_error(error)}", random.uniform(1, 3)) from error
        self._measure_skew(response)
        status = response.status_code
        answer = ApiResponse(status, response.headers, _parse_body(raw))
        if 200 <= status < 300 or status in accept:
            return answer
        message = f"{where} answered {status}{self._redact(raw)}"
        if status == 429 or (status == 503 and "retry-after" in response.headers):
            wait = retry_delay(response.headers, time.time())
            self._budgets[kind].pause(wait)
            raise StoreUnreachable(message, wait)
        if status >= 500 or status == 408:
            raise _NoResponse(message, random.uniform(1, 3))
        if status in (401, 403):
            raise AccessDenied(f"{message}: check the user, the secret and the rights of deskyard's account there")
        if status in (404, 410):
            raise NotFound(message)
        if status in (409, 412):
            raise StoreConflict(message)
        if 300 <= status < 400:
            raise BadInput(f"{message}: the address redirects; write the one that it redirects to")
        raise StoreRefused("request", message)

    def _measure_skew(self, response: httpx2.Response) -> None:
        try:
            server_time = parsedate_to_datetime(response.headers["date"])
            self.skew = round((server_time - datetime.now(UTC)).total_seconds(), 1)
        except (KeyError, ValueError, TypeError):
            pass

    def _redact(self, raw: bytes) -> str:
        """The beginning of a response's text, without secrets and line breaks."""
        text = re.sub(r"<[^>]*>|\s+", " ", raw[:4000].decode(errors="replace")).strip()
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return f": {text[:_MAX_QUOTED]}" if text else ""


class _NoResponse(StoreUnreachable):
    """No answer came that says whether the request was carried out."""


class _RateBudget:
    """Limits the requests per minute, and sends none while the help desk has asked us to wait."""

    def __init__(self, per_minute: float | None) -> None:
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._held_until = 0.0
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Wait until a request may be sent. Raises StoreUnreachable if the help desk asked for a longer wait."""
        with self._lock:
            now = time.monotonic()
            if self._held_until - now > 2:
                raise StoreUnreachable("the help desk asked us to wait", self._held_until - now)
            start = max(now, self._next, self._held_until)
            self._next = start + self._interval
        time.sleep(max(0.0, start - now))

    def pause(self, seconds: float) -> None:
        """Send nothing for that time."""
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + seconds)


def retry_delay(headers: Mapping[str, str], now: float) -> float:
    """Seconds that a response asks us to wait: Retry-After (seconds or a date), else a reset time, else about five.

    >>> retry_delay({"retry-after": "7"}, 0.0), retry_delay({"ratelimit-reset": "12"}, 0.0)
    (7.0, 12.0)
    >>> retry_delay({"x-ratelimit-reset": "1030"}, 1000.0)
    30.0
    """
    retry_after = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", retry_after):
        return min(float(retry_after), _MAX_WAIT)
    for moment in (retry_after, headers.get("x-ratelimit-reset", "")):
        try:
            return min(max(_parse_moment(moment) - now, 0.5), _MAX_WAIT)
        except (ValueError, TypeError):
            continue
    reset = headers.get("ratelimit-reset", "")
    return min(float(reset), _MAX_WAIT) if reset.isdecimal() else random.uniform(3, 8)


def _parse_moment(text: str) -> float:
    """The time in a header, in seconds since 1970; it may be such a number, ISO 8601, or an HTTP date."""
    if re.fullmatch(r"[0-9]{4,}(\.[0-9]+)?", text):
        return float(text)
    if re.match(r"[0-9]{4}-", text):
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return parsedate_to_datetime(text).timestamp()


def _read_limited(response: httpx2.Response) -> Any:
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > MAX_RESPONSE_BYTES:
            raise StoreRefused("request", f"a response of more than {MAX_RESPONSE_BYTES:,} bytes was not read")
        yield part


def _parse_body(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def _describe_error(error: Exception) -> str:
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return "it can't be reached"
    if isinstance(error, httpx2.TimeoutException):
        return "it did not answer in time"
    return f"the connection broke ({type(error).__name__})"
