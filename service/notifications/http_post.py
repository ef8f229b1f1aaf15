"""POST requests to user-supplied URLs, protected against server-side request forgery.

The host name is resolved once (`service.notifications.allowed_hosts`) and the checked address is called. Redirects are
not followed, proxies of the environment are not used, only the host of the URL is shown in messages, and the HTTP
library logs nothing. A request ends by a deadline.
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
from service.notifications.allowed_hosts import AllowedHosts, is_private, resolve

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 10.0
"""Seconds to connect to an address, and to wait for each part of an answer."""

DEADLINE: Final = 20.0
"""Seconds after which a request or an SMTP session is aborted."""

MAX_ANSWER_BYTES: Final = 64_000
"""Most bytes of an answer that are read."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NO_KEEPALIVE: Final = httpx2.Limits(max_keepalive_connections=0)
_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""A context without certificate authorities, for plain HTTP: loading them takes a tenth of a second."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer to a request; `raw`: the first `MAX_ANSWER_BYTES` bytes of the body."""

    status: int
    headers: Mapping[str, str]
    raw: bytes


class Deadline:
    """A context manager that shuts down the connections it watches when the time is up; `expired`: it was."""

    def __init__(self, seconds: float) -> None:
        """The time starts with the `with` block."""
        self.expired = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._watched: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Start the timer."""
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Cancel the timer."""
        self._timer.cancel()

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection down, too, when the time is up."""
        self._watched.append(connection)
        if self.expired:
            self._cut()

    def _cut(self) -> None:
        self.expired = True
        for connection in self._watched:
            with suppress(OSError):
                # Not the method of a TLS socket: it would remove TLS while another thread reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


def parse_url(text: str) -> httpx2.URL:
    """Parse an http(s) URL. Raises BadInput, whose message quotes nothing of it.

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
        raise BadInput("write the channel's URL with https:// (or http://), without a user or a password")
    return url.copy_with(fragment=None)


def origin(url: httpx2.URL) -> str:
    """Scheme, host and port of a URL: the part that may be shown."""
    return f"{url.scheme}://{url.netloc.decode()}"


def post(
    url: httpx2.URL, body: bytes, headers: Mapping[str, str], allowed: AllowedHosts, *, secret_path: bool = False
) -> HttpAnswer:
    """POST to the first address of the host that can be reached. `secret_path`: the path is a secret, so TLS is
    required unless the host is private.

    Raises StoreUnreachable if there was no answer (the request may have been received), and BadInput for an address
    that may not be called.
    """
    host = url.raw_host.decode()
    found = resolve(host, url.port or _DEFAULT_PORTS[url.scheme], allowed)
    if secret_path and url.scheme == "http" and not all(map(is_private, found)):
        raise BadInput(f"write {url.host} with https://: the secret in the URL would be sent unencrypted")
    error: Exception = AssertionError("no address")
    tls = httpx2.create_ssl_context() if url.scheme == "https" else _NO_TLS
    with Deadline(DEADLINE) as deadline, httpx2.HTTPTransport(verify=tls, limits=_NO_KEEPALIVE) as transport:
        for ip in found:
            request = _request(url, ip, host, body, headers, deadline)
            try:
                return _answer(transport.handle_request(request))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as failure:
                error = failure
            except httpx2.TransportError as failure:
                error = failure
                break
    raise StoreUnreachable(f"{origin(url)} {_failure_text(error, deadline)}", random.uniform(3, 8)) from None


def check_answer(url: httpx2.URL, answer: HttpAnswer, reason: str = "") -> None:
    """Raise an error unless the status is 2xx: StoreUnreachable (408, 425, 429, 5xx), AccessDenied (401, 403, 404,
    410), BadInput (redirects) or StoreRefused. `reason` is the part of the answer that may be quoted."""
    status = answer.status
    if 200 <= status < 300:
        return
    message = f"{origin(url)} answered {status}{f' ({reason[:200]})' if reason else ''}"
    if status in (408, 425, 429) or status >= 500:
        raise StoreUnreachable(message, retry_delay(answer.headers, time.time()))
    if 300 <= status < 400:
        raise BadInput(f"{message}: redirects are not followed; use the URL to which it redirects")
    if status in (401, 403, 404, 410):
        raise AccessDenied(f"{message}: the URL or its secret is not valid (any more); create a new one there")
    raise StoreRefused("notice", message)


def _request(
    url: httpx2.URL, ip: str, host: str, body: bytes, headers: Mapping[str, str], deadline: Deadline
) -> httpx2.Request:
    def watch(event: str, facts: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            deadline.watch(facts["return_value"].get_extra_info("socket"))

    timeout = httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
    all_headers = {"Host": url.netloc.decode(), "User-Agent": "deskyard", "Accept": "*/*", **headers}
    return httpx2.Request(
        "POST",
        url.copy_with(host=ip),
        headers=all_headers,
        content=body,
        extensions={"timeout": timeout.as_dict(), "sni_hostname": host, "trace": watch},
    )


def _answer(response: httpx2.Response) -> HttpAnswer:
    """Read the answer; a body that breaks off is kept as far as it came, because the status is what counts."""
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
        return "has a certificate that can't be trusted: renew it, or set SSL_CERT_FILE to a file with its issuer"
    if deadline.expired or isinstance(error, httpx2.ReadTimeout | httpx2.WriteTimeout):
        return "did not answer in time"
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return "can't be reached"
    return f"broke the connection off ({type(error).__name__})"
