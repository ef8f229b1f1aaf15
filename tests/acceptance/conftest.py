"""An external help desk and a deskyard connected to it, on a database that can be restarted."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deskyard.db.database import open_database
from deskyard.domain.actors import Actor
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.registry import promotion
from tests.conftest import SUBJECTS, postgres_server
from tests.fakes.foreign import Deskyard
from tests.fakes.plaindesk import SECRET, TOKEN, Plaindesk
from tests.fakes.serving import Faults, served


@pytest.fixture
def desk() -> Plaindesk:
    """A help desk whose queues the tiny model knows."""
    found = Plaindesk()
    found.queues = dict.fromkeys(("Inbox", *SUBJECTS), True)
    found.agents = {"ann": list(SUBJECTS), "борис": list(SUBJECTS)}
    return found


@pytest.fixture
def faults(desk) -> Faults:
    """The faults of its API."""
    found = Faults(desk.app, headers={"Retry-After": "1"})
    found.patience = 2.0
    return found


@pytest.fixture
def base(faults) -> Iterator[str]:
    """The base URL of the help desk."""
    with served(faults) as url:
        yield url


@contextmanager
def postgres_of_its_own() -> Iterator[tuple[str, Callable[[], None]]]:
    """The URL of a PostgreSQL server of its own, and a function that restarts it."""
    data = Path(tempfile.mkdtemp(prefix="deskyard-restarted-"))
    server = postgres_server(data)
    server.ensure_pgdata_inited()
    server.ensure_postgres_running()

    def restart() -> None:
        server.stop()
        time.sleep(1)
        server.ensure_postgres_running()

    try:
        yield server.get_uri(driver="psycopg"), restart
    finally:
        server.stop()
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(request, tmp_path) -> Iterator[tuple[str, Callable[[], None]]]:
    """The URL of a database, and a function that restarts its server, if it has one."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/desk.db", lambda: None
    else:
        with postgres_of_its_own() as found:
            yield found


@pytest.fixture
def connected(tmp_path, champion, ground, base) -> Iterator[Deskyard]:
    """An installation with a model that routes, connected to the help desk; no process is running yet."""
    url, _ = ground
    shutil.copytree(champion / "models", tmp_path / "home" / "models")
    database = open_database(url)
    promotion.promote(database, tmp_path / "home" / "models", "tiny", Actor("person", "ann"))
    deskyard = Deskyard(
        tmp_path / "home",
        url,
        DESKYARD_SECRET_PLAINDESK=TOKEN,
        DESKYARD_HOOK_SECRET_PLAINDESK=SECRET,
        DESKYARD_STORE_TIMEOUT="1",
        DESKYARD_PULL_INTERVAL="5",
    )
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    deskyard.run("connect", f"plaindesk:{base}", "--since", since, "--queue", "Inbox")
    with database.writing() as conn:
        Policies.add_version(conn, Policy(mode=Mode.ROUTE), "ann", datetime.now(UTC))
    database.close()
    yield deskyard
    deskyard.end()
