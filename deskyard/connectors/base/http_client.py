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

from deskyard.errors import BadInput, NotAllowed, NotThere, StoreConflict, StoreRefused, StoreUnreachable
from deskyard.settings import settings

REACHED: Final = 5.0
"""Seconds within which a help desk must be reached; how long it may take to answer is in the settings."""

TRIES: Final = 3
"""How often something is asked for before we give up for now."""

LARGEST: Final = 100_000_000
"""Bytes of one answer."""

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would tell the address of every request, secrets included

_MOST_WAIT: Final = 3600.0
_QUOTED: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers (names in small letters) and the JSON, or the text where it is none."""

    status: int
    headers: Mapping[str, str]
    data: Any


class Http:
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
        self._budgets = {kind: _Budget(per_minute) for kind in ("read", "write")}
        self._client = httpx2.Client(
            auth=auth,
            headers={"Accept": "application/json", **(headers or {})},
            timeout=httpx2.Timeout(timeout or settings().store_timeout, connect=REACHED),
            follow_redirects=False,
        )

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Answer:
        """Ask, and ask again where no answer came. Raises what `send` raises."""
        return self.ask("GET", path, params=params, **options)

    def ask(self, method: str, path: str, **options: Any) -> Answer:
        """The same by another method than GET, for what changes nothing there."""
        for attempt in stamina.retry_context(on=_Silence, attempts=TRIES, timeout=30, wait_initial=0.2, wait_max=2):
            with attempt:
                return self._once(method, path, "read", **options)
        raise AssertionError("unreachable")

    def send(self, method: str, path: str, **options: Any) -> Answer:
        """Write, once. `accept`: statuses that are an answer beside 2xx.

        Raises StoreUnreachable (silence, 429, 5xx: it may or may not have been done), NotAllowed (401, 403), NotThere
        (404, 410), StoreConflict (409, 412), StoreRefused (any other 4xx).
        """
        return self._once(method, path, "write", **options)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _once(self, method: str, path: str, kind: str, accept: Collection[int] = (), **options: Any) -> Answer:
        self._budgets[kind].take()
        where = f"{method} {self.base}{path.partition('?')[0]}"
        try:
            with self._client.stream(method, self.base + path, **options) as response:
                raw = b"".join(_limited(response))
        except httpx2.InvalidURL as error:
            raise BadInput(f"{self.base} is no address that can be called") from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise _Silence(f"{where}: {_silence(error)}", random.uniform(1, 3)) from error
        self._look_at_the_clock(response)
        status = response.status_code
        answer = Answer(status, response.headers, _parsed(raw, response.headers.get("content-type", "")))
        if 200 <= status < 300 or status in accept:
            return answer
        told = f"{where} answered {status}{self._quoted(raw)}"
        if status == 429 or (status == 503 and "retry-after" in response.headers):
            wait = waiting(response.headers, time.time())
            self._budgets[kind].hold(wait)
            raise StoreUnreachable(told, wait)
        if status >= 500 or status == 408:
            raise _Silence(told, random.uniform(1, 3))
        if status in (401, 403):
            raise NotAllowed(f"{told}: check the user, the secret and the rights of deskyard's account there")
        if status in (404, 410):
            raise NotThere(told)
        if status in (409, 412):
            raise StoreConflict(told)
        if 300 <= status < 400:
            raise BadInput(f"{told}: the address leads elsewhere; write the one that answers itself")
        raise StoreRefused("request", told)

    def _look_at_the_clock(self, response: httpx2.Response) -> None:
        try:
            there = parsedate_to_datetime(response.headers["date"])
            self.skew = round((there - datetime.now(UTC)).total_seconds(), 1)
        except (KeyError, ValueError, TypeError):
            pass

    def _quoted(self, raw: bytes) -> str:
        """The beginning of what was said, without secrets and line breaks."""
        text = re.sub(r"<[^>]*>|\s+", " ", raw[:4000].decode(errors="replace")).strip()
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return f": {text[:_QUOTED]}" if text else ""


class _Silence(StoreUnreachable):
    """Nothing came back that says whether it was done."""


class _Budget:
    """So many requests a minute, and none before the help desk wants to hear of us again."""

    def __init__(self, per_minute: float | None) -> None:
        self._apart = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._held_until = 0.0
        self._one_at_a_time = threading.Lock()

    def take(self) -> None:
        """Wait for our turn. Raises StoreUnreachable where that is long."""
        with self._one_at_a_time:
            now = time.monotonic()
            if self._held_until - now > 2:
                raise StoreUnreachable("the help desk asked us to wait", self._held_until - now)
            start = max(now, self._next, self._held_until)
            self._next = start + self._apart
        time.sleep(max(0.0, start - now))

    def hold(self, seconds: float) -> None:
        """Ask for nothing until then."""
        with self._one_at_a_time:
            self._held_until = max(self._held_until, time.monotonic() + seconds)


def waiting(headers: Mapping[str, str], now: float) -> float:
    """Seconds that an answer asks us to wait: Retry-After (seconds or a date), else a reset time, else about five.

    >>> waiting({"retry-after": "7"}, 0.0), waiting({"ratelimit-reset": "12"}, 0.0)
    (7.0, 12.0)
    >>> waiting({"x-ratelimit-reset": "1030"}, 1000.0)
    30.0
    """
    told = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", told):
        return min(float(told), _MOST_WAIT)
    for moment in (told, headers.get("x-ratelimit-reset", "")):
        try:
            return min(max(_moment(moment) - now, 0.5), _MOST_WAIT)
        except (ValueError, TypeError):
            continue
    reset = headers.get("ratelimit-reset", "")
    return min(float(reset), _MOST_WAIT) if reset.isdecimal() else random.uniform(3, 8)


def _moment(text: str) -> float:
    """A moment as headers write it: seconds since 1970, ISO 8601, or an HTTP date."""
    if re.fullmatch(r"[0-9]{4,}(\.[0-9]+)?", text):
        return float(text)
    if re.match(r"[0-9]{4}-", text):
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return parsedate_to_datetime(text).timestamp()


def _limited(response: httpx2.Response) -> Any:
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > LARGEST:
            raise StoreRefused("request", f"an answer of more than {LARGEST:,} bytes was not read")
        yield part


def _parsed(raw: bytes, kind: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def _silence(error: Exception) -> str:
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return "it can't be reached"
    if isinstance(error, httpx2.TimeoutException):
        return "it did not answer in time"
    return f"the connection broke ({type(error).__name__})"
