"""`deskyard key`: create, list and revoke API keys of the service."""

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
    help="Create, list and revoke API keys, each with a role.\n\n"
    "Until the first key is created the service answers this machine only, without a key and with the rights of an "
    "admin. From then on every request needs a key.\n\n"
    "Example: `deskyard key create mail-gateway --role machine`",
)


@key.command()
def create(
    name: Annotated[str, typer.Argument(help="The name of its holder in ticket histories and the audit log.")],
    role: Annotated[api_keys.Role, typer.Option(help="What the key allows.")],
) -> None:
    """Create a key and print its secret once: it is stored nowhere.

    viewer: read; agent: also work on tickets; manager: also change queues and agents, and read the audit log; admin:
    also change policy and model; machine: a program that sends tickets.

    Example: `deskyard key create mail-gateway --role machine`
    """
    with desk_database() as database, database.writing() as conn:
        first = not api_keys.requires_credentials(conn)
        secret = api_keys.create_key(conn, name, role, getpass.getuser(), datetime.now(UTC))
    typer.echo(f"Key {name!r} with the role {role}. Store it now, it is not shown again:", err=True)
    typer.echo(secret)
    typer.echo(f"Send it with each request: {_HEADER_EXAMPLE}", err=True)
    if first:
        typer.echo("This is the first key: from now on every request needs one.", err=True)


@key.command("list")
def list_() -> None:
    """List all keys, revoked ones included, without their secrets.

    Example: `deskyard key list`
    """
    with desk_database() as database, database.reading() as conn:
        found = api_keys.list_keys(conn)
    for one in found:
        typer.echo(_format_key(one))
    if not found:
        typer.echo("There is no key: the service answers this machine only. `deskyard key create` creates one.")


@key.command()
def revoke(name: Annotated[str, typer.Argument(help="As `deskyard key list` shows it.")]) -> None:
    """Revoke a key; a running service refuses it within a second.

    Example: `deskyard key revoke mail-gateway`
    """
    with desk_database() as database, database.writing() as conn:
        api_keys.revoke_key(conn, name, getpass.getuser(), datetime.now(UTC))
    typer.echo(f"The key {name!r} is revoked.")


_HEADER_EXAMPLE: Final = f"Authorization: Bearer {api_keys.KEY_PREFIX}..."


def _format_key(key: ApiKey) -> str:
    end = f", revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else ""
    return f"{key.name}: {key.role}, created {key.created_at:%Y-%m-%d %H:%M} UTC by {key.created_by}{end}"
