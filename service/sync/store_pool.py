"""The stores of this process's connections, each opened once with its secrets, and again when it was connected anew."""

import threading
from dataclasses import replace

from deskyard import connectors
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.ticket_store import TicketStore
from deskyard.db.database import Database
from deskyard.sync import credentials
from deskyard.sync.connections import StoreConnection


class StorePool:
    """Open stores; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Nothing is opened until it is asked for."""
        self.database = database
        self._open: dict[int, tuple[tuple[str, ...], TicketStore]] = {}
        self._lock = threading.Lock()

    def get(self, connection: StoreConnection) -> TicketStore:
        """The store of a connection. Raises BadInput where its address or secret can't serve."""
        url = connection_url(connection)
        key = (url, connection.hook_sha256 or "")
        with self._lock:
            known = self._open.get(connection.id)
            if known is not None and known[0] == key:
                return known[1]
            opened = connectors.open_store(url)
            self._open[connection.id] = key, opened
        if known is not None:
            known[1].close()
        return opened

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for _, store in self._open.values():
                store.close()
            self._open.clear()


def connection_url(connection: StoreConnection) -> str:
    """The URL of a connection with its secrets put back, for `open_store` only."""
    if connection.kind == "desk":
        return f"{connection.kind}:{connection.place}"
    known = connectors.connector_class(connection.kind)
    place = ConnectionUrl.parse(connection.place, getattr(known, "options", ()))
    options = dict(place.options)
    if hook := credentials.read_secret(connection.name, credentials.HOOK_SECRET):
        options["hook_secret"] = hook
    elif connection.hook_sha256:
        options["hook_sha256"] = connection.hook_sha256
    place = replace(place, secret=credentials.read_secret(connection.name), options=options)
    return f"{connection.kind}:{place.format(secrets=True)}"
