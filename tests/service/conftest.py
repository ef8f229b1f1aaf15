"""A service without a model, one with a tiny model, and a real process on a free port."""

import shutil
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from sqlalchemy import make_url
from starlette.testclient import TestClient

from deskyard.db.database import open_database
from deskyard.desk import agents
from deskyard.domain.actors import Actor
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.registry import promotion
from deskyard.settings import Settings
from service.app import create_app


@pytest.fixture(autouse=True, scope="session")
def quiet():
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )


ROUTE = Policy(mode=Mode.ROUTE)


@pytest.fixture
def call(blank):
    """Makes clients of apps with the given settings; all of them are closed at the end."""
    with ExitStack() as clients:

        def make(app_settings: Settings) -> TestClient:
            file = make_url(app_settings.database).database
            if file.endswith(".db") and not Path(file).exists():
                shutil.copy(blank, file)
            app = create_app(app_settings)
            return clients.enter_context(TestClient(app, base_url="http://localhost", raise_server_exceptions=False))

        yield make


@pytest.fixture
def client(call, tmp_path):
    """A client of a service without a model."""
    return call(Settings(home=tmp_path))


@pytest.fixture
def blank_home(blank, tmp_path):
    """The settings of a home folder with a blank database."""
    shutil.copy(blank, tmp_path / "deskyard.db")
    return Settings(home=tmp_path)


@pytest.fixture
def trained(call, champion, blank, tmp_path):
    """A client of a service with that champion, its queues and agents, and a database of its own; the policy routes."""
    shutil.copy(blank, tmp_path / "desk.db")
    url = f"sqlite:///{tmp_path}/desk.db"
    database = open_database(url)
    promotion.promote(database, champion / "models", "tiny", Actor("person", "ann"))
    with database.writing() as conn:
        agents.ensure_agents(conn, dict.fromkeys(("ann", "борис"), ("IT", "Billing", "Кадры/Отпуск")))
        Policies.add_version(conn, ROUTE, "ann", datetime.now(UTC))
    database.close()
    return call(Settings(home=champion, database_url=url))


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    """One running server."""
    return serve(tmp_path_factory.mktemp("served"))
