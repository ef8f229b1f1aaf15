"""What a connection may send before anybody knows who it is: uvicorn's HTTP, with an end to it.

In come bytes; a head that goes on for ever is a 400, and a connection that goes on sending what nobody reads is closed.
uvicorn itself keeps all of a head in memory, whoever sends it.
"""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 300_000
"""Bytes of a request's head; more than one read of a socket, which may hold the end of a body and a head."""

MAX_CONNECTION_BYTES: Final = 16_000_000
"""Bytes after a head, chunk frames and trailers included; what is read of them ends at `guard.LARGEST`."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    _in_head = True
    _bytes_left = MAX_HEAD_BYTES

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._bytes_left = True, MAX_HEAD_BYTES

    def on_headers_complete(self) -> None:
        """Its head is there."""
        super().on_headers_complete()
        self._in_head, self._bytes_left = False, MAX_CONNECTION_BYTES

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        super().data_received(data)
        self._bytes_left -= len(data)
        if self._bytes_left < 0 and not self.transport.is_closing():
            if self._in_head:
                self.send_400_response(f"The request's head is longer than {MAX_HEAD_BYTES:,} bytes.")
            else:
                self.transport.close()
