"""Our own side of a webhook: a server that keeps whatever a help desk posts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Caught:
    """(headers, body) of each call, oldest first."""

    def __init__(self):
        self.calls = []
        self.arrived = threading.Condition()

    def forget(self):
        with self.arrived:
            self.calls.clear()

    def wait_for(self, n, seconds=15.0):
        """The calls, as soon as there are `n`, or after so many seconds."""
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.calls) >= n, seconds)
            return list(self.calls)


@contextmanager
def catching(port) -> Iterator[Caught]:
    """Answer 202 to every POST at a port."""
    caught = Caught()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            raw = self.rfile.read(int(self.headers["content-length"]))
            with caught.arrived:
                caught.calls.append((dict(self.headers), raw))
                caught.arrived.notify_all()
            self.send_response(202)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield caught
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
