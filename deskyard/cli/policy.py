"""The doors of `deskyard policy`: show it, switch modes, bring it in and out as a file."""

import getpass
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from deskyard.db.database import desk_database
from deskyard.desk.ticket_history import Actor
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import BadInput
from deskyard.journal import audit_log
from deskyard.policy import toml_format
from deskyard.policy.policy import Mode, Policy, Rule
from deskyard.policy.versions import Policies, Version

policy = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Say how far the machine may go: the policy in force, its modes, its versions.\n\n"
    "Example: `deskyard policy mode route --queue Billing`",
)


@policy.command()
def show(versions: Annotated[int, typer.Option(min=0, help="Also list so many past versions.")] = 0) -> None:
    """Print the policy in force.

    Example: `deskyard policy show --versions 5`
    """
    with desk_database() as database, database.reading() as conn:
        current, past = Policies.current(conn), Policies.past(conn, versions) if versions else []
    typer.echo(_head(current))
    typer.echo(current.text)
    for version in past:
        typer.echo(_head(version))


@policy.command()
def mode(
    to: Annotated[Mode, typer.Argument(metavar="route|suggest|off|shadow")],
    target: Annotated[str, typer.Option(help="Only this target.")] = "",
    queue: Annotated[str, typer.Option(help="Only tickets bound for this queue.")] = "",
    store: Annotated[str, typer.Option(help="Only tickets that live in the store connected by this name.")] = "",
) -> None:
    """Switch what the machine may do; the narrowest rule wins (target in queue, queue, store, target, everywhere).

    Example: `deskyard policy mode route --target queue --queue Billing`
    """
    if target and target not in TARGETS:
        raise BadInput(f"--target {target}: choose from {', '.join(TARGETS)}.")
    if store and (target or queue):
        raise BadInput("--store stands alone: a queue of that store is switched by --queue.")
    wanted = next((known for known in TARGETS if known == target), None)
    if store:
        _change(lambda now: ruled(now, store, to))
    else:
        _change(lambda now: switched(now, to, wanted, queue or None))


@policy.command()
def halt() -> None:
    """Throw the kill switch: nothing is routed until `deskyard policy resume`.

    Example: `deskyard policy halt`
    """
    _change(lambda now: replace(now, halted=True))


@policy.command()
def resume() -> None:
    """Take the kill switch back.

    Example: `deskyard policy resume`
    """
    _change(lambda now: replace(now, halted=False))


@policy.command("export")
def export_(file: Annotated[Path, typer.Argument(help="Where to write the TOML.")]) -> None:
    """Write the policy in force to a file.

    Example: `deskyard policy export policy.toml`
    """
    with desk_database() as database, database.reading() as conn:
        current = Policies.current(conn)
    try:
        file.write_text(current.text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file} can't be written: {error.strerror}.") from error


@policy.command("import")
def import_(file: Annotated[Path, typer.Argument(help="A TOML file; see `deskyard policy export`.")]) -> None:
    """Put the policy of a file in force; wrong lines are named and nothing changes.

    Example: `deskyard policy import policy.toml`
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} can't be read: {error}.") from error
    wanted = toml_format.read(text)
    _change(lambda _now: wanted)


def switched(now: Policy, mode: Mode, target: Target | None = None, queue: str | None = None) -> Policy:
    """The policy with one mode changed, and everything else as it was."""
    if queue is None:
        if target is None:
            return replace(now, mode=mode)
        return replace(now, targets={**now.targets, target: _with(now.targets.get(target), mode)})
    if target is None:
        return replace(now, queues={**now.queues, queue: _with(now.queues.get(queue), mode)})
    inside = now.pairs.get(queue, {})
    return replace(now, pairs={**now.pairs, queue: {**inside, target: _with(inside.get(target), mode)}})


def ruled(now: Policy, store: str, mode: Mode) -> Policy:
    """The policy with the mode of one store's tickets changed, and everything else as it was."""
    return replace(now, stores={**now.stores, store: _with(now.stores.get(store), mode)})


def _with(rule: Rule | None, mode: Mode) -> Rule:
    return Rule(mode, rule.precision if rule else None)


def _change(change: Callable[[Policy], Policy]) -> None:
    with desk_database() as database:
        user, at = getpass.getuser(), datetime.now(UTC)
        with database.writing() as conn:
            now = Policies.current(conn)
            version = Policies.put(conn, change(now.policy), user, at)
            if version.number != now.number:
                audit_log.note(conn, Actor("person", user), "policy.put", f"version {version.number}", at)
    typer.echo("That is in force already." if version.number == now.number else _head(version))


def _head(version: Version) -> str:
    when = f"{version.at:%Y-%m-%d %H:%M} UTC by {version.actor}" if version.at else "of a fresh install"
    return f"# policy {version.number} ({version.policy.digest}), {when}"
