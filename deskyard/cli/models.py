"""The doors of `deskyard models`, `promote` and `rollback`: which bundles there are, and which one is in use."""

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deskyard.db.database import desk_database
from deskyard.domain.actors import Actor
from deskyard.errors import BadInput, BundleError
from deskyard.registry import active_model, bundle, challengers, comparison_file, promotion
from deskyard.registry.active_model import ActiveModel
from deskyard.registry.bundle_files import MANIFEST_FILE
from deskyard.registry.challengers import Challenger
from deskyard.settings import settings


def models() -> None:
    """List the bundles in the folder of models: what each predicts, which is in use, and which can't be used and why.

    Example: `deskyard models`
    """
    folder = settings().models
    with desk_database() as database, database.reading() as conn:
        now, beside = active_model.get_active(conn), challengers.get_challenger(conn)
    places = sorted(manifest.parent for manifest in folder.glob(f"*/{MANIFEST_FILE}"))
    if not places:
        typer.echo(f"There is no bundle in {folder.absolute()}: `deskyard train HISTORY` makes one.")
        return
    shown = Table(title=f"Bundles in {folder.absolute()}", title_justify="left", title_style="bold")
    for heading in ("name", "digest", "trained", "predicts", "asked", "state"):
        shown.add_column(heading, overflow="fold")
    for place in places:
        shown.add_row(*_bundle_row(place, now, beside))
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
        done = promotion.promote(database, settings().models, name, _current_actor(), force=force)
    typer.echo(_format_active(done))


def rollback() -> None:
    """Put the model in use again that was in use before the present one.

    Example: `deskyard rollback`
    """
    with desk_database() as database:
        done = promotion.rollback(database, settings().models, _current_actor())
    typer.echo(_format_active(done))


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
        promotion.start_challenge(database, settings().models, name, _current_actor())
    typer.echo(f"{name} runs beside the model in use from the next ticket on." if name else "Nothing runs beside it.")


def _current_actor() -> Actor:
    return Actor("person", getpass.getuser())


def _format_active(active: ActiveModel) -> str:
    return f"{active.name} ({active.digest[:12]}) is in use, put there by {active.actor} at {active.at:%Y-%m-%d %H:%M} UTC."


def _bundle_row(folder: Path, active: ActiveModel | None, challenger: Challenger | None) -> list[str]:
    try:
        found = bundle.load_bundle(folder)
    except BundleError as error:
        return [escape(folder.name), "", "", "", "", f"broken: {escape(str(error))}"]
    in_use = active is not None and (active.name, active.digest) == (folder.name, found.digest)
    replaced = active is not None and active.name == folder.name and not in_use
    return [
        escape(folder.name),
        found.digest[:12],
        str(found.build_info.get("at", "not said")).removesuffix("+00:00"),
        ", ".join(found.targets),
        f"{found.card['asked_precision']:.0%}",
        "in use"
        if in_use
        else "another was put in use under this name"
        if replaced
        else _bundle_state(found, active, challenger),
    ]


def _bundle_state(loaded: bundle.Bundle, active: ActiveModel | None, challenger: Challenger | None) -> str:
    """What became of a bundle that is not in use."""
    told = ["challenger"] if challenger and challenger.digest == loaded.digest else []
    compared = comparison_file.read_comparison(
        settings().models / loaded.name, active.digest if active else None, loaded.digest
    )
    return ", ".join([*told, *([compared.verdict] if compared else [])])
