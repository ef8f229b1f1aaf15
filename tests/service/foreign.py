"""A Plaindesk to which the service in this process is connected."""

import importlib.util
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from deskyard import connectors
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.sync import connections, credentials, deliveries
from deskyard.sync.connections import StoreConnection
from tests.conftest import SUBJECTS
from tests.fakes.foreign import write_connector
from tests.fakes.plaindesk import SECRET, TOKEN, Plaindesk


def plaindesk() -> Plaindesk:
    """A help desk whose queues the tiny model knows."""
    desk = Plaindesk()
    desk.queues = dict.fromkeys(("Inbox", *SUBJECTS), True)
    desk.agents = {"ann": list(SUBJECTS), "борис": list(SUBJECTS)}
    return desk


@contextmanager
def known(folder):
    """Registers the connector of docs/new-connector.md while the block runs."""
    spec = importlib.util.spec_from_file_location("plaindesk_store", write_connector(folder) / "plaindesk_store.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["plaindesk_store"] = module
    spec.loader.exec_module(module)
    connectors.CONNECTORS["plaindesk"] = "plaindesk_store:PlaindeskStore"
    connectors.TESTED_AGAINST["plaindesk"] = "made up"
    yield
    del sys.modules["plaindesk_store"], connectors.CONNECTORS["plaindesk"], connectors.TESTED_AGAINST["plaindesk"]


def connect(database, base, mode=Mode.ROUTE, **more) -> StoreConnection:
    """A connection to Plaindesk, its secrets, and a policy for its tickets."""
    credentials.save_secret("plain", TOKEN)
    credentials.save_secret("plain", SECRET, credentials.HOOK_SECRET)
    with database.writing() as conn:
        Policies.add_version(conn, Policy(mode=mode), "ann", datetime.now(UTC))
        since = datetime.now(UTC) - timedelta(days=1)
        return connections.save_connection(conn, "plain", "plaindesk", base, since=since, **more)


def states(database) -> dict[str, int]:
    """State → number of deliveries."""
    with database.reading() as conn:
        return deliveries.OUTBOX.count_by_state(conn)


def wait_for(condition, seconds=90.0):
    """The first true result of `condition`, or its last result."""
    until = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < until:
        time.sleep(0.05)
    return found
