"""`deskyard notify`: channels (Slack, Telegram, e-mail, webhook) that are notified when a ticket reaches a queue."""

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
    help="Notify people when a ticket reaches a queue: its number, the queue and a link, never its text.\n\n"
    "Example: `deskyard notify add team-network slack:https://hooks.slack.com/services/… --queue Network`",
)


@notify.command("add")
def add_channel(
    name: Annotated[str, typer.Argument(help="Name of the channel: lower-case letters, digits and hyphens.")],
    url: Annotated[
        str,
        typer.Argument(help="slack:https://…, telegram:https://…?chat=…, smtp://…/to@example.org, webhook:https://…"),
    ],
    queue: Annotated[
        list[str] | None,
        typer.Option(help="Notify of tickets in this queue (`triage` too); repeatable. Default: all routed tickets."),
    ] = None,
    language: Annotated[str, typer.Option(help="en or ru.")] = "en",
    secret: Annotated[
        str, typer.Option(envvar="DESKYARD_NOTIFY_SECRET", help="The key with which a generic webhook is signed.")
    ] = "",
) -> None:
    """Add or replace a channel. Private addresses must be listed in DESKYARD_NOTIFY_ALLOW.

    Example: `deskyard notify add team-network slack:https://hooks.slack.com/services/… --queue Network`
    """
    channel = dispatch.open_target(url, secret, language)
    credentials.save_secret(dispatch.secret_name(name), channel.secret)
    with desk_database() as database:
        SyncEngine(database).create_tables()
        with database.writing() as conn:
            notifications.save_target(conn, name, channel.display_url, queue or [], language)
            audit_log.record_action(conn, Actor("person", getpass.getuser()), "notice.put", name, datetime.now(UTC))
    subject = f"tickets in {', '.join(queue)}" if queue else "all routed tickets"
    typer.echo(f"{name!r} is notified of {subject}.")


@notify.command("list")
def list_channels() -> None:
    """List the channels, without secrets.

    Example: `deskyard notify list`
    """
    with desk_database() as database, database.reading() as conn:
        targets = notifications.list_targets(conn)
    for target in targets:
        queues = ", ".join(target.queues) or "all queues"
        typer.echo(f"{target.name:<16} {target.display_url}; {queues}; {target.language}")
    if not targets:
        typer.echo("There are no channels yet: add one with `deskyard notify add`.")


@notify.command("remove")
def remove_channel(name: Annotated[str, typer.Argument(help="Name of the channel.")]) -> None:
    """Remove a channel.

    Example: `deskyard notify remove team-network`
    """
    with desk_database() as database, database.writing() as conn:
        notifications.remove_target(conn, name)
        audit_log.record_action(conn, Actor("person", getpass.getuser()), "notice.remove", name, datetime.now(UTC))
    credentials.delete_secret(dispatch.secret_name(name))
    typer.echo(f"{name!r} is removed.")


@notify.command("test")
def send_test(name: Annotated[str, typer.Argument(help="Name of the channel.")]) -> None:
    """Send a test notice about a ticket that does not exist.

    Example: `deskyard notify test team-network`
    """
    with desk_database() as database, database.reading() as conn:
        target = notifications.find_by_name(conn, name)
    dispatch.deliver_notice(target, notice="test", event="test", ticket="0", queue="test", at=datetime.now(UTC))
    typer.echo("Sent.")
