"""The open stores of this process's connections, reopened when a connection or its secret changes."""

import threading
from dataclasses import replace

from deskyard import connectors
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.ticket_store import TicketStore
from deskyard.db.database import Database
from deskyard.sync import credentials
from deskyard.sync.connections import StoreConnection


class StorePool:
    """A pool of open stores; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Stores are opened when they are first used."""
        self.database = database
        self._open: dict[int, tuple[tuple[str, ...], TicketStore]] = {}
        self._lock = threading.Lock()

    def get(self, connection: StoreConnection) -> TicketStore:
        """The open store of a connection. Raises BadInput if its URL or secret is invalid."""
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
        """Close all stores."""
        with self._lock:
            for _, store in self._open.values():
                store.close()
            self._open.clear()


def connection_url(connection: StoreConnection) -> str:
    """The URL of a connection with its secrets, for `open_store` only."""
    if connection.kind == "desk":
        return f"{connection.kind}:{connection.place}"
    connector = connectors.connector_class(connection.kind)
    url = ConnectionUrl.parse(connection.place, getattr(connector, "options", ()))
    options = dict(url.options)
    if hook := credentials.read_secret(connection.name, credentials.HOOK_SECRET):
        options["hook_secret"] = hook
    elif connection.hook_sha256:
        options["hook_sha256"] = connection.hook_sha256
    url = replace(url, secret=credentials.read_secret(connection.name), options=options)
    return f"{connection.kind}:{url.format(secrets=True)}"
