"""The doors of `deskyard notify`: who is told when a ticket reaches a queue, by Slack, Telegram, e-mail or webhook."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from deskyard.db.database import desk_database
from deskyard.domain.actors import Actor
from deskyard.journal import audit_log
from deskyard.sync import credentials, notifications
from service.notifications import dispatch
from service.sync.dbos_engine import SyncEngine

notify = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Say who is told when a ticket reaches a queue: its number, the queue and a link, never a word of it.\n\n"
    "Example: `deskyard notify add team-network slack:https://hooks.slack.com/services/… --queue Network`",
)


@notify.command()
def add_channel(
    name: Annotated[str, typer.Argument(help="What to call it: small letters, digits and dashes.")],
    url: Annotated[
        str,
        typer.Argument(help="slack:https://…, telegram:https://…?chat=…, smtp://…/to@example.org, webhook:https://…"),
    ],
    queue: Annotated[
        list[str] | None,
        typer.Option(help="Of tickets that reach this queue, `triage` too; repeatable. Without: of all routed."),
    ] = None,
    language: Annotated[str, typer.Option(help="en or ru.")] = "en",
    secret: Annotated[
        str, typer.Option(envvar="DESKYARD_NOTIFY_SECRET", help="The key that signs a generic webhook.")
    ] = "",
) -> None:
    """Tell a channel from now on. Private addresses only where DESKYARD_NOTIFY_ALLOW names them.

    Example: `deskyard notify add team-network slack:https://hooks.slack.com/services/… --queue Network`
    """
    channel = dispatch.open_target(url, secret, language)
    credentials.save_secret(dispatch.secret_name(name), channel.secret)
    with desk_database() as database:
        SyncEngine(database).create_tables()
        with database.writing() as conn:
            notifications.save_target(conn, name, channel.display_url, queue or [], language)
            audit_log.record_action(conn, Actor("person", getpass.getuser()), "notice.put", name, datetime.now(UTC))
    typer.echo(f"{name!r} is told of {'tickets in ' + ', '.join(queue) if queue else 'all tickets that are routed'}.")


@notify.command("list")
def list_channels() -> None:
    """List who is told, without secrets.

    Example: `deskyard notify list`
    """
    with desk_database() as database, database.reading() as conn:
        there = notifications.list_targets(conn)
    for one in there:
        typer.echo(f"{one.name:<16} {one.display_url}; {', '.join(one.queues) or 'all queues'}; {one.language}")
    if not there:
        typer.echo("Nobody is told anything: `deskyard notify add` changes that.")


@notify.command()
def remove_channel(name: Annotated[str, typer.Argument(help="What it is called.")]) -> None:
    """Tell a channel nothing more.

    Example: `deskyard notify remove team-network`
    """
    with desk_database() as database, database.writing() as conn:
        notifications.remove_target(conn, name)
        audit_log.record_action(conn, Actor("person", getpass.getuser()), "notice.remove", name, datetime.now(UTC))
    credentials.delete_secret(dispatch.secret_name(name))
    typer.echo(f"{name!r} is told nothing more.")


@notify.command()
def send_test(name: Annotated[str, typer.Argument(help="What it is called.")]) -> None:
    """Send a notice of a ticket that does not exist, to see it arrive.

    Example: `deskyard notify test team-network`
    """
    with desk_database() as database, database.reading() as conn:
        target = notifications.find_by_name(conn, name)
    dispatch.deliver_notice(target, notice="test", event="test", ticket="0", queue="test", at=datetime.now(UTC))
    typer.echo("Sent.")
