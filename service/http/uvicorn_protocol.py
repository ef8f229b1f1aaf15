"""What a connection may send before anybody knows who it is: uvicorn's HTTP, with an end to it.

In come bytes; a head that goes on for ever is a 400, and a connection that goes on sending what nobody reads is closed.
uvicorn itself keeps all of a head in memory, whoever sends it.
"""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD: Final = 300_000
"""Bytes of a request's head; more than one read of a socket, which may hold the end of a body and a head."""

BODY: Final = 16_000_000
"""Bytes after a head, chunk frames and trailers included; what is read of them ends at `guard.LARGEST`."""


class Wire(HttpToolsProtocol):
    """One connection."""

    _in_head = True
    _left = HEAD

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._left = True, HEAD

    def on_headers_complete(self) -> None:
        """Its head is there."""
        super().on_headers_complete()
        self._in_head, self._left = False, BODY

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        super().data_received(data)
        self._left -= len(data)
        if self._left < 0 and not self.transport.is_closing():
            if self._in_head:
                self.send_400_response(f"The request's head is longer than {HEAD:,} bytes.")
            else:
                self.transport.close()
