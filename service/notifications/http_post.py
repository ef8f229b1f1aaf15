"""One request to an address that somebody wrote into a URL: sent to the address that was checked, and short.

In come a URL and a body; out comes a status with the beginning of the answer, or the error that says what to do next.
Names are looked up once (`service.notifications.allowed_hosts`), no redirect is followed, no proxy of the environment
is asked, nothing of the URL beyond its host is shown, and no log of the HTTP library sees it. All of it ends by a
deadline.
"""

import random
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx2

from deskyard.connectors.base.http_client import retry_delay
from deskyard.errors import AccessDenied, BadInput, StoreRefused, StoreUnreachable
from service.notifications.allowed_hosts import AllowedHosts, is_inside, resolve

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 10.0
"""Seconds within which an address must be reached, and each part of an answer must come."""

DEADLINE: Final = 20.0
"""Seconds after which a conversation is cut off, however it dawdles."""

MAX_ANSWER_BYTES: Final = 64_000
"""Bytes of an answer that are read."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NO_KEEPALIVE: Final = httpx2.Limits(max_keepalive_connections=0)
_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody; to read whom we trust takes a tenth of a second, and plain HTTP asks for none of it."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    raw: bytes


class Deadline:
    """Cuts the connections that it watches when the time is over; `over`: it has."""

    def __init__(self, seconds: float) -> None:
        """Begins with the `with` block."""
        self.expired = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._watched: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Begin."""
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Done in time, or not."""
        self._timer.cancel()

    def watch(self, connection: socket.socket) -> None:
        """Cut this one too."""
        self._watched.append(connection)
        if self.expired:
            self._cut()

    def _cut(self) -> None:
        self.expired = True
        for connection in self._watched:
            with suppress(OSError):
                # Not the method of a TLS socket: it would take the TLS away under the reader.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


def parse_url(text: str) -> httpx2.URL:
    """A web address. Raises BadInput, quoting nothing.

    >>> parse_url("https://example.org/hook").host
    'example.org'
    """
    try:
        url = httpx2.URL(text)
        good = url.scheme in _DEFAULT_PORTS and url.raw_host and not url.userinfo and url.port != 0
        good = good and 0 < (url.port or 1) < 65536 and b"%" not in url.raw_host
    except (httpx2.InvalidURL, ValueError):
        good = False
    if not good:
        raise BadInput("write the channel's address with https:// (or http://), without a user or a password")
    return url.copy_with(fragment=None)


def origin(url: httpx2.URL) -> str:
    """What may be shown of an address."""
    return f"{url.scheme}://{url.netloc.decode()}"


def post(
    url: httpx2.URL, body: bytes, headers: Mapping[str, str], allowed: AllowedHosts, *, secret_path: bool = False
) -> HttpAnswer:
    """Send it, to the first of the host's addresses that can be reached. `secret_path`: the path opens doors, and goes
    over TLS, or inside the house.

    Raises StoreUnreachable (silence; it may have been taken) and BadInput for an address that we may not call.
    """
    host = url.raw_host.decode()
    found = resolve(host, url.port or _DEFAULT_PORTS[url.scheme], allowed)
    if secret_path and url.scheme == "http" and not all(map(is_inside, found)):
        raise BadInput(f"write {url.host} with https://: the secret in its address would be read on the way")
    error: Exception = AssertionError("no address")
    tls = httpx2.create_ssl_context() if url.scheme == "https" else _NO_TLS
    with Deadline(DEADLINE) as deadline, httpx2.HTTPTransport(verify=tls, limits=_NO_KEEPALIVE) as transport:
        for ip in found:
            request = _request(url, ip, host, body, headers, deadline)
            try:
                return _answer(transport.handle_request(request))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as silence:
                error = silence
            except httpx2.TransportError as silence:
                error = silence
                break
    raise StoreUnreachable(f"{origin(url)} {_failure_text(error, deadline)}", random.uniform(3, 8)) from None


def check_answer(url: httpx2.URL, answer: HttpAnswer, reason: str = "") -> None:
    """Return for 2xx. Raises StoreUnreachable (429, 5xx), NotAllowed (401, 403, 404, 410), BadInput for a redirect, and
    StoreRefused. `said` is what may be quoted of the answer."""
    status = answer.status
    if 200 <= status < 300:
        return
    told = f"{origin(url)} answered {status}{f' ({reason[:200]})' if reason else ''}"
    if status in (408, 425, 429) or status >= 500:
        raise StoreUnreachable(told, retry_delay(answer.headers, time.time()))
    if 300 <= status < 400:
        raise BadInput(f"{told}: the address leads elsewhere, and is not followed; write the one that answers itself")
    if status in (401, 403, 404, 410):
        raise AccessDenied(f"{told}: the address or its secret is not, or no longer, good; make a new one there")
    raise StoreRefused("notice", told)


def _request(
    url: httpx2.URL, ip: str, host: str, body: bytes, headers: Mapping[str, str], deadline: Deadline
) -> httpx2.Request:
    def watch(event: str, facts: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            deadline.watch(facts["return_value"].get_extra_info("socket"))

    timeout = httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
    told = {"Host": url.netloc.decode(), "User-Agent": "deskyard", "Accept": "*/*", **headers}
    return httpx2.Request(
        "POST",
        url.copy_with(host=ip),
        headers=told,
        content=body,
        extensions={"timeout": timeout.as_dict(), "sni_hostname": host, "trace": watch},
    )


def _answer(response: httpx2.Response) -> HttpAnswer:
    """The status is the answer; a body that breaks off changes nothing in it."""
    raw = b""
    with suppress(httpx2.TransportError):
        for part in response.stream:  # type: ignore[union-attr]
            raw += part
            if len(raw) >= MAX_ANSWER_BYTES:
                break
    with suppress(httpx2.TransportError):
        response.close()
    return HttpAnswer(response.status_code, response.headers, raw[:MAX_ANSWER_BYTES])


def _failure_text(error: Exception, deadline: Deadline) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "shows a certificate that can't be trusted: renew it, or name the file of its issuer in SSL_CERT_FILE"
    if deadline.expired or isinstance(error, httpx2.ReadTimeout | httpx2.WriteTimeout):
        return "did not answer in time"
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return "can't be reached"
    return f"broke off ({type(error).__name__})"
