"""uvicorn's HTTP protocol with limits on what a client may send, on how long it may take, and on connections.

uvicorn itself keeps a request head in memory whatever its length, and waits for the rest of a request for ever. Here
too long a head is answered with a 400, a request that does not arrive in time with a 408, and a connection that sends
too much after a head is closed. Where there are too many connections, the one that has waited for its client the
longest makes room for the new one, so that clients that send nothing keep nobody out.
"""

import asyncio
import ipaddress
import socket
import time
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 300_000
"""Most bytes of a request head; more than one read of a socket, which may hold the end of a body and the next head."""

MAX_CONNECTION_BYTES: Final = 16_000_000
"""Most bytes after a head, with chunk frames and trailers; of these, `guard_middleware.MAX_BODY_BYTES` are read."""

UNREAD_SECONDS: Final = 60
"""Time after which the system ends a connection whose client does not read its answer."""

_TIMED_OUT: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_NO_ROOM: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection with limits. It is `awaiting` its client unless a whole request is there and not yet answered."""

    head_seconds = 15.0
    """Time for a request head, from the opening of the connection or the first byte after the last request."""

    body_seconds = 60.0
    """Time for the body, from the end of the head."""

    max_connections = 512
    """Most connections of a process."""

    max_client_connections = 64
    """Most connections of one address, this machine and the proxies of FORWARDED_ALLOW_IPS aside."""

    _in_head = True
    _bytes_left = MAX_HEAD_BYTES
    _awaiting_since: float | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Make room for the connection, or refuse it, and wait for its first head."""
        super().connection_made(transport)
        self._end_if_unread()
        self._await_client(self.head_seconds)
        crowd = self._crowd()
        if not crowd:
            return
        awaiting = [one for one in crowd if one is not self and one._awaiting_since is not None]
        if awaiting:
            min(awaiting, key=lambda one: one._awaiting_since or 0).transport.abort()
        else:
            transport.write(_NO_ROOM)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close the connection at once while it awaits its client, else after the answer."""
        if self._awaiting_since is None:
            super().shutdown()
        else:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Start counting the bytes and seconds of a head."""
        super().on_message_begin()
        self._in_head, self._bytes_left = True, MAX_HEAD_BYTES
        if not self.pipeline and (self.cycle is None or self.cycle.response_complete):
            self._await_client(self.head_seconds)

    def on_headers_complete(self) -> None:
        """Start counting the bytes and seconds after the head."""
        super().on_headers_complete()
        self._in_head, self._bytes_left = False, MAX_CONNECTION_BYTES
        if not self.pipeline:
            self._await_client(self.body_seconds)

    def on_message_complete(self) -> None:
        """Wait for the answer, not for the client."""
        super().on_message_complete()
        if self.cycle.response_complete:  # it was answered before it had arrived
            self._await_client(self.head_seconds)
        elif not self.pipeline:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of one that has begun."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._stop_waiting()  # uvicorn closes what stays idle
            self._awaiting_since = time.monotonic()
        elif self.cycle.more_body:
            self._await_client(self.body_seconds)
        else:
            self._stop_waiting()

    def data_received(self, data: bytes) -> None:
        """Count the bytes; refuse or close the connection beyond the limit."""
        super().data_received(data)
        if self._awaiting_since is not None and self._deadline is None:  # bytes that begin no request
            self._await_client(self.head_seconds)
        self._bytes_left -= len(data)
        if self._bytes_left < 0 and not self.transport.is_closing():
            if self._in_head:
                self.send_400_response(f"The request head is longer than {MAX_HEAD_BYTES:,} bytes.")
            else:
                self.transport.close()

    def _await_client(self, seconds: float) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self._awaiting_since = time.monotonic()
            self._deadline = self.loop.call_later(seconds, self._time_out)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._awaiting_since = None

    def _time_out(self) -> None:
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(_TIMED_OUT)
        self.transport.close()

    def _end_if_unread(self) -> None:
        """Let the system end the connection when what we wrote stays unread, where it can (Linux)."""
        opened = self.transport.get_extra_info("socket")
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        if option is not None and opened is not None and opened.family in (socket.AF_INET, socket.AF_INET6):
            opened.setsockopt(socket.IPPROTO_TCP, option, UNREAD_SECONDS * 1000)

    def _crowd(self) -> "list[LimitedHttpProtocol]":
        """The connections among which one is too many: all, those of this client, or none."""
        every = [one for one in self.connections if isinstance(one, LimitedHttpProtocol)]
        if len(every) > self.max_connections:
            return every
        address = self.client[0] if self.client else ""
        if len(every) <= self.max_client_connections or self._may_be_proxy(address):
            return []
        own = [one for one in every if one.client and one.client[0] == address]
        return own if len(own) > self.max_client_connections else []

    def _may_be_proxy(self, address: str) -> bool:
        trusted = self.config.forwarded_allow_ips
        names = trusted.split(",") if isinstance(trusted, str) else trusted or []
        try:
            return "*" in names or address in map(str.strip, names) or ipaddress.ip_address(address).is_loopback
        except ValueError:
            return True  # no address: a socket of this machine
