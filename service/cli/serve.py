"""`deskyard serve`, for this machine only until the first key exists, and `deskyard work`, its hands."""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import make_url

from deskyard.auth import api_keys, sessions
from deskyard.db.database import desk_database
from deskyard.desk import queues
from deskyard.errors import BadInput
from deskyard.settings import settings


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port and says which.")] = 8000,
    host: Annotated[str, typer.Option(help="Other than loopback only once a key exists.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that serve and deliver; PostgreSQL only.")] = 1,
    door_number: Annotated[int, typer.Option("--door", hidden=True)] = -1,
) -> None:
    """Take new tickets over HTTP and place them in queues. Stop with Ctrl+C.

    Until the first key is made (`deskyard key create`) only this machine may come in, without a key.

    Example: `deskyard serve --port 8000`, then

    `curl -H 'Content-Type: application/json' -d '{"subject": "VPN drops"}' http://127.0.0.1:8000/v1/tickets`
    """
    _refuse_remote_host(host)
    if workers > 1:
        _refuse_sqlite()
    with _listen(host, port) if door_number < 0 else socket.socket(fileno=door_number) as door:
        shown = f"[{host}]" if ":" in host else host
        told = f"deskyard takes tickets at http://{shown}:{door.getsockname()[1]}/v1/tickets"
        if workers > 1:
            typer.echo(told)
            _print_invitation(f"http://{shown}:{door.getsockname()[1]}")
            _supervise_workers(door, workers)
            return
        import uvicorn

        from service.app import create_app
        from service.http import logging as logs
        from service.http.uvicorn_protocol import LimitedHttpProtocol

        logs.configure_logging()
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
            )
        )
        if door_number < 0:
            typer.echo(told)
            _print_invitation(f"http://{shown}:{door.getsockname()[1]}")
        server.run(sockets=[door])


def worker() -> None:
    """Deliver, read and notify without serving: more hands for foreign help desks, on this or another machine.

    Needs PostgreSQL; with SQLite `deskyard serve` alone does it. Stop with Ctrl+C.

    Example: `DESKYARD_DATABASE_URL=postgresql+psycopg://… deskyard work`
    """
    _refuse_sqlite()
    from service.http import logging as logs
    from service.runtime.context import AppContext
    from service.sync.dbos_engine import SyncEngine

    logs.configure_logging()
    chosen = settings()
    with desk_database() as database:
        with database.writing() as conn:
            queues.ensure_queues(conn)
        context, stop = AppContext(database, chosen.models), threading.Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, lambda *_: stop.set())
        engine = SyncEngine(database)
        engine.start(context)
        typer.echo("deskyard works")
        context.models.watch(stop)
        engine.stop()


def _print_invitation(base: str) -> None:
    """Until the first user or key, say where the first user can be made."""
    with desk_database() as database, database.writing() as conn:
        word = "" if api_keys.requires_credentials(conn) else sessions.create_invitation(conn, datetime.now(UTC))
    if word:
        typer.echo(
            f"no user yet: pages are open to this machine; within 15 minutes {base}/set-up/{word} makes an admin"
        )


def _refuse_sqlite() -> None:
    if make_url(settings().database).get_backend_name() == "sqlite":
        raise BadInput(
            "a SQLite database is worked on by one process, which `deskyard serve` is: for more of them name a "
            "PostgreSQL database in DESKYARD_DATABASE_URL"
        )


def _supervise_workers(listener: socket.socket, workers: int) -> None:
    """Keep so many processes serving at one door until we are told to stop; one that dies is started again."""
    os.set_inheritable(listener.fileno(), True)
    command = [sys.executable, "-m", "deskyard", "serve", "--door", str(listener.fileno())]
    stop = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stop.set())

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


def _refuse_remote_host(host: str) -> None:
    """Anybody who reaches the port might read every ticket: until there are access keys, only this machine may."""
    if _is_loopback(host) or _keys_exist():
        return
    raise BadInput(
        f"--host {host} would let other machines read the tickets, and there are no access keys yet: make one with "
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
