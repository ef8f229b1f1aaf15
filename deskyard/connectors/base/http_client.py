"""The wire to a help desk: one account's limits kept, its refusals told apart, its secrets never shown.

In come requests, out go answers of 2xx (and those that the caller asks for); everything else raises the error that
says what to do next. Reading is tried again by itself, writing never is: after a silence the caller looks first.
Redirects are not followed: they would carry the credentials elsewhere.
"""

import json
import logging
import random
import re
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx2
import stamina

from deskyard.errors import AccessDenied, BadInput, NotFound, StoreConflict, StoreRefused, StoreUnreachable
from deskyard.settings import settings

CONNECT_TIMEOUT: Final = 5.0
"""Seconds within which a help desk must be reached; how long it may take to answer is in the settings."""

MAX_ATTEMPTS: Final = 3
"""How often something is asked for before we give up for now."""

MAX_RESPONSE_BYTES: Final = 100_000_000
"""Bytes of one answer."""

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would tell the address of every request, secrets included

_MAX_WAIT: Final = 3600.0
_MAX_QUOTED: Final = 200


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """What came back: the status, the headers (names in small letters) and the JSON, or the text where it is none."""

    status: int
    headers: Mapping[str, str]
    data: Any


class HttpClient:
    """One account at one help desk; safe to share between threads."""

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
        """`secrets` are texts that no message may show. `per_minute`: requests that this process allows itself, for
        reading and for writing each; None: as many as the help desk takes."""
        self.base = base.rstrip("/")
        self.skew: float | None = None
        self._secrets = [secret for secret in secrets if secret]
        self._budgets = {kind: _RateBudget(per_minute) for kind in ("read", "write")}
        self._client = httpx2.Client(
            auth=auth,
            headers={"Accept": "application/json", **(headers or {})},
            timeout=httpx2.Timeout(timeout or settings().store_timeout, connect=CONNECT_TIMEOUT),
            follow_redirects=False,
        )

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> ApiResponse:
        """Ask, and ask again where no answer came. Raises what `send` raises."""
        return self.query("GET", path, params=params, **options)

    def query(self, method: str, path: str, **options: Any) -> ApiResponse:
        """The same by another method than GET, for what changes nothing there."""
        for attempt in stamina.retry_context(
            on=_NoResponse, attempts=MAX_ATTEMPTS, timeout=30, wait_initial=0.2, wait_max=2
        ):
            with attempt:
                return self._request(method, path, "read", **options)
        raise AssertionError("unreachable")

    def send(self, method: str, path: str, **options: Any) -> ApiResponse:
        """Write, once. `accept`: statuses that are an answer beside 2xx.

        Raises StoreUnreachable (silence, 429, 5xx: it may or may not have been done), NotAllowed (401, 403), NotThere
        (404, 410), StoreConflict (409, 412), StoreRefused (any other 4xx).
        """
        return self._request(method, path, "write", **options)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _request(self, method: str, path: str, kind: str, accept: Collection[int] = (), **options: Any) -> ApiResponse:
        self._budgets[kind].acquire()
        where = f"{method} {self.base}{path.partition('?')[0]}"
        try:
            with self._client.stream(method, self.base + path, **options) as response:
                raw = b"".join(_read_limited(response))
        except httpx2.InvalidURL as error:
            raise BadInput(f"{self.base} is no address that can be called") from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise _NoResponse(f"{where}: {_describe_error(error)}", random.uniform(1, 3)) from error
        self._measure_skew(response)
        status = response.status_code
        answer = ApiResponse(status, response.headers, _parse_body(raw, response.headers.get("content-type", "")))
        if 200 <= status < 300 or status in accept:
            return answer
        told = f"{where} answered {status}{self._redact(raw)}"
        if status == 429 or (status == 503 and "retry-after" in response.headers):
            wait = retry_delay(response.headers, time.time())
            self._budgets[kind].pause(wait)
            raise StoreUnreachable(told, wait)
        if status >= 500 or status == 408:
            raise _NoResponse(told, random.uniform(1, 3))
        if status in (401, 403):
            raise AccessDenied(f"{told}: check the user, the secret and the rights of deskyard's account there")
        if status in (404, 410):
            raise NotFound(told)
        if status in (409, 412):
            raise StoreConflict(told)
        if 300 <= status < 400:
            raise BadInput(f"{told}: the address leads elsewhere; write the one that answers itself")
        raise StoreRefused("request", told)

    def _measure_skew(self, response: httpx2.Response) -> None:
        try:
            there = parsedate_to_datetime(response.headers["date"])
            self.skew = round((there - datetime.now(UTC)).total_seconds(), 1)
        except (KeyError, ValueError, TypeError):
            pass

    def _redact(self, raw: bytes) -> str:
        """The beginning of what was said, without secrets and line breaks."""
        text = re.sub(r"<[^>]*>|\s+", " ", raw[:4000].decode(errors="replace")).strip()
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return f": {text[:_MAX_QUOTED]}" if text else ""


class _NoResponse(StoreUnreachable):
    """Nothing came back that says whether it was done."""


class _RateBudget:
    """So many requests a minute, and none before the help desk wants to hear of us again."""

    def __init__(self, per_minute: float | None) -> None:
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._held_until = 0.0
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Wait for our turn. Raises StoreUnreachable where that is long."""
        with self._lock:
            now = time.monotonic()
            if self._held_until - now > 2:
                raise StoreUnreachable("the help desk asked us to wait", self._held_until - now)
            start = max(now, self._next, self._held_until)
            self._next = start + self._interval
        time.sleep(max(0.0, start - now))

    def pause(self, seconds: float) -> None:
        """Ask for nothing until then."""
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + seconds)


def retry_delay(headers: Mapping[str, str], now: float) -> float:
    """Seconds that an answer asks us to wait: Retry-After (seconds or a date), else a reset time, else about five.

    >>> retry_delay({"retry-after": "7"}, 0.0), retry_delay({"ratelimit-reset": "12"}, 0.0)
    (7.0, 12.0)
    >>> retry_delay({"x-ratelimit-reset": "1030"}, 1000.0)
    30.0
    """
    told = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", told):
        return min(float(told), _MAX_WAIT)
    for moment in (told, headers.get("x-ratelimit-reset", "")):
        try:
            return min(max(_parse_moment(moment) - now, 0.5), _MAX_WAIT)
        except (ValueError, TypeError):
            continue
    reset = headers.get("ratelimit-reset", "")
    return min(float(reset), _MAX_WAIT) if reset.isdecimal() else random.uniform(3, 8)


def _parse_moment(text: str) -> float:
    """A moment as headers write it: seconds since 1970, ISO 8601, or an HTTP date."""
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
            raise StoreRefused("request", f"an answer of more than {MAX_RESPONSE_BYTES:,} bytes was not read")
        yield part


def _parse_body(raw: bytes, kind: str) -> Any:
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
