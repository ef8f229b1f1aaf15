"""`deskyard serve`: the service on this machine's loopback address."""

import ipaddress
import os
import socket
from typing import Annotated

import typer

from deskyard.errors import BadInput


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port and says which.")] = 8000,
    host: Annotated[str, typer.Option(help="A loopback address.")] = "127.0.0.1",
) -> None:
    """Take new tickets over HTTP and place them in queues. Stop with Ctrl+C.

    Example: `deskyard serve --port 8000`, then

    `curl -H 'Content-Type: application/json' -d '{"subject": "VPN drops"}' http://127.0.0.1:8000/v1/tickets`
    """
    _refuse_strangers(host)
    with _listen(host, port) as door:
        import uvicorn

        from service import logs
        from service.app import create_app

        logs.set_up()
        app = create_app()
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, server_header=False, ws="none", lifespan="on")
        )
        shown = f"[{host}]" if ":" in host else host
        typer.echo(f"deskyard takes tickets at http://{shown}:{door.getsockname()[1]}/v1/tickets")
        server.run(sockets=[door])


def _refuse_strangers(host: str) -> None:
    """Anybody who reaches the port may read every ticket: until there are access keys, only this machine may."""
    try:
        safe = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        safe = False
    if not safe:
        raise BadInput(
            f"--host {host} would let other machines read the tickets, and deskyard has no access keys yet: leave "
            "--host out, and put a proxy that asks for a password in front if others must reach it"
        )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise BadInput(
            f"port {port} of {host} can't be used ({os.strerror(error.errno or 0)}): choose another with --port"
        ) from error
