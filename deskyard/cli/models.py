"""`deskyard models`, `promote`, `rollback` and `challenge`: the bundles, and which one is in use."""

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
    """List the bundles in the models folder: what each predicts, which one is in use, and which can't be used and why.

    Example: `deskyard models`
    """
    models_folder = settings().models
    with desk_database() as database, database.reading() as conn:
        active, challenger = active_model.get_active(conn), challengers.get_challenger(conn)
    folders = sorted(manifest.parent for manifest in models_folder.glob(f"*/{MANIFEST_FILE}"))
    if not folders:
        typer.echo(f"There is no bundle in {models_folder.absolute()}: `deskyard train HISTORY` makes one.")
        return
    table = Table(title=f"Bundles in {models_folder.absolute()}", title_justify="left", title_style="bold")
    for heading in ("name", "digest", "trained", "predicts", "precision", "state"):
        table.add_column(heading, overflow="fold")
    for folder in folders:
        table.add_row(*_bundle_row(folder, active, challenger))
    out = Console()
    (out if out.is_terminal else Console(width=130)).print(table)


def promote(
    name: Annotated[str, typer.Argument(help="A bundle's name, as `deskyard models` lists it.")],
    force: Annotated[bool, typer.Option("--force", help="Even if it predicts fewer targets or is not better.")] = False,
) -> None:
    """Put a bundle in use for all processes, without a pause; one that can't be used is refused.

    It must predict all targets of the model in use, and where the two were compared (`deskyard retrain`) be better;
    --force puts it in use anyway.

    Example: `deskyard promote 2026-01-31-120000`
    """
    with desk_database() as database:
        done = promotion.promote(database, settings().models, name, _current_actor(), force=force)
    typer.echo(_format_active(done))


def rollback() -> None:
    """Put the previous model in use again.

    Example: `deskyard rollback`
    """
    with desk_database() as database:
        done = promotion.rollback(database, settings().models, _current_actor())
    typer.echo(_format_active(done))


def challenge(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="A bundle's name, as `deskyard models` lists it.")] = "",
    none: Annotated[bool, typer.Option("--none", help="Stop running a challenger.")] = False,
) -> None:
    """Run a bundle as challenger: it predicts every new ticket beside the model in use, and nothing is done with it.

    Its predictions are kept and compared with the final labels: `deskyard compare --live`.

    Example: `deskyard challenge 2026-02-28-120000` or `deskyard challenge --none`
    """
    if bool(name) == none:
        raise BadInput("name a bundle, or use --none.")
    with desk_database() as database:
        promotion.start_challenge(database, settings().models, name, _current_actor())
    typer.echo(f"{name} is the challenger from the next ticket on." if name else "There is no challenger now.")


def _current_actor() -> Actor:
    return Actor("person", getpass.getuser())


def _format_active(active: ActiveModel) -> str:
    since = f"{active.at:%Y-%m-%d %H:%M} UTC"
    return f"{active.name} ({active.digest[:12]}) is in use since {since}, activated by {active.actor}."


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
        str(found.build_info.get("at", "unknown")).removesuffix("+00:00"),
        ", ".join(found.targets),
        f"{found.card['asked_precision']:.0%}",
        "in use"
        if in_use
        else "not the bundle that was put in use under this name"
        if replaced
        else _bundle_state(found, active, challenger),
    ]


def _bundle_state(loaded: bundle.Bundle, active: ActiveModel | None, challenger: Challenger | None) -> str:
    """The state of a bundle that is not in use: whether it is the challenger, and the verdict of its comparison."""
    states = ["challenger"] if challenger and challenger.digest == loaded.digest else []
    compared = comparison_file.read_comparison(
        settings().models / loaded.name, active.digest if active else None, loaded.digest
    )
    return ", ".join([*states, *([compared.verdict] if compared else [])])
