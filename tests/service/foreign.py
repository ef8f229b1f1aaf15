"""A Plaindesk that the service in this process is connected to."""

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
from tests.fakes.foreign import written
from tests.fakes.plaindesk import SECRET, TOKEN, Plaindesk


def plaindesk() -> Plaindesk:
    """A help desk whose queues the tiny model knows."""
    made = Plaindesk()
    made.queues = dict.fromkeys(("Inbox", *SUBJECTS), True)
    made.agents = {"ann": list(SUBJECTS), "борис": list(SUBJECTS)}
    return made


@contextmanager
def known(folder):
    """The page's store in the table of stores, as long as it lasts."""
    spec = importlib.util.spec_from_file_location("plaindesk_store", written(folder) / "plaindesk_store.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["plaindesk_store"] = module
    spec.loader.exec_module(module)
    connectors.CONNECTORS["plaindesk"] = "plaindesk_store:PlaindeskStore"
    connectors.TESTED_AGAINST["plaindesk"] = "made up"
    yield
    del sys.modules["plaindesk_store"], connectors.CONNECTORS["plaindesk"], connectors.TESTED_AGAINST["plaindesk"]


def connect(database, base, mode=Mode.ROUTE, **more) -> StoreConnection:
    """The connection, its secrets, and a policy for its tickets."""
    credentials.save_secret("plain", TOKEN)
    credentials.save_secret("plain", SECRET, credentials.HOOK_SECRET)
    with database.writing() as conn:
        Policies.add_version(conn, Policy(mode=mode), "ann", datetime.now(UTC))
        since = datetime.now(UTC) - timedelta(days=1)
        return connections.save_connection(conn, "plain", "plaindesk", base, since=since, **more)


def states(database) -> dict[str, int]:
    """State → how many deliveries."""
    with database.reading() as conn:
        return deliveries.OUTBOX.count_by_state(conn)


def wait_for(what, seconds=90.0):
    """The first answer that holds, or the last one."""
    until = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < until:
        time.sleep(0.05)
    return found
