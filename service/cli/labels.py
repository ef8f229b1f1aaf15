"""The doors of `deskyard labels`: what to label, as a plan and as a table, and a filled table back."""

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
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput, BundleError, NotFound, StoreError
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
    help="Say which tickets people should label, and take their labels.\n\n"
    "Example: `deskyard labels plan --per-week 50`",
)

COLUMNS: Final = ("ticket", "label", "target", "stands", "thinks", "confidence", "why", "helps", "subject", "body")
READ_COLUMNS: Final = ("ticket", "label", "target", "why")
"""Of these, what is read when it comes back."""

MAX_SHOWN: Final = 5
"""Tickets of a kind that the plan shows."""

PerWeek = Annotated[int, typer.Option(min=1, help="How many labels people give a week.")]
TargetOption = Annotated[str, typer.Option(help=f"Only this target: {', '.join(TARGETS)}.")]


@labels.command("plan")
def plan_command(
    per_week: PerWeek = LABELS_PER_WEEK,
    target: TargetOption = "",
    as_text: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say which contracts lack how many labels, when they are reached, and which tickets to label first.

    Example: `deskyard labels plan --per-week 50`
    """
    found = _load_plan(per_week, target)
    if as_text:
        items = {kind: [_row(item) for item in getattr(found, kind)] for kind in ("wanted", "doubtful")}
        typer.echo(json.dumps({"goals": [asdict(goal) for goal in found.goals], **items}, ensure_ascii=False))
        return
    for line in _plan_lines(found):
        typer.echo(line)


@labels.command()
def export_labels(
    file: Annotated[Path, typer.Argument(help="Where to: .csv, .jsonl, .parquet (also .gz), or - for CSV.")],
    number: Annotated[int, typer.Option("-n", min=1, help="Tickets at most.")] = 200,
    target: TargetOption = "",
    per_week: PerWeek = LABELS_PER_WEEK,
) -> None:
    """Write the most useful tickets as a table; people fill in the column `label`.

    Example: `deskyard labels out wanted.csv -n 100 --target queue`
    """
    found = _load_plan(per_week, target)
    items = [*found.doubtful[: number // 5], *found.unlabelled]
    items = items[:number]
    with open_writer(file, COLUMNS, numbers=("ticket", "confidence")) as table:
        for item in items:
            table.write({"label": ""} | {name: escape_formula(value) for name, value in _row(item).items()})
    doubtful = sum(item.reason == "doubtful" for item in items)
    typer.echo(f"{len(items):,} tickets to {file}, {doubtful:,} of them with a doubtful label.", err=True)


@labels.command("in")
def import_labels(
    file: Annotated[Path, typer.Argument(help="A table with ticket, target and label; see `labels export_labels`.")],
) -> None:
    """Take the labels that people filled in, as theirs; rows that can't be taken are named, and nothing else is lost.

    Example: `deskyard labels in wanted.csv`
    """
    taken = _ImportResult()
    with desk_database() as database:
        for line, row in _read_rows(file):
            taken.import_row(database, line, row)
    for trouble in taken.errors:
        typer.echo(trouble, err=True)
    typer.echo(
        f"{taken.saved:,} labels taken, {taken.already_known:,} were known, {taken.empty:,} left empty, "
        f"{len(taken.errors):,} could not be taken."
    )
    if taken.errors:
        raise typer.Exit(1)


@dataclass
class _ImportResult:
    """What became of the rows of a table."""

    saved: int = 0
    already_known: int = 0
    empty: int = 0
    errors: list[str] = field(default_factory=list)

    def import_row(self, database: Database, line: int, row: dict[str, str]) -> None:
        """Keep one label."""
        label = row["label"].strip().removeprefix("'")
        if not label:
            self.empty += 1
            return
        try:
            target = label_plan.parse_target(row["target"].strip() or "queue")
            number = row["ticket"].strip().removesuffix(".0")
            if not number.isdecimal():
                raise NotFound(f"{number[:50]!r} is no ticket of this desk")
            with database.writing() as conn:
                me = Actor("person", getpass.getuser())
                at = datetime.now(UTC)
                new = corrections.record_label(
                    conn,
                    int(number),
                    target or "queue",
                    storable(label),
                    me,
                    expected_version=None,
                    at=at,
                    repeat=row["why"] == "doubtful",
                )
        except (StoreError, BadInput) as error:
            self.errors.append(f"line {line}: {error}")
            return
        self.saved += new
        self.already_known += not new


def _read_rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with open_table(file) as table:
        named = {column.strip().casefold(): column for column in table.columns}
        if missing := [name for name in ("ticket", "label") if name not in named]:
            raise BadInput(
                f"{file} has no column {' and no '.join(missing)}: `deskyard labels out` writes such a table"
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
        raise BadInput(f"the model in use can't be opened ({error}): nobody knows what it lacks") from error


def _plan_lines(found: LabelPlan) -> Iterator[str]:
    if not found.goals:
        yield "No label lacks tickets for its contract, or there is no model yet: nothing is wanted."
    for goal in found.goals:
        yield goal.describe(found.per_week)
    for kind, head in (("wanted", "Most useful to label"), ("doubtful", "Labels to look at once more")):
        items = getattr(found, kind)
        if items:
            yield f"{head}: {len(items):,} tickets; the first of them:"
            yield from (f"  {_item_line(item)}" for item in items[:MAX_SHOWN])


def _row(item: "LabelCandidate") -> Mapping[str, Any]:
    return item_row(item, item.state.ticket.ticket)


def _item_line(item: Any) -> str:
    stands = f"{item.target} {item.stands!r} stands, " if item.stands else f"no {item.target} yet, "
    helps = f", for {item.goal.name}" if item.goal else ""
    return (
        f"{item.number}: {stands}{item.thinks!r} {item.confidence:.0%}{helps}: {item.heard.filed.ticket.subject[:60]}"
    )
