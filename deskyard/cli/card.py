"""`deskyard card`: what a bundle was trained on, and its figures on test tickets."""

import json
from typing import Annotated

import typer
from rich.console import Console

from deskyard.registry import bundle
from deskyard.reports.model_card import build_legend, build_table, list_remarks
from deskyard.settings import settings


def card(
    model: Annotated[
        str, typer.Argument(metavar="[BUNDLE]", help="A bundle's folder or name; the champion if left out.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole card as JSON.")] = False,
) -> None:
    """Show a bundle's card: what it was trained on, and its figures on tickets that it had never seen.

    Example: `deskyard card` or `deskyard card models/2026-01-31-120000 --json`
    """
    loaded = bundle.load_bundle(bundle.find_bundle(settings().models, model))
    if as_json:
        typer.echo(json.dumps(loaded.card, ensure_ascii=False, indent=1))
        return
    print_card(loaded)


def print_card(loaded: bundle.Bundle) -> None:
    """Print table, legend and remarks, 130 columns wide outside a terminal."""
    out = Console()
    if not out.is_terminal:
        out = Console(width=130)
    out.print(build_table(loaded.card))
    out.print(build_legend(), style="dim", highlight=False)
    for remark in list_remarks(loaded.card, loaded.build_info):
        out.print(f"- {remark}", highlight=False, markup=False)
    out.print(f"bundle {loaded.name}, digest {loaded.digest[:16]}", highlight=False, markup=False, soft_wrap=True)
