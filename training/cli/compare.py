"""The command `deskyard compare`: compare two bundles on the same tickets and print the result."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from deskyard.analytics import rollups
from deskyard.db.database import Database, desk_database
from deskyard.errors import BadInput
from deskyard.history.columns import parse_mapping
from deskyard.inference.batch_prediction import check_precision
from deskyard.policy.versions import Policies
from deskyard.registry import active_model, bundle, challengers, comparison_file
from deskyard.registry.comparison import Comparison, PairedResult, TargetComparison
from deskyard.settings import settings
from training.compare import side_by_side
from training.data.load import load_history
from training.data.provenance import Provenance
from training.data.taxonomy import to_current_names

MAX_CLASSES: Final = 8
"""Labels that are shown, the largest differences first."""


def compare(
    first: Annotated[str, typer.Argument(metavar="[A]", help="A bundle; by default the active one.")] = "",
    second: Annotated[
        str, typer.Argument(metavar="[B]", help="The bundle that may replace it; by default the challenger.")
    ] = "",
    on: Annotated[list[Path] | None, typer.Option("--on", help="Tickets with known labels. Repeatable.")] = None,
    desk: Annotated[bool, typer.Option("--desk", help="Use the built-in desk's own tickets.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Use what both predicted for new tickets since B became the challenger.")
    ] = False,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Neither was trained on any ticket of the files, whatever their dates.")
    ] = False,
    precision: Annotated[
        float | None, typer.Option(help="The required precision of both; by default the policy's.")
    ] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="As in `deskyard train`. Repeatable.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Compare two models on tickets that neither was trained on: those newer than all training tickets of both.

    B may replace A if a target is significantly better, no target and no label is worse, and its contracts hold.

    Example: `deskyard compare --desk` or `deskyard compare 2026-01-31-120000 2026-02-28-120000 --on new.csv`
    """
    check_precision(precision)
    if (bool(on), desk, live).count(True) != 1:
        raise BadInput("choose the tickets: --on FILE, --desk, or --live.")
    if unseen and not on:
        raise BadInput("--unseen is for files: the desk's own tickets have dates.")
    with desk_database() as database:
        found = _run_comparison(database, first, second, on or [], desk, live, unseen, precision, mapping or [])
    if as_json:
        typer.echo(comparison_file.to_json(found), nl=False)
    else:
        print_comparison(found)


def _run_comparison(
    database: Database,
    first: str,
    second: str,
    on: list[Path],
    desk: bool,
    live: bool,
    unseen: bool,
    precision: float | None,
    mapping: list[str],
) -> Comparison:
    models = settings().models
    with database.reading() as conn:
        policy, active = Policies.current(conn).policy, active_model.get_active(conn)
        challenger = challengers.get_challenger(conn)
    one = bundle.load_bundle(bundle.find_bundle(models, first or (active.name if active else "")))
    precisions = (
        side_by_side.required_precisions(one, policy) if precision is None else dict.fromkeys(one.targets, precision)
    )
    if live:
        if first or second or challenger is None:
            raise BadInput("--live compares the active model with the challenger: `deskyard challenge NAME` sets it")
        rollups.refresh_rollups(database, settings().time_zone)
        with database.reading() as conn:
            return challengers.compare_live(conn, challenger, precisions, active)
    other = second or (challenger.name if challenger else "")
    if not other:
        raise BadInput("there is no challenger: name the second bundle, or set a challenger: `deskyard challenge NAME`")
    two = bundle.load_bundle(bundle.find_bundle(models, other))
    if desk:
        with Provenance.desk_now().open_files() as (tables, moves):
            history = load_history(tables, moves=moves)
    else:
        names = {target: head.labels for target, head in one.scorer.heads.items()}
        stored = one.build_info.get("columns")
        history = load_history(on, parse_mapping(mapping), known_labels=names, stored_columns=stored)
    return side_by_side.compare_bundles(one, two, to_current_names(history, policy), precisions, unseen=unseen)


def print_comparison(comparison: Comparison) -> None:
    """Print a comparison: targets, the labels that differ most, slices, the verdict."""
    out = Console()
    out = out if out.is_terminal else Console(width=130)
    after = f", received after {comparison.since[:16].replace('T', ' ')}" if comparison.since else ""
    shown = Table(title=f"{comparison.tickets:,} tickets that neither was trained on{after}", title_justify="left")
    for heading in ("", "tickets", "A right", "B right", "B - A", "95 %", "gained", "lost"):
        shown.add_column(heading, justify="left" if not heading else "right")
    for one in comparison.targets:
        shown.add_section()
        shown.add_row(*_row(one.target, one.overall), style="bold")
        for part in _largest_differences(one):
            shown.add_row(*_row(f"  {one.target} {part.name}", part))
        for dimension, parts in one.slices.items():
            for part in parts:
                shown.add_row(*_row(f"  {dimension} {part.name}", part), style="dim")
    out.print(shown, markup=False)
    for one in comparison.targets:
        for name, check in (("A", one.first), ("B", one.second)):
            outcome = f"would route {check.routed:,} of {check.tickets:,}, {check.right:,} rightly"
            if not check.routed:
                outcome = "would route nothing" if check.has_contract else "has no contract, so it would route nothing"
            required = f"{one.required_precision:.1%}"
            out.print(f"{one.target}: {name} {outcome} ({required} required)", highlight=False, markup=False)
    out.print(f"B: {comparison.verdict}.", highlight=False, markup=False, soft_wrap=True)


def _largest_differences(one: TargetComparison) -> list[PairedResult]:
    parts = [part for part in one.classes if part.gained + part.lost]
    return sorted(parts, key=lambda part: (-(part.gained + part.lost), part.name))[:MAX_CLASSES]


def _row(name: str, part: PairedResult) -> list[str]:
    shares = [f"{right / part.n:.1%}" if part.n else "-" for right in (part.first, part.second)]
    edges = f"{100 * part.low:+.1f} to {100 * part.high:+.1f}"
    return [name, f"{part.n:,}", *shares, f"{100 * part.difference:+.1f}", edges, str(part.gained), str(part.lost)]
