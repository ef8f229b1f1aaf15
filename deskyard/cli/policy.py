"""`deskyard policy`: show the policy, change modes, export and import it as a file."""

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
    help="Show and change the policy: what the model may do with its predictions.\n\n"
    "Example: `deskyard policy mode route --queue Billing`",
)


@policy.command()
def show(versions: Annotated[int, typer.Option(min=0, help="How many past versions to list as well.")] = 0) -> None:
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
    to: Annotated[Mode, typer.Argument(metavar="route|suggest|off|shadow", help="How far the model may go.")],
    target: Annotated[str, typer.Option(help="Only this target.")] = "",
    queue: Annotated[str, typer.Option(help="Only tickets predicted for this queue.")] = "",
    store: Annotated[str, typer.Option(help="Only tickets of the connection of this name.")] = "",
) -> None:
    """Set the mode; the narrowest rule applies (target in queue, queue, connection, target, everywhere).

    Example: `deskyard policy mode route --target queue --queue Billing`
    """
    if target and target not in TARGETS:
        raise BadInput(f"--target {target}: choose from {', '.join(TARGETS)}.")
    if store and (target or queue):
        raise BadInput("--store can't be combined with --target or --queue.")
    known_target = next((known for known in TARGETS if known == target), None)
    if store:
        _update_policy(lambda current: set_store_mode(current, store, to))
    else:
        _update_policy(lambda current: set_mode(current, to, known_target, queue or None))


@policy.command()
def halt() -> None:
    """Turn the kill switch on: nothing is routed until `deskyard policy resume`.

    Example: `deskyard policy halt`
    """
    _update_policy(lambda current: replace(current, halted=True))


@policy.command()
def resume() -> None:
    """Turn the kill switch off.

    Example: `deskyard policy resume`
    """
    _update_policy(lambda current: replace(current, halted=False))


@policy.command("export")
def export_(file: Annotated[Path, typer.Argument(help="The TOML file to write.")]) -> None:
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
    """Put the policy of a file in force; if a line is wrong, it is named and nothing changes.

    Example: `deskyard policy import policy.toml`
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} can't be read: {error}.") from error
    new = toml_format.parse_policy(text)
    _update_policy(lambda _current: new)


def set_mode(current: Policy, mode: Mode, target: Target | None = None, queue: str | None = None) -> Policy:
    """The policy with one mode changed."""
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
    """The policy with the mode of one connection's tickets changed."""
    return replace(current, stores={**current.stores, store: _rule_with_mode(current.stores.get(store), mode)})


def _rule_with_mode(rule: Rule | None, mode: Mode) -> Rule:
    return Rule(mode, rule.precision if rule else None)


def _update_policy(change: Callable[[Policy], Policy]) -> None:
    with desk_database() as database:
        user, at = getpass.getuser(), datetime.now(UTC)
        with database.writing() as conn:
            current = Policies.current(conn)
            version = Policies.add_version(conn, change(current.policy), user, at)
            if version.number != current.number:
                audit_log.record_action(conn, Actor("person", user), "policy.put", f"version {version.number}", at)
    typer.echo("This policy is in force already." if version.number == current.number else _version_heading(version))


def _version_heading(version: PolicyVersion) -> str:
    when = f"{version.at:%Y-%m-%d %H:%M} UTC by {version.actor}" if version.at else "the default"
    return f"# policy {version.number} ({version.policy.digest}), {when}"
