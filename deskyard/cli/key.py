"""The doors of `deskyard key`: make a key to the service, list them, revoke one."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from deskyard.auth import api_keys
from deskyard.auth.api_keys import ApiKey
from deskyard.db.database import desk_database

key = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Say who may come in: keys to the service, each with a role.\n\n"
    "Until the first key is made the service answers to this machine only, and whoever sits at it is its admin. From "
    "then on every request needs a key.\n\n"
    "Example: `deskyard key create mail-gateway --role machine`",
)


@key.command()
def create(
    name: Annotated[str, typer.Argument(help="What the journal and the audit log call its holder.")],
    role: Annotated[api_keys.Role, typer.Option(help="What its holder may do.")],
) -> None:
    """Make a key and print its secret, once: it is kept nowhere.

    viewer looks; agent works on tickets too; manager runs queues and agents too and reads the audit log; admin also
    changes policy and model; machine is a program that sends tickets.

    Example: `deskyard key create mail-gateway --role machine`
    """
    with desk_database() as database, database.writing() as conn:
        first = not api_keys.requires_credentials(conn)
        secret = api_keys.create_key(conn, name, role, getpass.getuser(), datetime.now(UTC))
    typer.echo(f"The key {name!r} of role {role}. Keep it now, it is not shown again:", err=True)
    typer.echo(secret)
    typer.echo(f"Send it with each request: {_HEADER_EXAMPLE}", err=True)
    if first:
        typer.echo("It is the first key: from now on no request is answered without one.", err=True)


@key.command("list")
def list_() -> None:
    """List every key that was ever made, without its secret.

    Example: `deskyard key list`
    """
    with desk_database() as database, database.reading() as conn:
        found = api_keys.list_keys(conn)
    for one in found:
        typer.echo(_format_key(one))
    if not found:
        typer.echo("There is no key: the service answers to this machine only. `deskyard key create` makes one.")


@key.command()
def revoke(name: Annotated[str, typer.Argument(help="As `deskyard key list` shows it.")]) -> None:
    """Let a key open nothing any more; a running service knows within a second.

    Example: `deskyard key revoke mail-gateway`
    """
    with desk_database() as database, database.writing() as conn:
        api_keys.revoke_key(conn, name, getpass.getuser(), datetime.now(UTC))
    typer.echo(f"The key {name!r} opens nothing any more.")


_HEADER_EXAMPLE: Final = f"Authorization: Bearer {api_keys.KEY_PREFIX}..."


def _format_key(key: ApiKey) -> str:
    end = f", revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else ""
    return f"{key.name}: {key.role}, made {key.created_at:%Y-%m-%d %H:%M} UTC by {key.created_by}{end}"
