"""`deskyard demo`: a simulated desk, from its history to routed tickets.

Every step is a command that a person could type; it is printed before it runs. Ctrl-C stops everything.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from deskyard.errors import BadInput, StoreUnreachable
from deskyard.registry import bundle
from deskyard.settings import settings

DEMO_PRECISION: Final = "0.9"
"""Required precision: simulated people misroute 8 % of tickets and mislabel 5 %, so 95 % can't be guaranteed."""

BATCH_SIZE: Final = 500
"""Tickets that are simulated together for the stream."""

START_TIMEOUT: Final = 120.0
"""Seconds that the service may take to start on a busy machine."""


def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port that the service listens on.")] = 8000,
    tickets: Annotated[int, typer.Option(min=0, help="How many new tickets to send at once.")] = 8,
    every: Annotated[float, typer.Option(min=0.05, help="Seconds between the tickets that follow.")] = 3.0,
    stay: Annotated[bool, typer.Option(help="Keep serving and sending until Ctrl-C.")] = True,
) -> None:
    """Simulate a desk, train on its history, serve, and route a few new tickets. All tickets are synthetic.

    All files are kept in DESKYARD_HOME, or in ./var/demo if that is not set. A second run uses the model of the first.

    Example: `deskyard demo --port 8000`
    """
    home = settings().home or Path("var/demo")
    environment = {"DESKYARD_HOME": str(home.absolute())}
    console = Console(highlight=False)
    home.mkdir(parents=True, exist_ok=True)
    history = home / "history.csv.gz"
    if not history.exists():
        _run_command(console, environment, "simulate", "--tickets", "3000", "--seed", "1", "--out", str(history))
    if bundle.champion_folder(home / "models") is None:
        rejected = str(home / "rejected.csv")
        _run_command(
            console,
            environment,
            "train",
            str(history),
            "--precision",
            DEMO_PRECISION,
            "--rejected",
            rejected,
            "--no-mlflow",
        )
        console.print("\nA new installation only suggests. In the demo the model may route:")
        _run_command(console, environment, "policy", "mode", "route")
    else:
        _run_command(console, environment, "card")
    address = f"http://127.0.0.1:{port}"
    with _running_service(console, environment, port, address):
        _print_tickets(console, [_post_ticket(address, body) for body in _simulate_tickets(environment, tickets)])
        console.print(_closing_text(address), markup=False, soft_wrap=True)
        if stay:
            _send_stream(console, environment, address, every)


def _build_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "deskyard", *words]


def _run_command(console: Console, environment: dict[str, str], *words: str) -> None:
    console.print(f"\n$ deskyard {shlex.join(words)}", style="bold", markup=False, soft_wrap=True)
    done = subprocess.run(_build_command(*words), env=_merge_environment(environment), check=False)  # noqa: S603 - our own commands
    if done.returncode:
        raise BadInput(f"`deskyard {words[0]}` failed; its output is above.")


def _merge_environment(environment: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **environment}


@contextmanager
def _running_service(console: Console, environment: dict[str, str], port: int, address: str) -> Iterator[None]:
    """The service as a child process, ready for requests; stopped at the end of the block."""
    _check_port_free(port)
    console.print(f"\n$ deskyard serve --port {port}", style="bold", markup=False)
    log = Path(environment["DESKYARD_HOME"]) / "serve.log"
    environment = _merge_environment(environment | {"PYTHONUNBUFFERED": "1"})
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: S603 - our own command
            _build_command("serve", "--port", str(port)),
            env=environment,
            stdout=output,
            stderr=output,
        )
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopping the demo stops its server
        try:
            _wait_until_ready(server, address, log)
            yield
        finally:
            server.terminate()
            server.wait()
            signal.signal(signal.SIGTERM, before)


def _check_port_free(port: int) -> None:
    """Raise BadInput when the port is taken: another service must not get the demo's tickets."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise BadInput(
            f"port {port} is taken ({os.strerror(error.errno or 0)}): choose another with --port."
        ) from error


def _wait_until_ready(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    """Wait until the child process says that it listens on the port, and is ready."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        if address.encode() in log.read_bytes():
            try:
                with urllib.request.urlopen(f"{address}/readyz", timeout=5):  # noqa: S310 - our own loopback address
                    return
            except OSError:
                pass
        time.sleep(0.1)
    output_lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise StoreUnreachable(
        f"the service did not start: {output_lines[-1] if output_lines else 'it printed nothing'} (all in {log})"
    )


def _simulate_tickets(environment: dict[str, str], n: int) -> list[dict[str, Any]]:
    """`n` tickets of the same simulated desk that are not in its history, as request bodies."""
    stream = _build_command(
        "simulate", "--stream", "--tickets", str(n), "--seed", str(time.time_ns() % 100_000), "--out", "-"
    )
    made = subprocess.run(stream, env=_merge_environment(environment), check=True, capture_output=True)  # noqa: S603 - our command
    return [json.loads(line) for line in made.stdout.decode().splitlines()]


def _post_ticket(address: str, body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{address}/v1/tickets", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own loopback address
        return body, json.load(answer)


def _print_tickets(console: Console, posted: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    table = Table(title="New synthetic tickets and their queues", title_justify="left", title_style="bold")
    for heading in ("ticket", "text", "queue", "prediction"):
        table.add_column(heading)
    for body, answer in posted:
        decision = answer["decisions"].get("queue")
        prediction = (
            f"{decision['action']}: {decision['label']}, {decision['confidence']:.0%}" if decision else "no model"
        )
        table.add_row(answer["ticket"]["id"], _shorten_text(body), answer["ticket"]["queue"], prediction)
    console.print(table)


def _closing_text(address: str) -> str:
    return f"""
Pages (queues, tickets, decisions and their reasons): {address}/
One ticket and its history: {address}/v1/tickets/1
Send a ticket:

curl -s -H 'Content-Type: application/json' {address}/v1/tickets \\
  -d '{{"subject": "VPN drops every hour", "body": "Since this morning the VPN client disconnects, error 812."}}'

More synthetic tickets follow. Ctrl-C stops everything; what was stored is kept.
"""


def _send_stream(console: Console, environment: dict[str, str], address: str, every: float) -> None:
    """Send new tickets, one every `every` seconds, until Ctrl-C."""
    try:
        while True:
            for body in _simulate_tickets(environment, BATCH_SIZE):
                time.sleep(every)
                _, answer = _post_ticket(address, body)
                console.print(_ticket_line(body, answer), style="dim", markup=False)
    except KeyboardInterrupt:
        typer.echo("\nstopped")


def _ticket_line(body: dict[str, Any], answer: dict[str, Any]) -> str:
    return f"{answer['ticket']['id']:>5}  {_shorten_text(body)}  →  {answer['ticket']['queue']}"


def _shorten_text(body: dict[str, Any]) -> str:
    text = " ".join((body["subject"] or body["body"]).split())
    return text[:40] + ("…" if len(text) > 40 else "")
