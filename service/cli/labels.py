"""`deskyard labels`: the label plan, its export as a table, and the import of the filled table."""

import getpass
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from deskyard.analytics.csv_export import escape_formula
from deskyard.db.database import Database, desk_database
from deskyard.domain.actors import Actor
from deskyard.domain.missing_labels import is_ambiguous, means_nothing
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput, BundleError, NotFound, StoreError, StoreRefused
from deskyard.registry import active_model, promotion
from deskyard.settings import settings
from deskyard.tabular.readers import open_table, open_writer
from deskyard.tabular.records import BrokenRow
from deskyard.text.storable import storable
from service.runtime import label_plan
from service.runtime.label_plan import LABELS_PER_WEEK, LabelPlan, item_row
from service.tickets import corrections

if TYPE_CHECKING:
    from deskyard.active_learning.sample_selection import LabelCandidate
    from deskyard.registry.bundle import Bundle

labels = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Plan which tickets people should label, and import their labels.\n\n"
    "Example: `deskyard labels plan --per-week 50`",
)

COLUMNS: Final = (
    "ticket", "label", "target", "current_label", "predicted_label", "confidence", "reason", "goal", "subject", "body",
)  # fmt: skip
READ_COLUMNS: Final = ("ticket", "label", "target", "reason")
"""The columns that `labels import` reads."""

MAX_SHOWN: Final = 5
"""Tickets that the plan shows in each section."""

PerWeek = Annotated[int, typer.Option(min=1, help="Labels that people can give in a week.")]
TargetOption = Annotated[str, typer.Option(help=f"Only this target: {', '.join(TARGETS)}.")]


@labels.command("plan")
def plan_command(
    per_week: PerWeek = LABELS_PER_WEEK,
    target: TargetOption = "",
    as_text: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how many labels each contract still needs, when it will be reached, and which tickets to label first.

    Example: `deskyard labels plan --per-week 50`
    """
    found = _load_plan(per_week, target)
    if as_text:
        items = {kind: [_row(item) for item in getattr(found, kind)] for kind in ("unlabelled", "doubtful")}
        typer.echo(json.dumps({"goals": [asdict(goal) for goal in found.goals], **items}, ensure_ascii=False))
        return
    for line in _plan_lines(found):
        typer.echo(line)


@labels.command("export")
def export_labels(
    file: Annotated[
        Path, typer.Argument(help="File to write: .csv, .jsonl, .parquet (also .gz), or - for CSV on standard output.")
    ],
    number: Annotated[int, typer.Option("-n", min=1, help="Maximum number of tickets.")] = 200,
    target: TargetOption = "",
    per_week: PerWeek = LABELS_PER_WEEK,
) -> None:
    """Write the most useful tickets to a table, in which people fill in the column `label`.

    Example: `deskyard labels export to-label.csv -n 100 --target queue`
    """
    found = _load_plan(per_week, target)
    items = [*found.doubtful[: number // 5], *found.unlabelled]
    items = items[:number]
    with open_writer(file, COLUMNS, numbers=("ticket", "confidence")) as table:
        for item in items:
            table.write({"label": ""} | {name: escape_formula(value) for name, value in _row(item).items()})
    doubtful = sum(item.reason == "doubtful" for item in items)
    typer.echo(f"{len(items):,} tickets to {file}, {doubtful:,} of them with a doubtful label.", err=True)


@labels.command("import")
def import_labels(
    file: Annotated[Path, typer.Argument(help="A table with ticket, target and label, as `labels export` writes it.")],
) -> None:
    """Import the labels that people filled in. Rows that can't be imported are listed; all others are.

    Example: `deskyard labels import to-label.csv`
    """
    result = _ImportResult()
    with desk_database() as database:
        for line, row in _read_rows(file):
            result.import_row(database, line, row)
    for error in result.errors:
        typer.echo(error, err=True)
    typer.echo(
        f"{result.saved:,} labels imported, {result.already_known:,} already known, {result.empty:,} empty, "
        f"{len(result.errors):,} failed."
    )
    if result.errors:
        raise typer.Exit(1)


@dataclass
class _ImportResult:
    """Counts of imported rows, and an error message for each row that could not be imported."""

    saved: int = 0
    already_known: int = 0
    empty: int = 0
    errors: list[str] = field(default_factory=list)

    def import_row(self, database: Database, line: int, row: dict[str, str]) -> None:
        """Store the label of one row; a word for nothing, such as N/A, is none unless the desk has it as a name."""
        label = row["label"].strip().removeprefix("'")
        is_empty = not label or means_nothing(label)
        try:
            target = label_plan.parse_target(row["target"].strip() or "queue")
            if not label or (is_empty and target == "category" and not is_ambiguous(label)):
                self.empty += 1
                return
            number = row["ticket"].strip().removesuffix(".0")
            if not number.isdecimal():
                raise NotFound(f"{number[:50]!r} is not a ticket of this desk")
            with database.writing() as conn:
                is_new = corrections.record_label(
                    conn,
                    int(number),
                    target or "queue",
                    storable(label),
                    Actor("person", getpass.getuser()),
                    expected_version=None,
                    at=datetime.now(UTC),
                    repeat=row["reason"] == "doubtful",
                )
        except (StoreError, BadInput) as error:
            if is_empty and isinstance(error, StoreRefused):
                self.empty += 1
            else:
                self.errors.append(f"line {line}: {error}")
            return
        self.saved += is_new
        self.already_known += not is_new


def _read_rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with open_table(file) as table:
        named = {column.strip().casefold(): column for column in table.columns}
        if missing := [name for name in ("ticket", "label") if name not in named]:
            raise BadInput(
                f"{file} has no column {' and no '.join(missing)}: `deskyard labels export` writes such a table"
            )
        for row in table:
            if isinstance(row, BrokenRow):
                yield row.line, dict.fromkeys(READ_COLUMNS, "") | {"label": "?"}
                continue
            yield row.line, {name: row.values.get(named.get(name, ""), "") for name in READ_COLUMNS}


def _load_plan(per_week: int, target: str) -> LabelPlan:
    chosen = label_plan.parse_target(target)
    with desk_database() as database, database.reading() as conn:
        return label_plan.make_plan(conn, _load_champion(database), per_week, None, chosen)


def _load_champion(database: Database) -> "Bundle | None":
    with database.reading() as conn:
        row = active_model.get_active(conn)
    try:
        return promotion.open_active_bundle(settings().models, row) if row else None
    except BundleError as error:
        raise BadInput(
            f"the model in use can't be loaded ({error}), so no label plan can be made: run `deskyard check`"
        ) from error


def _plan_lines(found: LabelPlan) -> Iterator[str]:
    if not found.goals:
        yield "Nothing to label: every contract has enough labels, or there is no model yet."
    for goal in found.goals:
        yield goal.describe(found.per_week)
    for kind, head in (("unlabelled", "Most useful to label"), ("doubtful", "Labels to check again")):
        items = getattr(found, kind)
        if items:
            yield f"{head}: {len(items):,} tickets, first of all:"
            yield from (f"  {_item_line(item)}" for item in items[:MAX_SHOWN])


def _row(item: "LabelCandidate") -> Mapping[str, Any]:
    return item_row(item, item.state.ticket.ticket)


def _item_line(item: "LabelCandidate") -> str:
    current = f"{item.target} {item.current_label!r}" if item.current_label else f"no {item.target} yet"
    goal = f", for {item.goal.name}" if item.goal else ""
    subject = item.state.ticket.ticket.subject[:60]
    return f"{item.ticket_id}: {current}, predicted {item.predicted_label!r} {item.confidence:.0%}{goal}: {subject}"
