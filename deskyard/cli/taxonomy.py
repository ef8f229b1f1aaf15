"""`deskyard taxonomy`: list changes of labels, add one, and show what splits leave to people."""

import getpass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from deskyard.db.database import desk_database
from deskyard.desk import taxonomy_changes
from deskyard.domain import taxonomy as domain_taxonomy
from deskyard.domain.actors import Actor
from deskyard.policy.versions import Policies

taxonomy = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Rename, merge, split and retire categories, queues and assignees, each from a day on.\n\n"
    "Example: `deskyard taxonomy rename queue Billing Accounts`",
)

TargetArgument = Annotated[
    str, typer.Argument(metavar="TARGET", help=f"One of {', '.join(domain_taxonomy.CHANGEABLE_TARGETS)}.")
]
DayOption = Annotated[
    str, typer.Option("--on", metavar="DATE", help="The day (UTC) from which it applies; today if left out.")
]
ReasonOption = Annotated[str, typer.Option(help="The reason, for the audit log.")]


@taxonomy.command()
def show() -> None:
    """List all changes by day, and which are still to come.

    Example: `deskyard taxonomy show`
    """
    with desk_database() as database, database.reading() as conn:
        found = Policies.current(conn).policy.taxonomy
    today = _today()
    for change in found:
        typer.echo(f"{change.target} {change.description}" + (" (to come)" if change.on > today else ""))
    if not found:
        typer.echo("No label was changed.")


@taxonomy.command()
def rename(
    target: TargetArgument,
    label: Annotated[str, typer.Argument(help="The current name.")],
    to: Annotated[str, typer.Argument(help="The new name.")],
    on: DayOption = "",
    reason: ReasonOption = "",
) -> None:
    """Rename a label: where the model predicts the old name, the new one is used.

    Example: `deskyard taxonomy rename queue Billing Accounts --on 2026-12-01`
    """
    _add_change(target, {"rename": label, "to": to}, on, reason)


@taxonomy.command()
def merge(
    target: TargetArgument,
    labels: Annotated[list[str], typer.Argument(help="Two labels or more.")],
    to: Annotated[str, typer.Option(help="The label that they become; may be one of them.")],
    on: DayOption = "",
    reason: ReasonOption = "",
) -> None:
    """Merge several labels into one: their probabilities are summed.

    Example: `deskyard taxonomy merge queue VPN Wi-Fi --to Network`
    """
    _add_change(target, {"merge": labels, "to": to}, on, reason)


@taxonomy.command()
def split(
    target: TargetArgument,
    label: Annotated[str, typer.Argument(help="The label to split.")],
    to: Annotated[
        list[str], typer.Option(help="A new label; give it two or more times. The old one may be among them.")
    ],
    on: DayOption = "",
    reason: ReasonOption = "",
) -> None:
    """Split a label into several: it is only suggested until a model is trained on the new ones; see `tasks`.

    Example: `deskyard taxonomy split queue IT --to Network --to Hardware`
    """
    _add_change(target, {"split": label, "to": to}, on, reason)


@taxonomy.command()
def retire(
    target: TargetArgument,
    label: Annotated[str, typer.Argument(help="The label to retire.")],
    on: DayOption = "",
    reason: ReasonOption = "",
) -> None:
    """Retire a label: the next most probable one is suggested instead.

    Example: `deskyard taxonomy retire category Fax --reason "the last fax machine is gone"`
    """
    _add_change(target, {"retire": label}, on, reason)


@taxonomy.command()
def tasks(
    tickets: Annotated[
        int, typer.Option(min=1, max=1000, help="How many of the newest tickets to list.")
    ] = taxonomy_changes.PAGE_SIZE,
) -> None:
    """List what people must do after splits: the newest tickets that still have a label that was split.

    Example: `deskyard taxonomy tasks --tickets 50`
    """
    with desk_database() as database, database.reading() as conn:
        found = taxonomy_changes.list_split_tasks(conn, _today(), tickets)
    for task in found:
        chosen = ", ".join(f"{label!r} {n:,}" for label, n in task.chosen.items())
        typer.echo(f"{task.change.target} {task.change.description}: people chose {chosen}; {task.waiting:,} waiting")
        for one in task.tickets:
            typer.echo(f"  {one.id}  {one.received_at:%Y-%m-%d %H:%M}  {one.ticket.subject[:80]}")
    if not found:
        typer.echo("No label was split.")


def _add_change(target: str, raw: dict[str, Any], on: str, reason: str) -> None:
    change = domain_taxonomy.parse_change({"on": on or _today().isoformat(), "target": target, **raw})
    with desk_database() as database, database.writing() as conn:
        before = Policies.current(conn).number
        version = taxonomy_changes.add_change(
            conn, change, Actor("person", getpass.getuser()), datetime.now(UTC), reason
        )
    note = " (no change: it is there already)" if version.number == before else ""
    typer.echo(f"{change.target} {change.description}: policy {version.number}{note}.")
    if change.kind == "split" and change.on <= _today():
        typer.echo("People must choose the new label of its tickets: `deskyard taxonomy tasks` lists them.")


def _today() -> date:
    return datetime.now(UTC).date()
