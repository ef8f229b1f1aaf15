"""`deskyard serve`: the service, for this machine only until the first key exists."""

import ipaddress
import socket
from typing import Annotated

import typer

from deskyard import access
from deskyard.database import open_database
from deskyard.errors import BadInput
from deskyard.settings import settings


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port and says which.")] = 8000,
    host: Annotated[str, typer.Option(help="Other than loopback only once a key exists.")] = "127.0.0.1",
) -> None:
    """Take new tickets over HTTP and place them in queues. Stop with Ctrl+C.

    Until the first key is made (`deskyard key create`) only this machine may come in, without a key.

    Example: `deskyard serve --port 8000`, then

    `curl -H 'Content-Type: application/json' -d '{"subject": "VPN drops"}' http://127.0.0.1:8000/v1/tickets`
    """
    _refuse_strangers(host)
    with _listen(host, port) as door:
        import uvicorn

        from service import logs
        from service.app import create_app
        from service.wire import Wire

        logs.set_up()
        app = create_app()
        server = uvicorn.Server(
            uvicorn.Config(
                app, http=Wire, log_config=None, access_log=False, server_header=False, ws="none", lifespan="on"
            )
        )
        shown = f"[{host}]" if ":" in host else host
        typer.echo(f"deskyard takes tickets at http://{shown}:{door.getsockname()[1]}/v1/tickets")
        server.run(sockets=[door])


def _refuse_strangers(host: str) -> None:
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
    database = open_database(settings().database)
    with database.reading() as session:
        found = access.any_key(session)
    database.close()
    return found


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise BadInput(
            f"port {port} of {host} can't be used ({error.strerror or error}): choose another with --port"
        ) from error
