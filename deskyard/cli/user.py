"""`deskyard user`: create, list, change and disable users of the pages."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from deskyard.auth import api_keys, oidc_identities, sessions, users
from deskyard.auth.users import User
from deskyard.db.database import desk_database
from deskyard.desk import catalogue as desk_catalogue
from deskyard.domain.catalogue import TRIAGE
from deskyard.errors import BadInput
from deskyard.settings import settings

user = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Create and change users of the pages, each with a role and the queues that they may see.\n\n"
    "Until the first user or key is created the pages answer this machine only, with the rights of an admin.\n\n"
    "Example: `deskyard user create ann --role agent --queue Network`",
)

NameArgument = Annotated[
    str, typer.Argument(help="The name to sign in with; ticket histories and the audit log show it.")
]
RoleOption = Annotated[api_keys.Role, typer.Option(help="viewer, agent, manager or admin.")]
QueueOption = Annotated[
    list[str] | None, typer.Option("--queue", help="Only tickets of this queue; may be given several times.")
]
PasswordOption = Annotated[
    str, typer.Option(envvar="DESKYARD_PASSWORD", help="Asked for if left out.", prompt=True, confirmation_prompt=True,
                      hide_input=True),
]  # fmt: skip


@user.command()
def create(
    name: NameArgument,
    role: RoleOption,
    password: PasswordOption = "",
    queue: QueueOption = None,
    oidc: Annotated[bool, typer.Option("--oidc", help="No password: they sign in with OpenID Connect only.")] = False,
) -> None:
    """Create a user.

    viewer: read; agent: also triage and work on tickets; manager: also read reports, change queues and agents; admin:
    also change policy, model and users.

    Example: `deskyard user create ann --role agent --queue Network`
    """
    with desk_database() as database, database.writing() as conn:
        _check_queues(set(queue or ()), {TRIAGE, *desk_catalogue.load_catalogue(conn).queues})
        kept_password = "" if oidc else password
        users.create_user(conn, name, role, kept_password, getpass.getuser(), datetime.now(UTC), queue or ())
    typer.echo(f"{name!r} may sign in as {role}.")


@user.command("list")
def list_() -> None:
    """List all users, disabled ones included.

    Example: `deskyard user list`
    """
    with desk_database() as database, database.reading() as conn:
        found = users.list_users(conn)
    for one in found:
        typer.echo(_format_user(one))
    if not found:
        typer.echo("There is no user: the pages answer this machine only. `deskyard user create` creates one.")


@user.command()
def change(
    name: NameArgument,
    role: Annotated[api_keys.Role | None, typer.Option(help="The new role.")] = None,
    queue: QueueOption = None,
    all_queues: Annotated[bool, typer.Option(help="Tickets of all queues.")] = False,
) -> None:
    """Change a user's role or visible queues.

    Example: `deskyard user change ann --role manager --all-queues`
    """
    with desk_database() as database, database.writing() as conn:
        one = users.get_user(conn, name)
        _check_queues(set(queue or ()), {TRIAGE, *desk_catalogue.load_catalogue(conn).queues})
        visible = () if all_queues else queue or one.queues
        users.set_role(conn, name, role or one.role, visible, getpass.getuser(), datetime.now(UTC))
        changed = users.get_user(conn, name)
    typer.echo(_format_user(changed))


@user.command()
def password(name: NameArgument, password: PasswordOption = "") -> None:
    """Change a user's password; they are signed out everywhere.

    Example: `deskyard user password ann`
    """
    with desk_database() as database, database.writing() as conn:
        users.set_password(conn, name, password, getpass.getuser(), datetime.now(UTC))
        sessions.end_user_sessions(conn, users.get_user(conn, name))
    typer.echo(f"The password of {name!r} is changed.")


@user.command()
def link(
    name: NameArgument,
    subject: Annotated[str, typer.Argument(help="The provider's identifier of the person (claim sub).")],
) -> None:
    """Let a person of the OpenID Connect provider sign in as a user; their password is removed.

    Whoever is refused at sign-in, because a user of that name has a password, is shown this line with their subject.

    Example: `deskyard user link ann 8f1c2f5e-7d0b-4c1a-9a53-0d1f3a2b4c5d`
    """
    issuer = settings().oidc_issuer.rstrip("/")
    if not issuer:
        raise BadInput("no OpenID Connect provider is set up: set DESKYARD_OIDC_ISSUER")
    with desk_database() as database, database.writing() as conn:
        linked = oidc_identities.link_identity(conn, name, issuer, subject, getpass.getuser(), datetime.now(UTC))
        sessions.end_user_sessions(conn, linked)
    typer.echo(f"{name!r} signs in at {issuer} only, as {subject}.")


@user.command()
def second_factor(
    name: NameArgument, off: Annotated[bool, typer.Option(help="Turn the second factor off.")] = False
) -> None:
    """Require a code of an authenticator app beside the password (TOTP, RFC 6238); prints the key for the app.

    Example: `deskyard user second-factor ann`
    """
    key, address = (None, "") if off else users.make_second_factor(name)
    with desk_database() as database, database.writing() as conn:
        users.set_second_factor(conn, name, key, getpass.getuser(), datetime.now(UTC))
    typer.echo(f"{name!r} needs no code any more." if off else f"Store it now, it is not shown again:\n{address}")


@user.command()
def disable(name: NameArgument) -> None:
    """Disable a user: they can't sign in any more, and their sessions end at once.

    Example: `deskyard user disable ann`
    """
    with desk_database() as database, database.writing() as conn:
        users.disable_user(conn, name, getpass.getuser(), datetime.now(UTC))
        sessions.end_user_sessions(conn, users.get_user(conn, name))
    typer.echo(f"{name!r} can't sign in any more.")


def _check_queues(names: set[str], known: set[str]) -> None:
    if unknown := sorted(names - known):
        raise BadInput(f"there is no queue {', '.join(map(repr, unknown))}; the queues are {', '.join(sorted(known))}")


def _format_user(one: User) -> str:
    visible = ", ".join(one.queues) or "all queues"
    more = ", with a second factor" if one.second_factor else ""
    end = f", disabled {one.disabled_at:%Y-%m-%d %H:%M} UTC" if one.disabled_at else ""
    return f"{one.name}: {one.role}, {visible}{more}{end}"
