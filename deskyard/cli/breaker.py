"""The doors of `deskyard breaker`: what it holds back and why, look now, let a class go."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from deskyard.analytics import rollups
from deskyard.breaker import circuit_breaker
from deskyard.db.database import desk_database
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput
from deskyard.settings import settings

breaker = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The circuit breaker: a class whose tickets go wrong too often for its promise falls back to suggest.\n\n"
    "Example: `deskyard breaker show`",
)


@breaker.command()
def show(last: Annotated[int, typer.Option(min=1, help="So many of the newest trips.")] = 20) -> None:
    """List the newest trips, over or not, and what to do about those that stand.

    Example: `deskyard breaker show --last 5`
    """
    with desk_database() as database, database.reading() as conn:
        found, held = circuit_breaker.list_recent_openings(conn, last), circuit_breaker.list_current_openings(conn)
    if not found:
        typer.echo("The breaker never tripped.")
    for one in found:
        until = f"until {one.closed_at:%Y-%m-%d %H:%M} ({one.closed_by})" if one.closed_at else "still held back"
        typer.secho(
            f"{one.opened_at:%Y-%m-%d %H:%M} UTC  {one.summary}; ticket {one.ticket} was the last; {until}",
            fg=None if one.closed_at else "red",
        )
    if held:
        names = ", ".join(f"{one.target} {one.label!r}" for one in held)
        typer.echo(f"Proposed: learn anew (deskyard train --desk --drift follow), for {names}.")


@breaker.command()
def check() -> None:
    """Look now, as a running service does by itself: count what people said, and trip where a promise was broken.

    Example: `deskyard breaker look`
    """
    chosen = settings()
    with desk_database() as database:
        rollups.refresh_rollups(database, chosen.time_zone)
        with database.writing() as conn:
            found = circuit_breaker.check_labels(conn, chosen.models, datetime.now(UTC))
            held = circuit_breaker.list_current_openings(conn)
    for one in found:
        typer.secho(f"Tripped: {one.summary}. It is only suggested from now on.", fg="red")
    if not found:
        typer.echo(f"Nothing new; {len(held)} held back." if held else "All promises stand.")


@breaker.command()
def close(
    target: Annotated[str, typer.Argument(help=f"One of {', '.join(TARGETS)}.")],
    label: Annotated[str, typer.Argument(help="The class, or the queue.")],
) -> None:
    """Let the machine route a class again; only tickets that come from now on count for or against it.

    Example: `deskyard breaker close queue Billing`
    """
    wanted = next((known for known in TARGETS if known == target), None)
    if wanted is None:
        raise BadInput(f"{target!r} is no target: choose from {', '.join(TARGETS)}.")
    with desk_database() as database, database.writing() as conn:
        circuit_breaker.close_breaker(conn, wanted, label, Actor("person", getpass.getuser()), datetime.now(UTC))
    typer.echo(f"{target} {label!r} is routed again where its evidence and the policy allow it.")
