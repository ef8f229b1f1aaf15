"""The door of `deskyard report`: a training run's report again, in another language or another place."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deskyard import bundle
from deskyard.reports.files import PAGE, read_figures, write_page
from deskyard.reports.page import render
from deskyard.reports.words import Language, preferred
from deskyard.settings import settings


def report(
    model: Annotated[
        str, typer.Argument(metavar="[BUNDLE]", help="A folder or a name; the champion if not said.")
    ] = "",
    lang: Annotated[Language | None, typer.Option(help="The page's language; that of LANG if not said.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the page here, not into the bundle's folder.")] = None,
) -> None:
    """Make the report of a bundle's training run again: one HTML file that opens without a network.

    Texts of tickets are not kept, so only `deskyard train --with-texts` can show them.

    Example: `deskyard report --lang ru --out report.html`
    """
    folder = bundle.find(settings().models, model)
    document = read_figures(folder, bundle.load(folder).digest)
    path = out if out is not None else folder / PAGE
    write_page(path, render(document, lang or preferred(os.environ)))
    typer.echo(path)
