"""The command `deskyard drift`: compare the newest tickets with those before and print what has changed."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from deskyard.errors import BadInput
from deskyard.history.columns import parse_mapping
from training.cli.train import RowOrder
from training.data.load import load_history
from training.data.provenance import Provenance
from training.drift.findings import MAX_BEFORE, DriftReport, detect_drift

MAX_ROWS: Final = 10
"""Changed values of a kind that are printed; --json has all."""

MAX_EXAMPLES: Final = 3


def drift(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="Histories: CSV (.gz), XLSX, XLS, ODS, JSON, Parquet.")
    ] = None,
    desk: Annotated[bool, typer.Option("--desk", help="Use the built-in desk's own tickets instead of files.")] = False,
    newest: Annotated[
        int, typer.Option(min=1, help=f"How many newest tickets to compare with up to {MAX_BEFORE:,} before them.")
    ] = 500,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="OURS=THEIRS, as for `deskyard train`.")] = None,
    order: Annotated[RowOrder, typer.Option(help="Order by created_at, or as in the file.")] = RowOrder.TIME,
    as_text: Annotated[bool, typer.Option("--json", help="Print all findings as JSON.")] = False,
) -> None:
    """Show what has changed on the desk: words, channels, languages, labels; discontinued labels; new topics.

    Where nothing has changed, each kind reports something by chance one time in a thousand, if tickets are independent.
    An incident with many similar tickets is also reported as a new topic.

    Example: `deskyard drift --desk --newest 300`
    """
    if bool(files) == desk:
        raise BadInput("name the files of a history, or use --desk for the desk's own tickets.")
    row_order: Literal["time", "file"] = order.value
    with Provenance.from_files(files or []).open_files() as (tables, moves):
        history = load_history(tables, parse_mapping(mapping or []), moves=moves, order=row_order)
    report = detect_drift(history, newest)
    if as_text:
        typer.echo(json.dumps(_to_json(report), ensure_ascii=False))
        return
    for line in _format_lines(report):
        typer.echo(line)
    if report.needs_retraining:
        source = "--desk" if desk else " ".join(map(str, files or []))
        typer.echo(f"Suggestion: retrain (deskyard train {source} --drift follow).")


def _format_lines(report: DriftReport) -> list[str]:
    since = f", since {report.since:%Y-%m-%d}" if report.since else ""
    lines = [f"The newest {report.now:,} tickets{since}, compared with {report.before:,} before them."]
    for kind, values in report.changed.items():
        lines.append(
            f"{kind}: {len(values)} changed" + (f", the greatest {MAX_ROWS}" if len(values) > MAX_ROWS else "")
        )
        lines += [f"  {one.value}: {one.before:.1%} -> {one.now:.1%}" for one in values[:MAX_ROWS]]
    for target, ones in report.discontinued.items():
        lines += [
            f"discontinued: {target} {one.label!r} was {one.share:.1%} and did not occur in the last {one.since:,}"
            for one in ones
        ]
    for topic in report.topics:
        current = ", ".join(f"{label or 'no category'} ({n})" for label, n in topic.current_labels)
        lines.append(f"new topic: {', '.join(topic.words)}: {topic.before:.1%} -> {topic.now:.1%}; currently {current}")
        lines += [f"  {one.id}: {(one.subject or one.body)[:80]}" for one in topic.tickets[:MAX_EXAMPLES]]
    return lines if len(lines) > 1 else [*lines, "No significant changes."]


def _to_json(report: DriftReport) -> dict[str, Any]:
    return {
        "before": report.before,
        "now": report.now,
        "since": report.since.isoformat() if report.since else None,
        "changed": {kind: [asdict(one) for one in values] for kind, values in report.changed.items()},
        "discontinued": {target: [asdict(one) for one in ones] for target, ones in report.discontinued.items()},
        "topics": [
            {name: getattr(one, name) for name in ("words", "before", "now", "current_labels")}
            | {"tickets": [ticket.id for ticket in one.tickets]}
            for one in report.topics
        ],
    }
