"""The doors of `deskyard models`, `promote` and `rollback`: which bundles there are, and which one is in use."""

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deskyard.db.database import desk_database
from deskyard.desk.ticket_history import Actor
from deskyard.errors import BadInput, BundleError
from deskyard.registry import active_model, bundle, challengers, comparison_file, promotion
from deskyard.registry.active_model import Active
from deskyard.registry.bundle_files import MANIFEST
from deskyard.registry.challengers import Challenger
from deskyard.settings import settings


def models() -> None:
    """List the bundles in the folder of models: what each predicts, which is in use, and which can't be used and why.

    Example: `deskyard models`
    """
    folder = settings().models
    with desk_database() as database, database.reading() as conn:
        now, beside = active_model.current(conn), challengers.now(conn)
    places = sorted(manifest.parent for manifest in folder.glob(f"*/{MANIFEST}"))
    if not places:
        typer.echo(f"There is no bundle in {folder.absolute()}: `deskyard train HISTORY` makes one.")
        return
    shown = Table(title=f"Bundles in {folder.absolute()}", title_justify="left", title_style="bold")
    for heading in ("name", "digest", "trained", "predicts", "asked", "state"):
        shown.add_column(heading, overflow="fold")
    for place in places:
        shown.add_row(*_row(place, now, beside))
    out = Console()
    (out if out.is_terminal else Console(width=130)).print(shown)


def promote(
    name: Annotated[str, typer.Argument(help="A bundle's name, as `deskyard models` lists it.")],
    force: Annotated[bool, typer.Option("--force", help="Whatever it was found to be worth.")] = False,
) -> None:
    """Put a bundle in use for every process, without a pause; one that can't be used is refused.

    It must predict at least what the model in use does, and where the two were compared (`deskyard retrain`) have
    earned its place; --force lets it.

    Example: `deskyard promote 2026-01-31-120000`
    """
    with desk_database() as database:
        done = promotion.promote(database, settings().models, name, _me(), force=force)
    typer.echo(_told(done))


def rollback() -> None:
    """Put the model in use again that was in use before the present one.

    Example: `deskyard rollback`
    """
    with desk_database() as database:
        done = promotion.rollback(database, settings().models, _me())
    typer.echo(_told(done))


def challenge(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="A bundle's name, as `deskyard models` lists it.")] = "",
    none: Annotated[bool, typer.Option("--none", help="Let no bundle run beside the model in use.")] = False,
) -> None:
    """Let a bundle run beside the model in use: it is asked about every new ticket, and never acted on.

    What it said is kept and compared with what people made of the tickets: `deskyard compare --live`.

    Example: `deskyard challenge 2026-02-28-120000` or `deskyard challenge --none`
    """
    if bool(name) == none:
        raise BadInput("name a bundle, or say --none.")
    with desk_database() as database:
        promotion.challenge(database, settings().models, name, _me())
    typer.echo(f"{name} runs beside the model in use from the next ticket on." if name else "Nothing runs beside it.")


def _me() -> Actor:
    return Actor("person", getpass.getuser())


def _told(done: Active) -> str:
    return f"{done.name} ({done.digest[:12]}) is in use, put there by {done.actor} at {done.at:%Y-%m-%d %H:%M} UTC."


def _row(place: Path, now: Active | None, beside: Challenger | None) -> list[str]:
    try:
        found = bundle.load(place)
    except BundleError as error:
        return [escape(place.name), "", "", "", "", f"broken: {escape(str(error))}"]
    in_use = now is not None and (now.name, now.digest) == (place.name, found.digest)
    replaced = now is not None and now.name == place.name and not in_use
    return [
        escape(place.name),
        found.digest[:12],
        str(found.made.get("at", "not said")).removesuffix("+00:00"),
        ", ".join(found.targets),
        f"{found.card['asked_precision']:.0%}",
        "in use" if in_use else "another was put in use under this name" if replaced else _stands(found, now, beside),
    ]


def _stands(found: bundle.Bundle, now: Active | None, beside: Challenger | None) -> str:
    """What became of a bundle that is not in use."""
    told = ["challenger"] if beside and beside.digest == found.digest else []
    compared = comparison_file.read(settings().models / found.name, now.digest if now else None, found.digest)
    return ", ".join([*told, *([compared.verdict] if compared else [])])
