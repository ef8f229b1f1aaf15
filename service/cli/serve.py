"""`deskyard serve`, which is open to this machine only until the first key exists, and `deskyard work`."""

import contextlib
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from sqlalchemy import make_url

from deskyard.auth import api_keys, sessions
from deskyard.db.database import desk_database
from deskyard.desk import queues
from deskyard.errors import BadInput
from deskyard.settings import settings

_GRACEFUL_SECONDS: Final = 15
"""Time in which requests are answered after a signal to stop."""


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port, which is then printed.")] = 8000,
    host: Annotated[str, typer.Option(help="Addresses other than loopback need an access key.")] = "127.0.0.1",
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Number of processes; more than one needs PostgreSQL.")
    ] = 1,
    fd: Annotated[int, typer.Option("--fd", hidden=True)] = -1,
) -> None:
    """Serve the API and the pages: new tickets are routed to queues. Stop with Ctrl+C.

    Until the first key is created (`deskyard key create`), the service is open without a key to this machine only.

    Example: `deskyard serve --port 8000`, then

    `curl -H 'Content-Type: application/json' -d '{"subject": "VPN drops"}' http://127.0.0.1:8000/v1/tickets`
    """
    _refuse_remote_host(host)
    if workers > 1:
        _refuse_sqlite()
    with _listen(host, port) if fd < 0 else socket.socket(fileno=fd) as listener:
        shown = f"[{host}]" if ":" in host else host
        base = f"http://{shown}:{listener.getsockname()[1]}"
        if workers > 1:
            _print_address(base)
            _supervise_workers(listener, workers)
            return
        import uvicorn

        from service.app import create_app
        from service.http import logging as request_logging
        from service.http.uvicorn_protocol import LimitedHttpProtocol

        request_logging.configure_logging()
        _allow_many_files()
        app = create_app()
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=LimitedHttpProtocol,
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                lifespan="on",
                timeout_graceful_shutdown=_GRACEFUL_SECONDS,
            )
        )
        if fd < 0:
            _print_address(base)
        server.run(sockets=[listener])


def worker() -> None:
    """Sync connected help desks and send notices without serving HTTP, on this or another machine.

    Needs PostgreSQL; with SQLite `deskyard serve` does this work alone. Stop with Ctrl+C.

    Example: `DESKYARD_DATABASE_URL=postgresql+psycopg://… deskyard work`
    """
    _refuse_sqlite()
    from service.http import logging as request_logging
    from service.runtime.context import AppContext
    from service.sync.dbos_engine import SyncEngine

    request_logging.configure_logging()
    app_settings = settings()
    with desk_database() as database:
        with database.writing() as conn:
            queues.ensure_queues(conn)
        context, stop = AppContext(database, app_settings.models), threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        engine = SyncEngine(database)
        engine.start(context)
        typer.echo("deskyard worker started")
        context.models.watch(stop)
        engine.stop()


def _print_address(base: str) -> None:
    """Print where the service listens and, until there is a user or key, where the first user can be created."""
    typer.echo(f"deskyard takes tickets at {base}/v1/tickets")
    with desk_database() as database, database.writing() as conn:
        token = "" if api_keys.requires_credentials(conn) else sessions.create_invitation(conn, datetime.now(UTC))
    if token:
        typer.echo(
            f"no user yet: the pages are open to this machine; create an administrator within 15 minutes at "
            f"{base}/set-up/{token}"
        )


def _refuse_sqlite() -> None:
    if make_url(settings().database).get_backend_name() == "sqlite":
        raise BadInput(
            "a SQLite database is used by one `deskyard serve` process: for more processes use a PostgreSQL database "
            "(DESKYARD_DATABASE_URL)"
        )


def _supervise_workers(listener: socket.socket, workers: int) -> None:
    """Run `workers` processes that serve one socket until a signal to stop; one that ends early is started again."""
    os.set_inheritable(listener.fileno(), True)
    command = [sys.executable, "-m", "deskyard", "serve", "--fd", str(listener.fileno())]
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, pass_fds=[listener.fileno()])  # noqa: S603 - this very program

    serving = [start() for _ in range(workers)]
    while not stop.wait(0.5):
        for i, process in enumerate(serving):
            if process.poll() is not None:
                typer.echo(f"a process ended with {process.returncode} and is started again", err=True)
                serving[i] = start()
    for process in serving:
        process.terminate()
    for process in serving:
        process.wait()


def _allow_many_files() -> None:
    """Raise the limit on open files to what the system allows: each connection is one."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _refuse_remote_host(host: str) -> None:
    """Raise BadInput for an address that other machines reach while there are no access keys."""
    if _is_loopback(host) or _keys_exist():
        return
    raise BadInput(
        f"--host {host} would let other machines read the tickets, and there are no access keys yet: create one with "
        "`deskyard key create NAME --role ROLE`, or leave --host out"
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _keys_exist() -> bool:
    with desk_database() as database, database.reading() as conn:
        return api_keys.requires_credentials(conn)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise BadInput(
            f"port {port} of {host} can't be used ({error.strerror or error}): choose another with --port"
        ) from error
