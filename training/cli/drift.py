"""The door of `deskyard drift`: read, compare, tell."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from deskyard.errors import BadInput
from deskyard.history.columns import parse_map
from training.cli.train import Order
from training.data.history import load
from training.data.provenance import Origin
from training.drift.findings import BEFORE, Drift, look

SHOWN: Final = 10
"""Changed values of a kind that are told on the screen; --json tells all."""

EXAMPLES: Final = 3


def drift(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="Histories: CSV (.gz), XLSX, JSONL or Parquet.")
    ] = None,
    desk: Annotated[bool, typer.Option("--desk", help="Look at the built-in desk's own tickets instead.")] = False,
    newest: Annotated[
        int, typer.Option(min=1, help=f"Compare so many newest tickets with up to {BEFORE:,} before them.")
    ] = 500,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="OURS=THEIRS, as for `deskyard train`.")] = None,
    order: Annotated[Order, typer.Option(help="Old to new by created_at, or as the file stands.")] = Order.TIME,
    as_text: Annotated[bool, typer.Option("--json", help="Print all findings as JSON.")] = False,
) -> None:
    """Say what has changed on the desk: words, channels, languages, labels; labels that come no more; new topics.

    Each kind tells something by chance one time in a thousand where nothing has changed and tickets come independently
    of each other. An incident of many tickets alike is a new topic, too.

    Example: `deskyard drift --desk --newest 300`
    """
    if bool(files) == desk:
        raise BadInput("name the files of a history, or say --desk to look at the desk's own tickets.")
    how: Literal["time", "file"] = order.value
    with Origin.of(files or []).files() as (tables, moves):
        history = load(tables, parse_map(mapping or []), moves=moves, order=how)
    found = look(history, newest)
    if as_text:
        typer.echo(json.dumps(_plain(found), ensure_ascii=False))
        return
    for line in _lines(found):
        typer.echo(line)
    if found.worth:
        source = "--desk" if desk else " ".join(map(str, files or []))
        typer.echo(f"Proposed: learn anew (deskyard train {source} --drift follow).")


def _lines(found: Drift) -> list[str]:
    since = f", since {found.since:%Y-%m-%d}" if found.since else ""
    lines = [f"The newest {found.now:,} tickets{since}, beside {found.before:,} before them."]
    for kind, values in found.changed.items():
        lines.append(f"{kind}: {len(values)} changed" + (f", the greatest {SHOWN}" if len(values) > SHOWN else ""))
        lines += [f"  {one.value}: {one.before:.1%} -> {one.now:.1%}" for one in values[:SHOWN]]
    for target, ones in found.silent.items():
        lines += [
            f"silent: {target} {one.label!r} was {one.share:.1%}, and did not come in the last {one.since:,}"
            for one in ones
        ]
    for topic in found.topics:
        filed = ", ".join(f"{label or 'no category'} ({n})" for label, n in topic.filed)
        lines.append(f"new topic: {', '.join(topic.words)}: {topic.before:.1%} -> {topic.now:.1%}; filed as {filed}")
        lines += [f"  {one.id}: {(one.subject or one.body)[:80]}" for one in topic.tickets[:EXAMPLES]]
    return lines if len(lines) > 1 else [*lines, "Nothing has changed that chance does not explain."]


def _plain(found: Drift) -> dict[str, Any]:
    return {
        "before": found.before,
        "now": found.now,
        "since": found.since.isoformat() if found.since else None,
        "changed": {kind: [asdict(one) for one in values] for kind, values in found.changed.items()},
        "silent": {target: [asdict(one) for one in ones] for target, ones in found.silent.items()},
        "topics": [
            {name: getattr(one, name) for name in ("words", "before", "now", "filed")}
            | {"tickets": [ticket.id for ticket in one.tickets]}
            for one in found.topics
        ],
    }
