"""The doors of `deskyard taxonomy`: what became of labels, one more turn, and what splits leave to people."""

import getpass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from deskyard.db.database import desk_database
from deskyard.desk import taxonomy_changes
from deskyard.domain import taxonomy as ledger
from deskyard.domain.actors import Actor
from deskyard.policy.versions import Policies

taxonomy = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Rename, merge, split and retire categories, queues and assignees, each from a day on.\n\n"
    "Example: `deskyard taxonomy rename queue Billing Accounts`",
)

TargetArgument = Annotated[
    str, typer.Argument(metavar="TARGET", help=f"One of {', '.join(ledger.CHANGEABLE_TARGETS)}.")
]
DayOption = Annotated[
    str, typer.Option("--on", metavar="DATE", help="The day (UTC) from which it holds; today if not said.")
]
WhyOption = Annotated[str, typer.Option(help="WhyOption, for the audit log.")]


@taxonomy.command()
def show() -> None:
    """List all turns in the order of their days, and which are still to come.

    Example: `deskyard taxonomy show`
    """
    with desk_database() as database, database.reading() as conn:
        found = Policies.current(conn).policy.taxonomy
    today = _today()
    for turn in found:
        typer.echo(f"{turn.target} {turn.description}" + (" (to come)" if turn.on > today else ""))
    if not found:
        typer.echo("All labels are called what they were called.")


@taxonomy.command()
def rename(
    target: TargetArgument,
    label: Annotated[str, typer.Argument(help="The name it has.")],
    to: Annotated[str, typer.Argument(help="The name it gets.")],
    on: DayOption = "",
    why: WhyOption = "",
) -> None:
    """Give a label another name: what the model says under the old one is set under the new one.

    Example: `deskyard taxonomy rename queue Billing Accounts --on 2026-12-01`
    """
    _add_change(target, {"rename": label, "to": to}, on, why)


@taxonomy.command()
def merge(
    target: TargetArgument,
    labels: Annotated[list[str], typer.Argument(help="Two labels or more.")],
    to: Annotated[str, typer.Option(help="The one label that they are from then on; may be one of them.")],
    on: DayOption = "",
    why: WhyOption = "",
) -> None:
    """Make several labels one: their probabilities are summed.

    Example: `deskyard taxonomy merge queue VPN Wi-Fi --to Network`
    """
    _add_change(target, {"merge": labels, "to": to}, on, why)


@taxonomy.command()
def split(
    target: TargetArgument,
    label: Annotated[str, typer.Argument(help="The label that is to be several.")],
    to: Annotated[list[str], typer.Option(help="What it becomes; twice or more. The old name may be among them.")],
    on: DayOption = "",
    why: WhyOption = "",
) -> None:
    """Make one label several: it is only suggested until a model has learnt the new ones; see `tasks`.

    Example: `deskyard taxonomy split queue IT --to Network --to Hardware`
    """
    _add_change(target, {"split": label, "to": to}, on, why)


@taxonomy.command()
def retire(
    target: TargetArgument,
    label: Annotated[str, typer.Argument(help="The label that is written no more.")],
    on: DayOption = "",
    why: WhyOption = "",
) -> None:
    """Write a label no more: the next likeliest is suggested instead.

    Example: `deskyard taxonomy retire category Fax --why "the last fax machine is gone"`
    """
    _add_change(target, {"retire": label}, on, why)


@taxonomy.command()
def tasks(
    tickets: Annotated[
        int, typer.Option(min=1, max=1000, help="So many of the newest tickets.")
    ] = taxonomy_changes.PAGE_SIZE,
) -> None:
    """List what splits leave to people: the newest tickets that still bear a label that was split.

    Example: `deskyard taxonomy tasks --tickets 50`
    """
    with desk_database() as database, database.reading() as conn:
        found = taxonomy_changes.list_split_tasks(conn, _today(), tickets)
    for task in found:
        chosen = ", ".join(f"{label!r} {n:,}" for label, n in task.chosen.items())
        typer.echo(f"{task.change.target} {task.change.description}: people chose {chosen}; {task.waiting:,} wait")
        for one in task.tickets:
            typer.echo(f"  {one.id}  {one.received_at:%Y-%m-%d %H:%M}  {one.ticket.subject[:80]}")
    if not found:
        typer.echo("No label was split.")


def _add_change(target: str, raw: dict[str, Any], on: str, why: str) -> None:
    turn = ledger.parse_change({"on": on or _today().isoformat(), "target": target, **raw})
    with desk_database() as database, database.writing() as conn:
        before = Policies.current(conn).number
        version = taxonomy_changes.add_change(conn, turn, Actor("person", getpass.getuser()), datetime.now(UTC), why)
    again = " (it was said already)" if version.number == before else ""
    typer.echo(f"{turn.target} {turn.description}: policy {version.number}{again}.")
    if turn.kind == "split" and turn.on <= _today():
        typer.echo("Which ticket is which now is for people to say: `deskyard taxonomy tasks` lists them.")


def _today() -> date:
    return datetime.now(UTC).date()
