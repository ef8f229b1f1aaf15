"""The doors of `deskyard user`: who may sign in to the pages, and as what."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from deskyard.auth import api_keys, sessions, users
from deskyard.auth.users import User
from deskyard.db.database import desk_database
from deskyard.desk import catalogue
from deskyard.domain.catalogue import TRIAGE
from deskyard.errors import BadInput

user = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Say who may sign in to the pages: users, each with a role and the queues they may see.\n\n"
    "Until the first user or key is made the pages answer to this machine only, and whoever sits at it is admin.\n\n"
    "Example: `deskyard user create ann --role agent --queue Network`",
)

NameArgument = Annotated[str, typer.Argument(help="As they sign in, and as journeys and the audit log call them.")]
RoleOption = Annotated[api_keys.Role, typer.Option(help="viewer, agent, manager or admin.")]
QueueOption = Annotated[list[str] | None, typer.Option("--queue", help="Only these queues' tickets; repeatable.")]
PasswordOption = Annotated[
    str, typer.Option(envvar="DESKYARD_PASSWORD", help="Asked for if not given.", prompt=True, confirmation_prompt=True,
                      hide_input=True),
]  # fmt: skip


@user.command()
def create(
    name: NameArgument,
    role: RoleOption,
    password: PasswordOption = "",
    queue: QueueOption = None,
    elsewhere: Annotated[bool, typer.Option(help="No password: they sign in by OpenID Connect only.")] = False,
) -> None:
    """Make a user.

    viewer looks; agent sorts and works on tickets; manager reads reports and runs queues and agents too; admin also
    changes policy, model and users.

    Example: `deskyard user create ann --role agent --queue Network`
    """
    with desk_database() as database, database.writing() as conn:
        _check_queues(set(queue or ()), {TRIAGE, *catalogue.load_catalogue(conn).queues})
        given = "" if elsewhere else password
        users.create_user(conn, name, role, given, getpass.getuser(), datetime.now(UTC), queue or ())
    typer.echo(f"{name!r} may sign in as {role}.")


@user.command("list")
def list_() -> None:
    """List everybody, disabled users included.

    Example: `deskyard user list`
    """
    with desk_database() as database, database.reading() as conn:
        found = users.list_users(conn)
    for one in found:
        typer.echo(_format_user(one))
    if not found:
        typer.echo("There is no user: the pages answer to this machine only. `deskyard user create` makes one.")


@user.command()
def change(
    name: NameArgument,
    role: Annotated[api_keys.Role | None, typer.Option(help="Another role.")] = None,
    queue: QueueOption = None,
    all_queues: Annotated[bool, typer.Option(help="All queues' tickets.")] = False,
) -> None:
    """Give a user another role, or other queues to see.

    Example: `deskyard user change ann --role manager --all-queues`
    """
    with desk_database() as database, database.writing() as conn:
        one = users.get_user(conn, name)
        _check_queues(set(queue or ()), {TRIAGE, *catalogue.load_catalogue(conn).queues})
        seen = () if all_queues else queue or one.queues
        users.set_role(conn, name, role or one.role, seen, getpass.getuser(), datetime.now(UTC))
        changed = users.get_user(conn, name)
    typer.echo(_format_user(changed))


@user.command()
def password(name: NameArgument, password: PasswordOption = "") -> None:
    """Give a user another password; they are signed out everywhere.

    Example: `deskyard user password ann`
    """
    with desk_database() as database, database.writing() as conn:
        users.set_password(conn, name, password, getpass.getuser(), datetime.now(UTC))
        sessions.end_user_sessions(conn, users.get_user(conn, name))
    typer.echo(f"{name!r} has another password.")


@user.command()
def second_factor(
    name: NameArgument, off: Annotated[bool, typer.Option(help="Ask for no code any more.")] = False
) -> None:
    """Ask a user for a code of an authenticator app beside the password (TOTP, RFC 6238); prints the app's key.

    Example: `deskyard user second-factor ann`
    """
    key, address = (None, "") if off else users.make_second_factor(name)
    with desk_database() as database, database.writing() as conn:
        users.set_second_factor(conn, name, key, getpass.getuser(), datetime.now(UTC))
    typer.echo(f"{name!r} is asked for no code any more." if off else f"Keep it now, it is not shown again:\n{address}")


@user.command()
def disable(name: NameArgument) -> None:
    """Let a user sign in no more; their open pages end at once.

    Example: `deskyard user disable ann`
    """
    with desk_database() as database, database.writing() as conn:
        users.disable_user(conn, name, getpass.getuser(), datetime.now(UTC))
        sessions.end_user_sessions(conn, users.get_user(conn, name))
    typer.echo(f"{name!r} can't sign in any more.")


def _check_queues(names: set[str], known: set[str]) -> None:
    if wrong := sorted(names - known):
        raise BadInput(f"there is no queue {', '.join(map(repr, wrong))}; there are {', '.join(sorted(known))}")


def _format_user(one: User) -> str:
    seen = ", ".join(one.queues) or "all queues"
    more = ", with a second factor" if one.second_factor else ""
    end = f", disabled {one.disabled_at:%Y-%m-%d %H:%M} UTC" if one.disabled_at else ""
    return f"{one.name}: {one.role}, {seen}{more}{end}"
