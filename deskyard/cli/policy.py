"""The doors of `deskyard policy`: show it, switch modes, bring it in and out as a file."""

import getpass
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from deskyard.db.database import desk_database
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import BadInput
from deskyard.journal import audit_log
from deskyard.policy import toml_format
from deskyard.policy.policy import Mode, Policy, Rule
from deskyard.policy.versions import Policies, PolicyVersion

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
        current, past = Policies.current(conn), Policies.list_recent(conn, versions) if versions else []
    typer.echo(_version_heading(current))
    typer.echo(current.text)
    for version in past:
        typer.echo(_version_heading(version))


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
        _update_policy(lambda now: set_store_mode(now, store, to))
    else:
        _update_policy(lambda now: set_mode(now, to, wanted, queue or None))


@policy.command()
def halt() -> None:
    """Throw the kill switch: nothing is routed until `deskyard policy resume`.

    Example: `deskyard policy halt`
    """
    _update_policy(lambda now: replace(now, halted=True))


@policy.command()
def resume() -> None:
    """Take the kill switch back.

    Example: `deskyard policy resume`
    """
    _update_policy(lambda now: replace(now, halted=False))


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
    wanted = toml_format.parse_policy(text)
    _update_policy(lambda _now: wanted)


def set_mode(current: Policy, mode: Mode, target: Target | None = None, queue: str | None = None) -> Policy:
    """The policy with one mode changed, and everything else as it was."""
    if queue is None:
        if target is None:
            return replace(current, mode=mode)
        return replace(current, targets={**current.targets, target: _rule_with_mode(current.targets.get(target), mode)})
    if target is None:
        return replace(current, queues={**current.queues, queue: _rule_with_mode(current.queues.get(queue), mode)})
    inside = current.pairs.get(queue, {})
    return replace(
        current, pairs={**current.pairs, queue: {**inside, target: _rule_with_mode(inside.get(target), mode)}}
    )


def set_store_mode(current: Policy, store: str, mode: Mode) -> Policy:
    """The policy with the mode of one store's tickets changed, and everything else as it was."""
    return replace(current, stores={**current.stores, store: _rule_with_mode(current.stores.get(store), mode)})


def _rule_with_mode(rule: Rule | None, mode: Mode) -> Rule:
    return Rule(mode, rule.precision if rule else None)


def _update_policy(change: Callable[[Policy], Policy]) -> None:
    with desk_database() as database:
        user, at = getpass.getuser(), datetime.now(UTC)
        with database.writing() as conn:
            now = Policies.current(conn)
            version = Policies.add_version(conn, change(now.policy), user, at)
            if version.number != now.number:
                audit_log.record_action(conn, Actor("person", user), "policy.put", f"version {version.number}", at)
    typer.echo("That is in force already." if version.number == now.number else _version_heading(version))


def _version_heading(version: PolicyVersion) -> str:
    when = f"{version.at:%Y-%m-%d %H:%M} UTC by {version.actor}" if version.at else "of a fresh install"
    return f"# policy {version.number} ({version.policy.digest}), {when}"
