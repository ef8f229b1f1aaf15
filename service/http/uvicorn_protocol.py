"""uvicorn's HTTP protocol with limits on the bytes that a client may send before it is authenticated.

Too long a request head is answered with a 400, and a connection that sends too much after a head is closed. uvicorn
itself keeps the whole head in memory, whatever its length.
"""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 300_000
"""Most bytes of a request head; more than one read of a socket, which may hold the end of a body and the next head."""

MAX_CONNECTION_BYTES: Final = 16_000_000
"""Most bytes after a head, with chunk frames and trailers; of these, `guard_middleware.MAX_BODY_BYTES` are read."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection with limits on what it may send."""

    _in_head = True
    _bytes_left = MAX_HEAD_BYTES

    def on_message_begin(self) -> None:
        """Start counting the bytes of a head."""
        super().on_message_begin()
        self._in_head, self._bytes_left = True, MAX_HEAD_BYTES

    def on_headers_complete(self) -> None:
        """Start counting the bytes after the head."""
        super().on_headers_complete()
        self._in_head, self._bytes_left = False, MAX_CONNECTION_BYTES

    def data_received(self, data: bytes) -> None:
        """Count the bytes; refuse or close the connection beyond the limit."""
        super().data_received(data)
        self._bytes_left -= len(data)
        if self._bytes_left < 0 and not self.transport.is_closing():
            if self._in_head:
                self.send_400_response(f"The request head is longer than {MAX_HEAD_BYTES:,} bytes.")
            else:
                self.transport.close()
