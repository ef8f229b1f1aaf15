"""`deskyard breaker`: show what the circuit breaker holds back and why, check now, close it."""

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
    help="Show and close the circuit breaker: labels that were wrong more often than their contract allows are only "
    "suggested.\n\n"
    "Example: `deskyard breaker show`",
)


@breaker.command()
def show(last: Annotated[int, typer.Option(min=1, help="How many of the most recent openings to list.")] = 20) -> None:
    """List the most recent openings of the breaker, closed or not, and what to do about those that are open.

    Example: `deskyard breaker show --last 5`
    """
    with desk_database() as database, database.reading() as conn:
        found, held = circuit_breaker.list_recent_openings(conn, last), circuit_breaker.list_current_openings(conn)
    if not found:
        typer.echo("The breaker never tripped.")
    for one in found:
        until = f"until {one.closed_at:%Y-%m-%d %H:%M} ({one.closed_by})" if one.closed_at else "still open"
        typer.secho(
            f"{one.opened_at:%Y-%m-%d %H:%M} UTC  {one.summary}; last ticket {one.ticket}; {until}",
            fg=None if one.closed_at else "red",
        )
    if held:
        names = ", ".join(f"{one.target} {one.label!r}" for one in held)
        typer.echo(f"To do: train again (`deskyard train --desk --drift follow`), because of {names}.")


@breaker.command()
def check() -> None:
    """Check all labels now, as a running service does by itself: labels whose contract is broken are only suggested.

    Example: `deskyard breaker check`
    """
    app_settings = settings()
    with desk_database() as database:
        rollups.refresh_rollups(database, app_settings.time_zone)
        with database.writing() as conn:
            found = circuit_breaker.check_labels(conn, app_settings.models, datetime.now(UTC))
            held = circuit_breaker.list_current_openings(conn)
    for one in found:
        typer.secho(f"Opened: {one.summary}. The label is only suggested from now on.", fg="red")
    if not found:
        typer.echo(f"Nothing new; {len(held)} labels are held back." if held else "All contracts hold.")


@breaker.command()
def close(
    target: Annotated[str, typer.Argument(help=f"One of {', '.join(TARGETS)}.")],
    label: Annotated[str, typer.Argument(help="The label, such as a queue's name.")],
) -> None:
    """Route a label again; only tickets received from now on count for or against it.

    Example: `deskyard breaker close queue Billing`
    """
    known_target = next((known for known in TARGETS if known == target), None)
    if known_target is None:
        raise BadInput(f"{target!r} is not a target: choose from {', '.join(TARGETS)}.")
    with desk_database() as database, database.writing() as conn:
        circuit_breaker.close_breaker(conn, known_target, label, Actor("person", getpass.getuser()), datetime.now(UTC))
    typer.echo(f"{target} {label!r} is routed again where its contract and the policy allow it.")
